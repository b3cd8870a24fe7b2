/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Messages of peers for the fuzz target "core": of any type, likely ones first. */
#pragma once

#include "core_domain.h"

enum { ASKED_MAX = 16 };

/* What a fuzzed peer has to know to say something that fits. */
struct talk {
	uint64_t wall;				/* what the node under test takes for the time */
	uint64_t last_stamp;			/* seen in a message of that node */
	uint16_t sequences[F_NODES][ASKED_MAX]; /* of what it asked, the latest first */
};

/* An octet 0 for everything is the message that the type is there for. */
void message_take(
	struct reader *r, const struct talk *t, unsigned int peer, struct mh_message *ret);

/* The node under test has sent this. */
void message_heard(struct talk *t, unsigned int peer, const struct mh_message *m);
