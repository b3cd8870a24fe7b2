/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A small domain for the fuzz target "core": seven nodes, prefixes with room for few HNPs, one in
 * the other, and MNs with every kind of profile. Whatever an input names is taken out of pools.
 */
#pragma once

#include "core/internal.h"
#include "wire/cursor.h"

enum fuzz_node { F_H_LMA, F_V_LMA_1, F_V_LMA_2, F_MAG_1A, F_MAG_1B, F_MAG_2, F_MUTE, F_NODES };

enum { F_MOBILES = 6, F_EPOCH = 1000 };

/* The node under test, as `shape` says, in which every setting has some bits. */
const struct node_conf *domain_shape(uint32_t shape);
const struct profiles *domain_profiles(void);

/* Another node: it has the same keys, and knows the run of the node under test. */
struct core *domain_sealer(unsigned int node, uint32_t epoch);
void domain_reset_sealers(uint32_t epoch);

/* Out of the pools; each takes an octet. */
struct dlma_prefix take_hnp(struct reader *r);
struct dlma_addr take_hoa(struct reader *r);
struct dlma_addr take_address(struct reader *r);
void take_mac(struct reader *r, uint8_t ret[6]);
struct identity take_identity(struct reader *r);
uint32_t take_lifetime_ms(struct reader *r);
