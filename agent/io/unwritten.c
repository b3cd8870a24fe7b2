// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Changes of the maps for which the kernel had no memory at the moment. The core has acted upon
 * them, so they are made as soon as the kernel takes them: the last one of each entry counts.
 */
#include "io/agent.h"
#include "base/log.h"
#include <errno.h>

static bool is_location(const struct effect *e)
{
	return e->kind == EFFECT_LOCATION_PUT || e->kind == EFFECT_LOCATION_DEL;
}

static const struct dlma_prefix *hnp_of(const struct effect *e)
{
	return is_location(e) ? &e->location.hnp : &e->access.hnp;
}

static struct effect *find(struct unwritten *u, const struct effect *e)
{
	for (uint32_t i = 0; i < u->count; i++)
		if (is_location(&u->list[i]) == is_location(e) &&
			prefix_equal(hnp_of(&u->list[i]), hnp_of(e)))
			return &u->list[i];
	return NULL;
}

static int write_now(struct agent *a, const struct effect *e)
{
	if (e->kind == EFFECT_LOCATION_PUT)
		return maps_put_location(a, e);
	if (e->kind == EFFECT_LOCATION_DEL)
		return maps_del_location(a, &e->location.hnp);
	if (e->kind == EFFECT_ACCESS_PUT)
		return maps_put_access(a, e);
	return maps_del_access(a, &e->access.hnp);
}

/* To be answered, or what was wanted anyhow: an entry that is not there cannot be deleted. */
static bool is_final(int err)
{
	return !err || err == -E2BIG || err == -ENOENT;
}

static int keep(struct unwritten *u, const struct effect *e, int err)
{
	if (u->count == UNWRITTEN_MAX)
		return err;
	if (!u->count)
		log_warn("cannot write to the maps: %s, trying again", strerror(-err));
	u->list[u->count++] = *e;
	return -EAGAIN;
}

int unwritten_write(struct agent *a, const struct effect *e)
{
	struct unwritten *u = &a->unwritten;
	struct effect *before = find(u, e);
	int err = write_now(a, e);

	if (before)
		*before = u->list[--u->count];
	return is_final(err) ? err : keep(u, e, err);
}

void unwritten_retry(struct agent *a)
{
	struct unwritten *u = &a->unwritten;
	uint32_t left = u->count;

	if (!left)
		return;
	for (uint32_t i = left; i-- > 0;) {
		if (!is_final(write_now(a, &u->list[i])))
			continue;
		hold_release(a, hnp_of(&u->list[i]));
		u->list[i] = u->list[--u->count];
	}
	if (!u->count)
		log_info("all is written to the maps");
}
