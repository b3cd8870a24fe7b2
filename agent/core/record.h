/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* One row of the durable store: what the H-LMA must never forget about a MN (design 3). */
#pragma once

#include "dlma/domain.h"

struct identity {
	uint8_t id_len;
	uint8_t ll_len; /* link-layer id; 0: none given */
	uint8_t ll[8];
	char id[DOMAIN_MN_ID_MAX + 1]; /* NAI, zero-terminated */
};

struct record {
	struct dlma_prefix hnp;
	struct identity mn;
	struct dlma_addr dlma;	   /* zero: anchored nowhere; the HNP stays the MN's */
	struct dlma_addr previous; /* D-LMA before that; zero: none */
	struct dlma_addr mag;	   /* behind that D-LMA, as it told; zero: not known */
	struct dlma_addr previous_mag;
	uint64_t stamp;	      /* of the last accepted movement, format of option 27 */
	uint32_t lifetime_ms; /* granted at the last movement */
	uint8_t att;
};
