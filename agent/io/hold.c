// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The waiting room (DLMA_HOLD_NAME in dlma/abi.h): packets for MNs that have left one MAG and are
 * not at the next yet. They wait in the order in which they came, a bounded number for a bounded
 * time, and go back into the data path as soon as something changes, or their time is up. There
 * they find their way, or a reason to be dropped: nothing is ever dropped, or counted, here.
 */
#include "io/agent.h"
#include "base/log.h"
#include "base/tap.h"
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <unistd.h>

enum {
	FRAMES_MAX = 4096, /* in all */
	FRAME_MAX = 9216,
	BATCH = 256,
	ETHERNET = 14,
	HEADER = 40,
};

struct held {
	struct held *next;
	struct dlma_prefix hnp;
	uint64_t since_ms;
	uint32_t len;
	bool due; /* goes back at the end of this turn */
	uint8_t frame[];
};

struct waiting_room {
	struct ev_io io;
	struct held *first, **end; /* in order of arrival */
	uint32_t count;
	int fd;
};

/* The HoA that a frame is for: of the packet itself, or of the one tunnelled to this node. */
static bool find_hnp(
	const struct agent *a, const uint8_t *frame, size_t len, struct dlma_prefix *ret)
{
	const struct domain_prefix *block;
	struct dlma_addr dst;
	size_t at = ETHERNET;

	if (len < at + HEADER)
		return false;
	if (frame[at + 6] == IPPROTO_IPV6)
		at += HEADER;
	if (len < at + HEADER)
		return false;
	memcpy(&dst, frame + at + 24, sizeof(dst));
	block = domain_block(&a->conf.domain, &dst);
	if (!block)
		return false;
	*ret = prefix_make(dst, block->hnp_len);
	return true;
}

static void put_back(struct waiting_room *w, const uint8_t *frame, size_t len)
{
	if (write(w->fd, frame, len) < 0)
		log_debug("cannot put a held packet back: %s, ignoring", strerror(errno));
}

static bool is_from(const struct dlma_addr *peer, const uint8_t *frame)
{
	return !memcmp(frame + ETHERNET + 8, peer, sizeof(*peer));
}

/* Whether a packet would go round, or back to the very LMA that sent it here. */
static bool would_return(const struct agent *a, const struct dlma_prefix *hnp,
	const struct dlma_location *l, const uint8_t *frame, size_t len)
{
	const struct domain_prefix *block = domain_block(&a->conf.domain, &hnp->addr);
	struct dlma_next_hop hop;
	const struct dlma_adjacency *adj = maps_adjacency(a, l->adjacency, &hop);
	uint32_t label;

	if (len < ETHERNET + HEADER)
		return false;
	label = (uint32_t)(frame[ETHERNET + 1] & 0xf) << 16 | frame[ETHERNET + 2] << 8 |
		frame[ETHERNET + 3];
	if (l->kind != DLMA_LOCATION_FORWARDING || !(label & DLMA_LABEL_FORWARDED))
		return adj && is_from(&adj->peer, frame);
	return label & DLMA_LABEL_RETURNED ||
	       (block && is_from(&a->conf.domain.nodes[block->owner].address, frame));
}

/* Out of a tunnel, not from a CN. */
static bool is_for_us(const struct agent *a, const uint8_t *frame, size_t len)
{
	return len >= ETHERNET + HEADER &&
	       !memcmp(frame + ETHERNET + 24, &domain_self(&a->conf)->address,
		       sizeof(struct dlma_addr));
}

/* Whether the data path (bpf/resolve.h) would send such a packet here again. */
static bool must_wait(
	const struct agent *a, const struct dlma_prefix *hnp, const uint8_t *frame, size_t len)
{
	struct dlma_location l = {0};
	bool known = maps_location(a, hnp, &l), native = !is_for_us(a, frame, len);
	struct dlma_access access;

	if (known && l.kind == DLMA_LOCATION_HELD)
		return true;
	if (native && !known)
		return a->conf.domain.ask_first;
	if (known && l.adjacency != DLMA_ADJACENCY_SELF && native)
		return false;
	if (!maps_expecting(a))
		return false;
	if (!known || l.kind == DLMA_LOCATION_CACHED || l.adjacency == DLMA_ADJACENCY_SELF)
		return !maps_access(a, hnp, &access);
	return would_return(a, hnp, &l, frame, len);
}

static void keep(
	struct waiting_room *w, const struct dlma_prefix *hnp, const uint8_t *frame, size_t len)
{
	struct held *h = w->count < FRAMES_MAX ? malloc(sizeof(*h) + len) : NULL;

	if (!h) {
		put_back(w, frame, len);
		return;
	}
	h->next = NULL;
	h->due = false;
	h->hnp = *hnp;
	h->since_ms = agent_now().mono_ms;
	h->len = (uint32_t)len;
	memcpy(h->frame, frame, len);
	*w->end = h;
	w->end = &h->next;
	w->count++;
}

static void on_readable(struct ev_loop *loop, struct ev_io *io, int events)
{
	struct agent *a = io->data;
	uint8_t frame[FRAME_MAX];

	(void)loop;
	(void)events;
	for (int i = 0; i < BATCH; i++) {
		ssize_t n = read(a->hold->fd, frame, sizeof(frame));
		struct dlma_prefix hnp;

		if (n < 0)
			return;
		if (!find_hnp(a, frame, (size_t)n, &hnp))
			continue;
		/* Redirected before the location changed, read after it. */
		if (must_wait(a, &hnp, frame, (size_t)n))
			keep(a->hold, &hnp, frame, (size_t)n);
		else
			put_back(a->hold, frame, (size_t)n);
	}
}

/* Puts back what `leaves` says. */
static void take_out(struct waiting_room *w, bool (*leaves)(const struct held *h, const void *arg),
	const void *arg)
{
	struct held **p = &w->first;

	while (*p) {
		struct held *h = *p;

		if (!leaves(h, arg)) {
			p = &h->next;
			continue;
		}
		*p = h->next;
		w->count--;
		put_back(w, h->frame, h->len);
		free(h);
	}
	w->end = p;
}

static bool is_older(const struct held *h, const void *arg)
{
	return h->since_ms < *(const uint64_t *)arg;
}

static bool may_leave(const struct held *h, const void *arg)
{
	return h->due && !must_wait(arg, &h->hnp, h->frame, h->len);
}

static bool is_any(const struct held *h, const void *arg)
{
	(void)h;
	(void)arg;
	return true;
}

void hold_release(struct agent *a, const struct dlma_prefix *hnp)
{
	for (struct held *h = a->hold ? a->hold->first : NULL; h; h = h->next)
		h->due = h->due || prefix_equal(&h->hnp, hnp);
}

void hold_release_unknown(struct agent *a)
{
	for (struct held *h = a->hold ? a->hold->first : NULL; h; h = h->next)
		h->due = true;
}

/* What must wait all the same was spoken of too early, or has changed again in this turn. */
void hold_flush(struct agent *a)
{
	if (!a->hold || !a->hold->first)
		return;
	take_out(a->hold, may_leave, a);
	for (struct held *h = a->hold->first; h; h = h->next)
		h->due = false;
}

void hold_expire(struct agent *a)
{
	uint64_t now = agent_now().mono_ms, hold = a->conf.domain.timers.hold_ms;
	uint64_t oldest = now > hold ? now - hold : 0;

	if (a->hold && a->hold->first)
		take_out(a->hold, is_older, &oldest);
}

uint32_t hold_count(const struct agent *a)
{
	return a->hold ? a->hold->count : 0;
}

/* The loader has made the tap, or said why not. */
int hold_open(struct agent *a)
{
	int fd = if_nametoindex(DLMA_HOLD_NAME) ? tap_open(O_NONBLOCK) : -ENODEV;

	if (fd == -ENODEV)
		return 0;
	if (fd < 0) {
		log_warn("cannot use the waiting room %s: %s; packets of MNs between two MAGs are "
			 "dropped",
			DLMA_HOLD_NAME, strerror(-fd));
		return 0;
	}
	a->hold = calloc(1, sizeof(*a->hold));
	if (!a->hold) {
		close(fd);
		return -ENOMEM;
	}
	a->hold->fd = fd;
	a->hold->end = &a->hold->first;
	ev_io_init(&a->hold->io, on_readable, fd, EV_READ);
	a->hold->io.data = a;
	ev_io_start(a->loop, &a->hold->io);
	return 0;
}

void hold_close(struct agent *a)
{
	if (!a->hold)
		return;
	take_out(a->hold, is_any, NULL);
	close(a->hold->fd);
	free(a->hold);
}
