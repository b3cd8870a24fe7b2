/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The verbs of bpf/tunnel.h and bpf/answer.h for the simulator: frames in memory. */
#pragma once

#include "path.h"
#include "../../bpf/packet.h"

#define HOOK_CTX  struct path_frame
#define HOOK_PASS PATH_PASS
#define HOOK_DROP PATH_DROP

static inline bool hook_tagged(const struct path_frame *f)
{
	(void)f;
	return false;
}

static inline void hook_packet(struct path_frame *f, struct packet *p)
{
	p->data = f->bytes + f->start;
	p->len = f->len;
	p->end = p->data + f->len;
	p->ifindex = f->in;
}

static inline uint32_t hook_wire_len(const struct path_frame *f, const struct packet *p)
{
	(void)f;
	return p->len - ETH_LEN;
}

/* Frames here are small. */
static inline bool hook_may_push(const struct path_frame *f, const struct packet *p, uint32_t mtu)
{
	(void)f;
	(void)p;
	(void)mtu;
	return true;
}

/* Moves the beginning of the frame; negative: makes it longer. */
static inline int hook_move(struct path_frame *f, int by)
{
	if (by < -(int)f->start || by > (int)f->len)
		return -1;
	f->start = (uint16_t)(f->start + by);
	f->len = (uint16_t)(f->len - by);
	return 0;
}

static inline int hook_push(struct path_frame *f, const struct packet *p, uint32_t mtu)
{
	(void)p;
	(void)mtu;
	return hook_move(f, -IP6_LEN);
}

static inline void hook_keep_ethernet(const struct packet *p)
{
	memmove(p->data, p->data + IP6_LEN, ETH_LEN);
}

static inline int hook_pop(struct path_frame *f, struct packet *p)
{
	memmove(p->data + IP6_LEN, p->data, ETH_LEN);
	return hook_move(f, IP6_LEN);
}

static inline int hook_strip_limit(struct path_frame *f, struct packet *p)
{
	memmove(p->data + sizeof(struct limit_header), p->data, TUNNEL_LEN);
	return hook_move(f, sizeof(struct limit_header));
}

static inline uint32_t hook_own_len(struct path_frame *f, const struct packet *p)
{
	(void)f;
	return ip6_total(p->ip6);
}

static inline int hook_cut(struct path_frame *f, const struct packet *p, uint32_t len)
{
	(void)p;
	f->len = (uint16_t)len;
	return 0;
}

static inline int hook_make_room(struct path_frame *f, uint32_t octets)
{
	return hook_move(f, -(int)octets);
}

static inline bool hook_is_partial(const struct ip6 *h, uint16_t *ret_field)
{
	(void)h;
	(void)ret_field;
	return false;
}

static inline int hook_redirect(struct path_frame *f, uint32_t ifindex)
{
	f->out = ifindex;
	return PATH_SEND;
}
