// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "fixture.h"
#include <netinet/in.h>

const struct fixture_set *const fixture_sets[] = {&fixtures_originating, &fixtures_anchor,
	&fixtures_mn, &fixtures_mag, &fixtures_exit, &fixtures_size, &fixtures_too_big,
	&fixtures_other, &fixtures_bypass, NULL};

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
			ret, f->locations[i].hnp, f->locations[i].kind, f->locations[i].adjacency)
			->flags = f->locations[i].flags;
	for (int i = 0; i < FIXTURE_ENTRIES && f->access[i].hnp; i++)
		tables_add_access(ret, f->access[i].hnp, ifindex[f->access[i].link],
			f->access[i].link, f->access[i].uplink, f->access[i].mac)
			->direct = f->access[i].direct;
}

enum link fixture_ingress(const struct fixture *f)
{
	if (f->from)
		return f->from;
	return f->side == SIDE_ACCESS ? LINK_ACCESS : LINK_CORE;
}

/* The source of the packet itself: behind the tunnel header if the event names a peer. */
static struct dlma_addr source_of(const struct fixture *f, const struct frame *in)
{
	uint32_t at = ETH_LEN + 8;
	struct dlma_addr source;

	if (f->event.peer)
		at += in->bytes[ETH_LEN + 6] == IPPROTO_IPV6 ? IP6_LEN : IP6_LEN + 8;
	memcpy(&source, in->bytes + at, sizeof(source));
	return source;
}

static void expect_event(const struct fixture *f, const uint32_t ifindex[LINK_COUNT],
	const struct frame *in, struct outcome *o)
{
	struct dlma_event *e = &o->events[0];

	*e = (struct dlma_event){.version = DLMA_ABI_VERSION, .kind = f->event.kind};
	e->ifindex = ifindex[fixture_ingress(f)];
	e->hoa = packet_addr(f->event.hoa);
	e->from = source_of(f, in);
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
		expect_event(f, ifindex, in, ret);
	ret->to = ifindex[f->to];
	/* An answer may leave by the kernel, although the packet itself is dropped. */
	ret->verdict = f->to				       ? VERDICT_SEND
		       : class == DLMA_DROP && !f->out[0].kind ? VERDICT_DROP
							       : VERDICT_PASS;
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
