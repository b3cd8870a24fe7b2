// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "plan.h"
#include <stdio.h>

static const char *const fault_names[] = {
#define NAME_(name, text) #name,
	FAULTS(NAME_)};
static const char *const habit_names[] = {HABITS(NAME_)};
#undef NAME_

bool plan_read_faults(const char *names, uint32_t *ret)
{
	size_t len;

	for (*ret = 0; *names; names += len + (names[len] == ',')) {
		int f = 0;

		len = strcspn(names, ",");
		while (f < FAULT_COUNT &&
			(strlen(fault_names[f]) != len || memcmp(fault_names[f], names, len)))
			f++;
		if (f == FAULT_COUNT)
			return false;
		*ret |= 1U << f;
	}
	return true;
}

static void add_node(struct plan *p, uint8_t roles, uint16_t lma)
{
	uint16_t i = p->domain.node_count++;

	p->domain.roles[i] = roles;
	p->lma_of[i] = roles & DLMA_ROLE_MAG ? lma : DOMAIN_NO_NODE;
}

/* LMAs first, some of them MAGs as well; then the MAGs of each. */
static void make_nodes(struct plan *p, struct random *r)
{
	bool any = false;

	p->rogue = DOMAIN_NO_NODE;
	p->lma_count = (uint16_t)random_between(r, 2, random_permille(r, 200) ? 7 : 4);
	for (uint16_t i = 0; i < p->lma_count; i++) {
		bool both = random_permille(r, 300);

		add_node(p, both ? DLMA_ROLE_LMA | DLMA_ROLE_MAG : DLMA_ROLE_LMA, i);
		any = any || both;
	}
	if (plan_fault(p, FAULT_rogue)) {
		p->rogue = p->lma_count++;
		add_node(p, DLMA_ROLE_LMA, DOMAIN_NO_NODE);
	}
	for (uint16_t i = 0; i < p->lma_count; i++) {
		bool both = p->domain.roles[i] & DLMA_ROLE_MAG;
		uint32_t mags = random_below(r, both ? 3 : 4);

		/* One MAG somewhere at least, and mostly one or two everywhere. */
		if (!mags && !both && random_permille(r, 700))
			mags = 1;
		if (i == p->rogue)
			mags = 0;
		else if (i == 0 && !any && !mags)
			mags = 2;
		for (; mags; mags--) {
			add_node(p, DLMA_ROLE_MAG, i);
			any = true;
		}
	}
}

static void make_blocks(struct plan *p, struct random *r)
{
	p->domain.block_count = (uint16_t)random_between(r, 1, random_permille(r, 500) ? 1 : 4);
	for (uint16_t i = 0; i < p->domain.block_count; i++)
		p->domain.owner[i] = (uint16_t)random_below(
			r, p->lma_count - (uint32_t)(p->rogue != DOMAIN_NO_NODE));
}

static void make_mobiles(struct plan *p, struct random *r)
{
	bool mixed = random_permille(r, 500);

	p->mobile_count = (uint16_t)random_between(r, 1, random_permille(r, 300) ? 24 : 8);
	p->disclosure = (enum domain_disclosure)random_between(
		r, DOMAIN_DISCLOSE_NONE, DOMAIN_DISCLOSE_MAG);
	for (uint16_t i = 0; i < p->mobile_count; i++) {
		p->home_block[i] = (uint16_t)random_below(r, p->domain.block_count);
		p->fixed_hnp[i] = random_permille(r, 200) && !plan_fault(p, FAULT_exhausted);
		p->mobile_disclosure[i] = mixed ? (enum domain_disclosure)random_below(r, 4)
						: DOMAIN_DISCLOSE_AS_DOMAIN;
	}
	p->home_tracks_mag = random_permille(r, 300);
	p->ask_first = random_permille(r, 200);
}

static void make_network(struct plan *p, struct random *r)
{
	uint32_t far_us = (uint32_t)random_between(r, 2000, 80000);

	for (uint16_t i = 0; i < p->domain.node_count; i++)
		for (uint16_t k = 0; k < i; k++) {
			uint16_t si = i < p->lma_count ? i : p->lma_of[i];
			uint16_t sk = k < p->lma_count ? k : p->lma_of[k];

			p->delay_us[i][k] = p->delay_us[k][i] =
				(uint32_t)(si == sk ? random_between(r, 200, 2000)
						    : random_between(r, far_us / 4, far_us));
		}
	p->jitter_us = plan_fault(p, FAULT_reorder) ? (uint32_t)random_between(r, 1000, 100000) : 0;
	p->loss = plan_fault(p, FAULT_loss) ? (uint16_t)random_between(r, 10, 300) : 0;
	p->duplicates = plan_fault(p, FAULT_duplicates) ? (uint16_t)random_between(r, 10, 300) : 0;
	p->late = plan_fault(p, FAULT_late) ? (uint16_t)random_between(r, 1, 20) : 0;
	p->commit_us = random_permille(r, 500) ? (uint32_t)random_between(r, 100, 20000) : 0;
}

/* RFC 5213 5.5 needs the clocks of a site to agree within 300 ms; those of the sites may differ. */
static void make_clocks(struct plan *p, struct random *r)
{
	int32_t most = (int32_t)random_between(r, 100, 10000);

	if (!plan_fault(p, FAULT_skew))
		return;
	for (uint16_t i = 0; i < p->domain.node_count; i++)
		p->skew_ms[i] = i < p->lma_count
					? (int32_t)random_between(r, 0, 2U * (uint32_t)most) - most
					: p->skew_ms[p->lma_of[i]] +
						  (int32_t)random_between(r, 0, 200) - 100;
}

static void make_timers(struct plan *p, struct random *r)
{
	static const uint32_t lifetimes[] = {128000, 300000, 600000};
	static const uint32_t caches[] = {4000, 20000, 60000};
	uint32_t cache = caches[random_below(r, 3)];

	p->timers = (struct domain_timers){
		.binding_lifetime_ms = lifetimes[random_below(r, 3)],
		.cache_lifetime_ms = cache,
		.cache_idle_ms = cache / 2,
		.negative_ms = random_permille(r, 500) ? 1000 : 5000,
		/* Not below the cache's; more, by as long as a message may be late. */
		.forwarding_lifetime_ms = cache + (random_permille(r, 500) ? 4000 : 20000),
		.min_delay_before_bce_delete_ms = random_permille(r, 500) ? 10000 : 2000,
		.hold_ms = random_permille(r, 800) ? 1000 : 0,
		.timestamp_validity_window_ms = 300,
		.lma_timestamp_window_ms = 30000,
		.initial_bindack_timeout_ms = 1000,
		.max_bindack_timeout_ms = 32000,
		.heartbeat_interval_ms = random_permille(r, 500) ? 60000 : 10000,
		.missing_heartbeats_allowed = 3,
		.router_lifetime_ms = 1800000,
		.presence_timeout_ms = 500,
	};
}

static void make_events(struct plan *p, struct random *r)
{
	static const uint32_t dwells[] = {50, 300, 1500, 6000, 30000};

	p->handovers = (uint32_t)random_between(r, 100, 500);
	p->dwell_ms = dwells[random_below(r, 5)];
	p->incidents_ms = (uint32_t)random_between(r, 300, 20000);
	p->packet_ms = p->dwell_ms / p->mobile_count / (plan_habit(p, HABIT_traffic) ? 4 : 1) + 1;
	p->cache_max = random_permille(r, 200) ? 2 : 1000;
	p->locations_max = 4000;
	if (plan_fault(p, FAULT_full)) {
		p->cache_max = (uint32_t)random_between(r, 1, 4);
		p->locations_max = p->cache_max + (uint32_t)random_between(r, 2, 24);
	}
}

void plan_make(struct plan *p, uint64_t seed, const struct plan_options *o)
{
	struct random r = random_of(seed);

	*p = (struct plan){.seed = seed};
	for (int f = 0; f < FAULT_COUNT; f++)
		p->faults |= (uint32_t)random_permille(&r, f < FAULT_partition ? 400 : 200) << f;
	for (int h = 0; h < HABIT_COUNT; h++)
		p->habits |= (uint32_t)random_permille(&r, 500) << h;
	if (random_permille(&r, 150) || o->no_faults)
		p->faults = 0;
	p->faults &= o->only;
	p->authentication = random_permille(&r, 950) || p->faults & 1U << FAULT_keys;
	make_nodes(p, &r);
	make_blocks(p, &r);
	make_mobiles(p, &r);
	make_network(p, &r);
	make_clocks(p, &r);
	make_timers(p, &r);
	make_events(p, &r);
	if (o->loss >= 0)
		p->loss = (uint16_t)o->loss;
	if (!o->orderly)
		return;
	p->habits &= ~(1U << HABIT_pingpong | 1U << HABIT_pairs | 1U << HABIT_quiet);
	p->dwell_ms = 60000;
}

uint32_t plan_rtt_us(const struct plan *p)
{
	uint32_t most = 0;

	for (uint16_t i = 0; i < p->domain.node_count; i++)
		for (uint16_t k = 0; k < i; k++)
			if (p->delay_us[i][k] > most)
				most = p->delay_us[i][k];
	return 2 * (most + p->jitter_us);
}

const char *plan_node_name(const struct plan *p, uint16_t node)
{
	static char names[4][16];
	static unsigned int next;
	char *name = names[next++ % 4], letter = 'a';

	if (node < p->lma_count) {
		snprintf(name, sizeof(names[0]), "lma-%u%s", node,
			p->domain.roles[node] & DLMA_ROLE_MAG ? "+mag" : "");
		return name;
	}
	for (uint16_t i = p->lma_count; i < node; i++)
		letter = (char)(letter + (p->lma_of[i] == p->lma_of[node]));
	snprintf(name, sizeof(names[0]), "mag-%u%c", p->lma_of[node], letter);
	return name;
}

static void print_bits(const char *title, const char *const *names, int count, uint32_t bits)
{
	printf("  %s:", title);
	for (int i = 0; i < count; i++)
		if (bits >> i & 1)
			printf(" %s", names[i]);
	printf("%s\n", bits ? "" : " none");
}

void plan_print(const struct plan *p)
{
	static const char *const disclosures[] = {"-", "none", "lma", "mag"};

	printf("seed %llu: %u LMAs, %u nodes, %u blocks, %u MNs, %u handovers\n",
		(unsigned long long)p->seed, p->lma_count, p->domain.node_count,
		p->domain.block_count, p->mobile_count, p->handovers);
	print_bits("faults", fault_names, FAULT_COUNT, p->faults);
	print_bits("habits", habit_names, HABIT_COUNT, p->habits);
	printf("  nodes:");
	for (uint16_t i = 0; i < p->domain.node_count; i++)
		printf(" %s", plan_node_name(p, i));
	printf("; owners of the blocks:");
	for (uint16_t i = 0; i < p->domain.block_count; i++)
		printf(" %s", plan_node_name(p, p->domain.owner[i]));
	printf("\n  disclosure %s, home_tracks_mag %d, ask_first %d, authentication %d\n",
		disclosures[p->disclosure], p->home_tracks_mag, p->ask_first, p->authentication);
	printf("  loss %u, duplicates %u, late %u in 1000; jitter %u us, commit %u us, RTT %u us\n",
		p->loss, p->duplicates, p->late, p->jitter_us, p->commit_us, plan_rtt_us(p));
	printf("  binding %u ms, cache %u ms, forwarding %u ms, delete delay %u ms, hold %u ms, "
	       "heartbeats %u ms, dwell %u ms\n",
		p->timers.binding_lifetime_ms, p->timers.cache_lifetime_ms,
		p->timers.forwarding_lifetime_ms, p->timers.min_delay_before_bce_delete_ms,
		p->timers.hold_ms, p->timers.heartbeat_interval_ms, p->dwell_ms);
}
