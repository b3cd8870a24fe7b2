// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "fixture.h"

const struct fixture_set *const fixture_sets[] = {&fixtures_originating, &fixtures_anchor,
	&fixtures_mn, &fixtures_mag, &fixtures_exit, &fixtures_size, &fixtures_other, NULL};

void fixture_tables(const struct fixture *f, const uint32_t ifindex[LINK_COUNT], struct tables *ret)
{
	tables_init(ret, ifindex, f->roles);
	if (f->version)
		ret->node.version = f->version == (uint32_t)VERSION_NONE ? 0 : f->version;
	ret->clock.expecting = f->expecting;
	if (f->no_hold)
		ret->node.hold_ifindex = 0;
	for (int i = 0; i < FIXTURE_ENTRIES && f->locations[i].hnp; i++)
		tables_add_location(
			ret, f->locations[i].hnp, f->locations[i].kind, f->locations[i].adjacency);
	for (int i = 0; i < FIXTURE_ENTRIES && f->access[i].hnp; i++)
		tables_add_access(ret, f->access[i].hnp, ifindex[f->access[i].link],
			f->access[i].link, f->access[i].uplink, f->access[i].mac);
}

enum link fixture_ingress(const struct fixture *f)
{
	if (f->from)
		return f->from;
	return f->side == SIDE_ACCESS ? LINK_ACCESS : LINK_CORE;
}

static void expect_event(
	const struct fixture *f, const uint32_t ifindex[LINK_COUNT], struct outcome *o)
{
	struct dlma_event *e = &o->events[0];

	*e = (struct dlma_event){.version = DLMA_ABI_VERSION, .kind = f->event.kind};
	e->ifindex = ifindex[fixture_ingress(f)];
	e->hoa = packet_addr(f->event.hoa);
	if (f->event.peer)
		e->peer = packet_addr(f->event.peer);
	if (f->event.mac)
		packet_mac(f->event.mac, e->mac);
	o->event_count = 1;
	o->counted[DLMA_PACKET_event_sent].packets = 1;
}

void fixture_expect(const struct fixture *f, const uint32_t ifindex[LINK_COUNT],
	const struct frame *in, struct outcome *ret)
{
	enum dlma_class class = dlma_packet_texts[f->reason].class;

	memset(ret->counted, 0, sizeof(ret->counted));
	ret->counted[DLMA_PACKET_received] = (struct dlma_counter){1, in->len};
	ret->counted[f->reason] = (struct dlma_counter){1, in->len};
	ret->event_count = 0;
	if (f->event.kind)
		expect_event(f, ifindex, ret);
	ret->to = ifindex[f->to];
	ret->verdict = f->to ? VERDICT_SEND : class == DLMA_DROP ? VERDICT_DROP : VERDICT_PASS;
	if (f->out[0].kind)
		packet_build(f->out, &ret->out);
	else
		ret->out = *in;
}

void fixture_expect_used(const struct fixture *f, struct tables *t)
{
	for (uint32_t i = 0; i < t->location_count; i++)
		if (f->used & USED_LOCATION(i))
			t->locations[i].value.used = t->clock.tick;
	for (uint32_t i = 0; i < t->access_count; i++)
		if (f->used & USED_ACCESS(i))
			t->access[i].value.used = t->clock.tick;
}
