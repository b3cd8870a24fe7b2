// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Looks locations up as the pipeline does, by the same text, and judges what it finds. */
#include "bpf/hook_xdp.h"
#include "bpf/resolve.h"
#include "reader.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct reader_state);
} state SEC(".maps");

/* Whether this is what the write of that number has left. */
static __always_inline bool is_left_by(__u32 key, struct location l, __u32 number)
{
	bool put = key < READER_STAYING || number & 1;

	if (!put)
		return !l.rest;
	return l.rest && location_adjacency(l) >> 8 == number % READER_VERSIONS;
}

/* It may be of any write that was done last, or under way, at any time during the look-up. */
static __always_inline bool is_right(__u32 key, struct location l, __u32 done, __u32 begun)
{
	for (__u32 i = 0; i < READER_VERSIONS; i++) {
		if (done + i > begun)
			return false;
		if (is_left_by(key, l, done + i))
			return true;
	}
	return true;
}

static __always_inline void judge(
	struct reader_state *s, __u32 key, struct location l, __u32 done, __u32 begun)
{
	if (l.rest && (location_adjacency(l) & 0xff) != key)
		s->fault[READER_OTHERS]++;
	else if (!l.rest && key < READER_STAYING && done)
		s->fault[READER_MISSED]++;
	else if (!is_right(key, l, done, begun))
		s->fault[READER_STALE]++;
}

/* Of the address of a key; a function of its own, which the verifier sees once. */
__attribute__((noinline)) __u32 look_up(__u32 key)
{
	const struct dlma_node *self = node_self();
	struct dlma_addr scratch, hoa = {.b = {0x20, 0x01, 0x0d, 0xb8, 0, 0, 0x55, key, [15] = 1}};
	struct hnp hnp = {.scratch = &scratch};

	if (!self || !hnp_of(self, &hoa, &hnp))
		return 0;
	return location_find(self, &hnp, KINDS_ALL).rest;
}

__attribute__((noinline)) int look_at(__u32 key)
{
	__u32 zero = 0, done;
	struct reader_state *s = bpf_map_lookup_elem(&state, &zero);
	struct location l;

	if (!s || key >= READER_KEYS)
		return 0;
	done = READ_NOW(s->op[key].done);
	l.rest = look_up(key);
	judge(s, key, l, done, READ_NOW(s->op[key].begun));
	s->lookups++;
	return 0;
}

SEC("xdp")
int look(struct xdp_md *ctx __attribute__((unused)))
{
	__u32 zero = 0;
	struct reader_state *s = bpf_map_lookup_elem(&state, &zero);

	if (!s)
		return XDP_DROP;
	for (__u32 i = 0; i < READER_BATCH; i++) {
		s->random = s->random * 6364136223846793005ULL + 1442695040888963407ULL;
		look_at((s->in_order ? i : s->random >> 40) % READER_KEYS);
	}
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
