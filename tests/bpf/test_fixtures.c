// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Every fixture under both hooks, and by each way to a location: octets, counters, events and the
 * marks of use.
 */
#include "compare.h"
#include "fixture.h"
#include "model.h"
#include "suite.h"
#include <criterion/criterion.h>
#include <stdio.h>

/* Every packet is counted under exactly one verdict. */
static bool is_closed(const struct outcome *o)
{
	uint64_t packets = 0, bytes = 0;

	for (int i = 0; i < DLMA_PACKET_REASON_COUNT; i++) {
		if (dlma_packet_texts[i].class == DLMA_NOTE)
			continue;
		packets += o->counted[i].packets;
		bytes += o->counted[i].bytes;
	}
	return packets == 1 && o->counted[DLMA_PACKET_received].packets == 1 &&
	       bytes == o->counted[DLMA_PACKET_received].bytes;
}

/* Runs a fixture; returns what differs, or NULL. */
static const char *run(struct rig *r, const struct fixture *f, char text[COMPARE_TEXT_MAX])
{
	static struct tables tables, after;
	static struct outcome expected, got;
	static struct frame in;
	const uint32_t *ifindex = rig_ifindex(r);
	uint32_t ingress = ifindex[fixture_ingress(f)];
	const char *told;

	packet_build(f->in, &in);
	fixture_tables(f, ifindex, &tables);
	fixture_expect(f, ifindex, &in, &expected);
	cr_assert_eq(rig_fill(r, &tables), 0, "%s: cannot fill the maps", f->name);
	cr_assert_eq(rig_run(r, f->side, ingress, &in, &got), 0, "%s: cannot run", f->name);
	after = tables;
	cr_assert_eq(rig_read_used(r, &after), 0);
	fixture_expect_used(f, &tables);
	cr_expect(is_closed(&got), "%s: not counted under exactly one reason", f->name);
	told = compare_outcomes(ingress, &expected, &got, text);
	return told ? told : compare_used(&tables, &after, text);
}

static void run_all(enum hook hook)
{
	struct rig *r = suite_open(hook);
	char text[COMPARE_TEXT_MAX];
	unsigned int count = 0;

	for (int mode = 0; mode < FRONT_MODES; mode++) {
		rig_set_front(r, mode);
		for (const struct fixture_set *const *s = fixture_sets; *s; s++)
			for (unsigned int i = 0; i < (*s)->count; i++, count++)
				suite_judge(
					hook, &(*s)->fixtures[i], run(r, &(*s)->fixtures[i], text));
	}
	fprintf(stderr, "%s: %u fixtures\n", hook_names[hook], count);
	rig_close(r);
}

Test(fixtures, xdp)
{
	run_all(HOOK_XDP);
}

Test(fixtures, tc)
{
	run_all(HOOK_TC);
}

static bool has_fixture(enum dlma_packet_reason reason)
{
	for (const struct fixture_set *const *s = fixture_sets; *s; s++)
		for (unsigned int i = 0; i < (*s)->count; i++)
			if ((*s)->fixtures[i].reason == reason)
				return true;
	return false;
}

/* Those that are counted beside a verdict have tests of their own in test_events.c. */
Test(fixtures, every_verdict_has_one)
{
	for (int i = 0; i < DLMA_PACKET_REASON_COUNT; i++)
		if (dlma_packet_texts[i].class != DLMA_NOTE)
			cr_expect(has_fixture((enum dlma_packet_reason)i),
				"no fixture ends as %s: write one", dlma_packet_texts[i].name);
}

/* Each set has names of its own, so that a failure points at one line. */
Test(fixtures, names_differ)
{
	for (const struct fixture_set *const *s = fixture_sets; *s; s++)
		for (unsigned int i = 0; i < (*s)->count; i++)
			for (unsigned int k = 0; k < i; k++)
				cr_expect_str_neq((*s)->fixtures[i].name, (*s)->fixtures[k].name);
}

/* The model is right where the fixtures are: neither is taken on trust. */
Test(fixtures, the_model_agrees)
{
	static const uint32_t ifindex[LINK_COUNT] = {0, 11, 12, 13, 14, 15};
	static struct tables tables;
	static struct model model;
	static struct outcome expected, got;
	static struct frame in;
	char text[COMPARE_TEXT_MAX];

	for (const struct fixture_set *const *s = fixture_sets; *s; s++)
		for (unsigned int i = 0; i < (*s)->count; i++) {
			const struct fixture *f = &(*s)->fixtures[i];
			uint32_t ingress = ifindex[fixture_ingress(f)];
			const char *told;

			packet_build(f->in, &in);
			fixture_tables(f, ifindex, &tables);
			model_init(&model, &tables);
			model_run(&model, f->side, ingress, &in, &got);
			fixture_expect(f, ifindex, &in, &expected);
			fixture_expect_used(f, &tables);
			told = compare_outcomes(ingress, &expected, &got, text);
			told = told ? told : compare_used(&tables, &model.tables, text);
			cr_expect_null(told, "%s: %s", f->name, told);
		}
}
