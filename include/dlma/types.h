/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Addresses and prefixes as the BPF programs, the daemons and the tool all see them. */
#pragma once

#ifdef __bpf__
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#define DLMA_INLINE static __always_inline
#else
#include <assert.h>
#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#define DLMA_INLINE static inline
#endif

/* An IPv6 address, network byte order. */
struct dlma_addr {
	union {
		__u8 b[16];
		__be32 w[4];
		__be64 q[2];
	};
};

/* A prefix; the bits beyond len are zero. */
struct dlma_prefix {
	struct dlma_addr addr;
	__u8 len; /* bits, 0..128 */
	__u8 pad[7];
};

_Static_assert(sizeof(struct dlma_addr) == 16, "an address is 16 octets");
_Static_assert(sizeof(struct dlma_prefix) == 24, "no hidden padding");

DLMA_INLINE bool addr_equal(const struct dlma_addr *a, const struct dlma_addr *b)
{
	return a->q[0] == b->q[0] && a->q[1] == b->q[1];
}

DLMA_INLINE bool addr_is_zero(const struct dlma_addr *a)
{
	return !(a->q[0] | a->q[1]);
}

DLMA_INLINE bool addr_is_multicast(const struct dlma_addr *a)
{
	return a->b[0] == 0xff;
}

DLMA_INLINE bool addr_is_link_local(const struct dlma_addr *a)
{
	return a->b[0] == 0xfe && (a->b[1] & 0xc0) == 0x80;
}

/* :: and ::1 */
DLMA_INLINE bool addr_is_unspecified_or_loopback(const struct dlma_addr *a)
{
	return !a->q[0] && !a->w[2] && !a->b[12] && !a->b[13] && !a->b[14] && a->b[15] <= 1;
}

/* An address that may stand at either end of a packet that leaves its link. */
DLMA_INLINE bool addr_is_routable(const struct dlma_addr *a)
{
	return !addr_is_multicast(a) && !addr_is_link_local(a) &&
	       !addr_is_unspecified_or_loopback(a);
}

#ifndef __bpf__
/* Clears the bits beyond len. */
static inline struct dlma_addr addr_masked(struct dlma_addr a, unsigned int len)
{
	for (unsigned int i = 0; i < 16; i++) {
		unsigned int kept = len > 8 * i ? len - 8 * i : 0;

		if (kept < 8)
			a.b[i] &= (__u8)(0xff00u >> kept);
	}
	return a;
}

static inline struct dlma_prefix prefix_make(struct dlma_addr a, unsigned int len)
{
	return (struct dlma_prefix){.addr = addr_masked(a, len), .len = (__u8)len};
}

static inline bool prefix_contains(const struct dlma_prefix *p, const struct dlma_addr *a)
{
	struct dlma_addr m = addr_masked(*a, p->len);

	return addr_equal(&m, &p->addr);
}

static inline bool prefix_equal(const struct dlma_prefix *a, const struct dlma_prefix *b)
{
	return a->len == b->len && addr_equal(&a->addr, &b->addr);
}
#endif
