// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "control_stubs.h"
#include "base/log.h"
#include "core_run.h"
#include "fuzz.h"
#include <ctype.h>
#include <errno.h>
#include <stdio.h>

/* What goes to the log is one line of plain text. */
void log_v(enum log_level level, const char *format, va_list args)
{
	char line[1024];

	(void)level;
	vsnprintf(line, sizeof(line), format, args);
	for (const char *c = line; *c; c++)
		CHECK(!iscntrl((unsigned char)*c));
}

#define LOG_STUB(function, level)              \
	void function(const char *format, ...) \
	{                                      \
		va_list args;                  \
                                               \
		va_start(args, format);        \
		log_v(level, format, args);    \
		va_end(args);                  \
	}

LOG_STUB(log_error, LOG_LEVEL_ERROR)
LOG_STUB(log_warn, LOG_LEVEL_WARN)
LOG_STUB(log_info, LOG_LEVEL_INFO)
LOG_STUB(log_debug, LOG_LEVEL_DEBUG)

void log_at(enum log_level level, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	log_v(level, format, args);
	va_end(args);
}

void log_set_level(enum log_level level)
{
	(void)level;
}

bool log_shows(enum log_level level)
{
	(void)level;
	return true;
}

void agent_event(struct agent *a, const struct event *e)
{
	(void)a;
	run_step(e);
}

struct moment agent_now(void)
{
	return run.now;
}

uint32_t hold_count(const struct agent *a)
{
	(void)a;
	return run.mirror.location_count;
}

/* The adjacency of a node is its index and one; this node itself is 0. */
int maps_adjacency_index(const struct agent *a, const struct dlma_addr *peer)
{
	const struct domain *d = &a->conf.domain;

	for (uint32_t i = 0; i < d->node_count; i++)
		if (addr_equal(&d->nodes[i].address, peer))
			return i == a->conf.self ? DLMA_ADJACENCY_SELF : (int)i + 1;
	return -ENOENT;
}

const struct dlma_adjacency *maps_adjacency(
	const struct agent *a, uint32_t index, struct dlma_next_hop *ret_next_hop)
{
	static struct dlma_adjacency slot;

	if (!index || index > a->conf.domain.node_count)
		return NULL;
	slot.peer = a->conf.domain.nodes[index - 1].address;
	*ret_next_hop = (struct dlma_next_hop){.ifindex = index % 2, .mtu = 1500};
	return &slot;
}

bool maps_location(const struct agent *a, const struct dlma_prefix *hnp, struct dlma_location *ret)
{
	const struct mirror_location *l = mirror_location(&run.mirror, hnp);

	if (!l)
		return false;
	*ret = (struct dlma_location){.kind = l->kind,
		.flags = l->flags,
		.adjacency = (uint32_t)maps_adjacency_index(a, &l->target)};
	return true;
}

bool maps_access(const struct agent *a, const struct dlma_prefix *hnp, struct dlma_access *ret)
{
	const struct mirror_access *x = mirror_access(&run.mirror, hnp);

	(void)a;
	if (!x)
		return false;
	*ret = (struct dlma_access){.ifindex = x->ifindex};
	memcpy(ret->mn_mac, x->mac, sizeof(x->mac));
	return true;
}

uint64_t maps_idle_ms(const struct agent *a, const struct dlma_prefix *hnp)
{
	(void)a;
	return mirror_location(&run.mirror, hnp) ? run.now.mono_ms % 5000 : UINT64_MAX;
}

uint32_t maps_locations_used(const struct agent *a)
{
	(void)a;
	return run.mirror.location_count;
}

int maps_counters(const struct agent *a, struct dlma_counter ret[DLMA_PACKET_REASON_COUNT])
{
	(void)a;
	for (int i = 0; i < DLMA_PACKET_REASON_COUNT; i++)
		ret[i] = (struct dlma_counter){(uint64_t)i * run.now.mono_ms, UINT64_MAX};
	return 0;
}

struct store_state store_state(const struct store *s)
{
	(void)s;
	return (struct store_state){.words = run.now.mono_ms % 2 ? "" : "no space left"};
}

/* agent/io/reload.c reads files, and fuzz_conf.c does that. */
json_t *reload_answer(struct agent *a, const char *argument)
{
	(void)a, (void)argument;
	return json_pack("{s:s}", "error", "no");
}

uint64_t outbox_held_back(const struct outbox *o)
{
	(void)o;
	return run.now.mono_ms;
}
