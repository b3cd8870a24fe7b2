/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The nodes of the packet bench: the production pipeline in its wrapper, with full tables. */
#pragma once

#include "control.h"
#include "dlma/abi.h"
#include "tests/bpf/links.h"
#include <stddef.h>

enum bench_hook { BENCH_XDP, BENCH_TC, BENCH_HOOKS };

/* What the node is to the packets of a case. */
enum bench_role { BENCH_OLMA, BENCH_DLMA, BENCH_HLMA, BENCH_MAG, BENCH_ROLES };

enum {
	BENCH_PEERS = 32, /* adjacencies 1 to 16 are LMAs, the others MAGs */
	BENCH_SENDER = 16,
	BENCH_OWNED_LEN = 48,
};

struct bench_node {
	struct bpf_object *object;
	struct bench_control *control; /* mapped */
	struct dlma_clock *clock;      /* mapped */
	struct dlma_node node;
	enum bench_hook hook;
	enum bench_role role;
	uint32_t locations;
	uint32_t owners;
	uint32_t out;  /* ifindex of the next hops */
	double memory; /* octets of all maps that grow with the locations, for each */
};

extern const char *const bench_hook_names[BENCH_HOOKS];

/* What all nodes of a phase share. */
struct bench_shared {
	const char *build; /* directory */
	struct links links;
	uint32_t *samples; /* BENCH_SAMPLES of them, mapped */
	int samples_fd;
};

/* 0 or -errno after a message. */
int bench_shared_open(struct bench_shared *s, const char *build);

/* NULL after a message. `chain` is the length of the cycle through memory, 1 for none. */
struct bench_node *bench_node_open(const struct bench_shared *s, enum bench_hook hook,
	enum bench_role role, uint32_t locations, uint32_t chain);
void bench_node_close(struct bench_node *n);

/* Makes all next hops leave by that interface. 0 or -errno. */
int bench_node_set_out(struct bench_node *n, uint32_t ifindex);
/* The first so many prefixes have owners, and no others. 0 or -errno. */
int bench_node_set_owners(struct bench_node *n, uint32_t count);
/* Sums over all CPUs, of all reasons. 0 or -errno. */
int bench_node_counters(struct bench_node *n, struct dlma_counter ret[DLMA_PACKET_REASON_COUNT]);

/* Opens the locations as an agent does, adopting them. 0 or -errno after a message. */
struct locations;
int bench_node_locations(const struct bench_node *n, struct locations *ret);

int bench_node_program(const struct bench_node *n, const char *name);

/* The adjacency of a location, and addresses. */
uint32_t bench_target(enum bench_role role, uint32_t index);
struct dlma_addr bench_peer(uint32_t adjacency);
struct dlma_addr bench_self(void);
struct dlma_addr bench_hnp(uint32_t key);
void bench_mac(uint8_t number, uint8_t ret[6]);
