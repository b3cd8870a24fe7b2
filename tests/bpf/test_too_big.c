// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Packet Too Big for every size of packet and path, and how many of them there are at most. */
#include "compare.h"
#include "model.h"
#include "suite.h"
#include <criterion/criterion.h>
#include <stdio.h>
#include <time.h>

enum {
	HEADERS = IP6_LEN + 8,
	BURST = 5,
	PAIRS = 3 * DLMA_ERRORS_PER_TICK,
	DEADLINE_S = 5,
};

static struct tables tables;
static struct model model;
static struct outcome expected, got;
static struct frame in;

/* The ways that the answer may take. */
static const struct way {
	const char *name;
	enum side side;
	enum link from;
	struct layer layers[5]; /* as far as the data */
} ways[] = {
	{"native", SIDE_NETWORK, LINK_CORE, {ARRIVES, IP6(CN, HOA), UDP}},
	{"relayed", SIDE_NETWORK, LINK_CORE, {ARRIVES, IP6(H_LMA, SELF), IP6(CN, HOA), UDP}},
	{"MN to MN", SIDE_NETWORK, LINK_CORE, {ARRIVES, IP6(H_LMA, SELF), IP6(HOA2, HOA), UDP}},
	{"delivered", SIDE_NETWORK, LINK_CORE, {ARRIVES, IP6(H_LMA, SELF), IP6(CN, HOA_OWN), UDP}},
	{"from a MN", SIDE_ACCESS, LINK_ACCESS, {FROM_MN, IP6(HOA2, CN), UDP}},
};

static void fill(struct rig *r, uint16_t mtu)
{
	const uint32_t *ifindex = rig_ifindex(r);

	tables_init(&tables, ifindex, LMA_ | MAG_);
	tables_add_location(&tables, HNP, DLMA_LOCATION_BINDING, NODE_MAG);
	tables_add_location(&tables, HNP2, DLMA_LOCATION_CACHED, NODE_N_LMA);
	tables_add_access(&tables, HNP2, ifindex[LINK_ACCESS], LINK_ACCESS, NODE_MAG, MAC_MN);
	tables_add_location(&tables, HNP_OWN, DLMA_LOCATION_BINDING, NODE_SELF);
	tables_add_access(&tables, HNP_OWN, ifindex[LINK_ACCESS], LINK_ACCESS, NODE_H_LMA, MAC_MN);
	tables.access[tables.access_count - 1].value.mtu = mtu;
	tables.adjacencies[NODE_MAG].copy[tables.adjacencies[NODE_MAG].active].mtu = mtu;
	cr_assert_eq(rig_fill(r, &tables), 0);
	model_init(&model, &tables);
}

static void build(const struct way *w, unsigned int octets)
{
	struct layer layers[LAYERS_MAX] = {0}, *l = layers;

	for (const struct layer *from = w->layers; from->kind; from++)
		*l++ = *from;
	*l = (struct layer)DATA((uint16_t)(octets - HEADERS));
	packet_build(layers, &in);
}

static void check_size(struct rig *r, const struct way *w, uint16_t mtu, unsigned int octets)
{
	uint32_t ingress = rig_ifindex(r)[w->from];
	char text[COMPARE_TEXT_MAX];
	const char *told;

	build(w, octets);
	cr_assert_eq(rig_forget_errors(r), 0);
	cr_assert_eq(rig_run(r, w->side, ingress, &in, &got), 0);
	model_run(&model, w->side, ingress, &in, &expected);
	told = compare_outcomes(ingress, &expected, &got, text);
	cr_assert_null(told, "%s, %u octets on a path of %u: %s", w->name, octets, mtu, told);
}

/* Around the least MTU of a link and the MTU of the path. */
static void all_sizes(enum hook hook)
{
	static const uint16_t mtus[] = {1, 1279, 1280, 1281, 1319, 1320, 1321, 1400, 1500, 1540};
	struct rig *r = suite_open(hook);
	unsigned int told = 0;

	for (size_t i = 0; i < sizeof(mtus) / sizeof(*mtus); i++) {
		fill(r, mtus[i]);
		for (size_t k = 0; k < sizeof(ways) / sizeof(*ways); k++)
			for (unsigned int octets = 1236; octets < 1510; octets++) {
				check_size(r, &ways[k], mtus[i], octets);
				told += got.counted[DLMA_PACKET_too_big_told].packets > 0;
			}
	}
	rig_close(r);
	fprintf(stderr, "%s: %u sources told\n", hook_names[hook], told);
	cr_expect_geq(told, 1000);
}

Test(too_big, all_sizes_xdp)
{
	all_sizes(HOOK_XDP);
}

Test(too_big, all_sizes_tc)
{
	all_sizes(HOOK_TC);
}

/* A large packet from one of many sources to one of many destinations; whether it is answered. */
static bool is_told(struct rig *r, unsigned int source, unsigned int destination)
{
	char cn[64], hoa[64];
	const struct layer layers[] = {ARRIVES, IP6(cn, hoa), UDP, DATA(1452), {0}};

	snprintf(cn, sizeof(cn), "2001:db8:c::%x", 1 + source);
	snprintf(hoa, sizeof(hoa), "2001:db8:1:5::%x", 1 + destination);
	packet_build(layers, &in);
	cr_assert_eq(rig_run(r, SIDE_NETWORK, rig_ifindex(r)[LINK_CORE], &in, &got), 0);
	return got.counted[DLMA_PACKET_too_big_told].packets;
}

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* How many ticks have begun since, the present one included; at least 1. */
static unsigned int ticks_since(double began_s)
{
	return 2 + (unsigned int)((now_s() - began_s) * 1000 / DLMA_TICK_MS);
}

static void limits(enum hook hook)
{
	struct rig *r = suite_open(hook);
	unsigned int told = 0;
	double began_s;

	fill(r, MTU);
	began_s = now_s();
	for (unsigned int i = 0; i < BURST * 20; i++)
		told += is_told(r, 0, 0);
	cr_expect(told >= 1 && told <= ticks_since(began_s), "one flow was told %u times", told);
	cr_assert_eq(rig_forget_errors(r), 0);
	began_s = now_s();
	told = 0;
	for (unsigned int i = 0; i < PAIRS; i++)
		told += is_told(r, i % 2, i / 2);
	cr_expect(told >= DLMA_ERRORS_PER_TICK && told < PAIRS &&
			  told <= DLMA_ERRORS_PER_TICK * ticks_since(began_s),
		"%u of %u flows were told", told, PAIRS);
	/* Everybody's turn comes, without any agent that turns the clock. */
	began_s = now_s();
	while (!is_told(r, 0, 0))
		cr_assert_leq(now_s() - began_s, DEADLINE_S, "never told again");
	rig_close(r);
}

Test(too_big, limits_xdp)
{
	limits(HOOK_XDP);
}

Test(too_big, limits_tc)
{
	limits(HOOK_TC);
}
