/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * One production core, and all other nodes of its domain in the hands of the test: it says what it
 * likes in the name of each, sealed as that node would seal it, and sees what the core answers,
 * does and remembers.
 */
#pragma once

#include "core/core.h"
#include "core/state.h"
#include "image.h"

enum rig_node {
	R_OWNER, /* LMA, owns 2001:db8:100::/40 */
	R_OTHER, /* LMA, owns 2001:db8:200::/40 */
	R_D_LMA, /* LMA of R_MAG and R_MAG_2 */
	R_V_LMA, /* LMA of R_FOREIGN_MAG */
	R_O_LMA, /* LMA */
	R_MAG,
	R_MAG_2,
	R_FOREIGN_MAG,
	R_STRANGER, /* LMA for which the core has no key */
	R_NODES,
};

/*
 * MNs 1 and 2 are at home at R_OWNER, 3 at R_OTHER; 4 is not entitled to the service. A crowd of
 * others, at home at R_OWNER, is there on demand.
 */
enum { R_MN1, R_MN2, R_MN3, R_MN4, R_MOBILES, R_CROWD = 3000, R_SENT_MAX = 64 };

struct rig_sent {
	int to; /* enum rig_node */
	struct mh_message message;
};

struct rig {
	struct domain_node nodes[R_NODES];
	struct domain_prefix prefixes[2];
	struct domain_mobile mobiles[R_MOBILES + R_CROWD];
	struct domain_key keys[R_NODES];
	struct node_conf conf;
	struct profiles *profiles;
	struct core *core;
	struct effects effects;
	uint64_t now_ms;
	uint64_t counter[R_NODES];	  /* of the last message of each */
	struct rig_sent sent[R_SENT_MAX]; /* since rig_forget() */
	unsigned int sent_count;
	unsigned int deeds; /* effects on maps and store since then */
	unsigned int reports[REPORT_KIND_COUNT];
	bool mn_present; /* what a probe finds */
};

/* The core is that of node `self`; it knows the run of every peer, and has nothing in its tables.
 */
void rig_init(struct rig *r, int self);
void rig_init_crowded(struct rig *r, int self);
void rig_done(struct rig *r);

/* HNP number n of a block: of R_OWNER, of R_OTHER, or of nobody (R_STRANGER). */
struct dlma_prefix rig_hnp(int block, unsigned int n);
struct identity rig_mn(const struct rig *r, int mn);
/* Wall clock, in the format of option 27. */
uint64_t rig_wall(const struct rig *r);

void rig_event(struct rig *r, const struct event *e);
void rig_run(struct rig *r, uint64_t ms);
/* Puts the name of a MN and a HNP into a message; adds handoff, access technology and timestamp. */
void rig_session(const struct rig *r, struct mh_message *m, int mn, const struct dlma_prefix *hnp);
/* Seals and hands over. */
void rig_receive(struct rig *r, int from, struct mh_message *m);
/* The same, and the octets stay with the caller, who may hand them over again. Returns their
 * number. */
size_t rig_seal(struct rig *r, int from, struct mh_message *m, uint8_t bytes[EFFECT_BYTES_MAX]);
void rig_inject(struct rig *r, int from, const uint8_t *bytes, size_t len);

/* Since rig_forget(): the last message of a type to a node; NULL if there was none. */
const struct mh_message *rig_answer(const struct rig *r, int to, uint8_t type);
void rig_forget(struct rig *r);
uint64_t rig_reason(const struct rig *r, enum dlma_signal_reason reason);

/* What the states of the tests are made of; each fails the test if it does not come about. */
void rig_binding(struct rig *r, int mag, int mn, const struct dlma_prefix *hnp);
void rig_attachment(struct rig *r, int mn, const struct dlma_prefix *hnp);
void rig_anchor(struct rig *r, int lma, int mn, const struct dlma_prefix *hnp);
void rig_cached(struct rig *r, const struct dlma_prefix *hnp, int mn, int dlma);
