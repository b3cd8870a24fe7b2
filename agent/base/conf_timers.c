// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "base/conf_read.h"
#include <errno.h>

enum {
	UNIT_MS = 4000, /* of the Lifetime fields of the Mobility Header (RFC 6275 6.1.7) */
	LONGEST_MS = 65535 * UNIT_MS,
	ROUTER_LIFETIME_MAX_MS = 9000 * 1000, /* RFC 4861 6.2.1 */
};

#define SECONDS(timer, fallback_ms, min_ms, max_ms)                                                \
	{                                                                                          \
		.name = #timer "_s", .kind = &conf_seconds,                                        \
		CONF_AT(struct domain_timers, timer##_ms), .fallback = fallback_ms, .min = min_ms, \
		.max = max_ms                                                                      \
	}

/* What travels as a Lifetime is at least one unit of it: zero would de-register. */
const struct conf_field conf_timer_fields[] = {
	SECONDS(binding_lifetime, 600000, UNIT_MS, LONGEST_MS),
	SECONDS(cache_lifetime, 60000, UNIT_MS, LONGEST_MS),
	SECONDS(cache_idle, 30000, 1, LONGEST_MS),
	SECONDS(negative, 5000, 1, LONGEST_MS),
	SECONDS(forwarding_lifetime, 60000, UNIT_MS, LONGEST_MS),
	SECONDS(min_delay_before_bce_delete, 10000, 1, LONGEST_MS),
	SECONDS(hold, 1000, 0, LONGEST_MS),
	SECONDS(timestamp_validity_window, 300, 1, LONGEST_MS),
	SECONDS(lma_timestamp_window, 30000, 1, LONGEST_MS),
	SECONDS(initial_bindack_timeout, 1000, 1, LONGEST_MS),
	SECONDS(max_bindack_timeout, 32000, 1, LONGEST_MS),
	SECONDS(heartbeat_interval, 60000, 100, LONGEST_MS),
	{"missing_heartbeats_allowed", &conf_number,
		CONF_AT(struct domain_timers, missing_heartbeats_allowed), .fallback = 3, .min = 1,
		.max = 255},
	SECONDS(stale, 600000, 0, LONGEST_MS),
	SECONDS(router_lifetime, 1800000, 1000, ROUTER_LIFETIME_MAX_MS),
	SECONDS(presence_timeout, 500, 1, LONGEST_MS),
	{0},
};

/* Pairs where one may not be longer than the other. */
static const struct {
	const char *shorter, *longer;
	size_t shorter_at, longer_at;
	const char *why;
} orders[] = {
#define ORDER(first, second, reason)                                                    \
	{                                                                               \
		.shorter = #first "_s", .longer = #second "_s",                         \
		.shorter_at = offsetof(struct domain_timers, first##_ms),               \
		.longer_at = offsetof(struct domain_timers, second##_ms), .why = reason \
	}
	ORDER(cache_idle, cache_lifetime, "an entry would never be idle that long"),
	ORDER(cache_lifetime, forwarding_lifetime,
		"an O-LMA could still use what the previous D-LMA has forgotten"),
	ORDER(initial_bindack_timeout, max_bindack_timeout, "waiting times only grow"),
};

static uint32_t value_at(const struct domain_timers *t, size_t offset)
{
	return *(const uint32_t *)((const char *)t + offset);
}

static int read_timers(
	struct conf_reader *r, const config_setting_t *s, const struct conf_field *f, void *ret)
{
	int err = conf_read_group(r, s, conf_timer_fields, ret);

	(void)f;
	if (err)
		return err;
	for (size_t i = 0; i < sizeof(orders) / sizeof(*orders); i++) {
		uint32_t low = value_at(ret, orders[i].shorter_at);
		uint32_t high = value_at(ret, orders[i].longer_at);
		const config_setting_t *given = config_setting_get_member(s, orders[i].shorter);

		if (low <= high)
			continue;
		conf_error(r, given ? given : conf_where(s, orders[i].longer),
			"\"%s\" (%g) is longer than \"%s\" (%g): %s; shorten the one or lengthen "
			"the other",
			orders[i].shorter, low / 1000.0, orders[i].longer, high / 1000.0,
			orders[i].why);
		err = -EINVAL;
	}
	return err;
}

const struct conf_kind conf_timers = {"a group, as { cache_lifetime_s = 60; }", read_timers};
