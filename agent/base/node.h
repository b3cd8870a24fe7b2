/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What of struct dlma_node follows from the rest of it. */
#pragma once

#include "dlma/front.h"
#include <stdint.h>

/* Numbers the HNPs of the superset for a front table of that many locations (dlma/front.h). */
void node_set_front(struct dlma_node *n, uint32_t locations_max);

/* Makes the keys of the flow label hash out of label_key. */
void node_set_labels(struct dlma_node *n);
