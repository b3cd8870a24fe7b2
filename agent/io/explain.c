// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What would happen here to a packet for an address, and why: read from the maps that the programs
 * use, in the order in which they use them (bpf/resolve.h).
 */
#include "io/agent.h"
#include "base/addr.h"
#include <net/if.h>
#include <stdarg.h>
#include <stdio.h>

struct story {
	struct agent *agent;
	json_t *steps;
	json_t *result;
	struct dlma_addr address;
	struct dlma_prefix hnp;
};

__attribute__((format(printf, 2, 3))) static void say(struct story *s, const char *format, ...)
{
	char line[256];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	json_array_append_new(s->steps, json_string(line));
}

static void verdict(struct story *s, enum dlma_packet_reason reason)
{
	json_object_set_new(s->result, "reason", json_string(dlma_packet_texts[reason].name));
	json_object_set_new(s->result, "text", json_string(dlma_packet_texts[reason].text));
}

static const char *name_of(const struct story *s, const struct dlma_addr *address)
{
	const struct domain *d = &s->agent->conf.domain;

	for (uint32_t i = 0; i < d->node_count; i++)
		if (addr_equal(&d->nodes[i].address, address))
			return d->nodes[i].name;
	return "a node that is not configured";
}

static bool is_mag_only(const struct story *s, const struct dlma_addr *address)
{
	const struct domain *d = &s->agent->conf.domain;

	for (uint32_t i = 0; i < d->node_count; i++)
		if (addr_equal(&d->nodes[i].address, address))
			return !(d->nodes[i].roles & DLMA_ROLE_LMA);
	return false;
}

/* Draft 5.1.1: not by way of the D-LMA. */
static void say_bypass(struct story *s, uint32_t index)
{
	struct dlma_next_hop hop;
	const struct dlma_adjacency *adj = maps_adjacency(s->agent, index, &hop);

	if (adj && is_mag_only(s, &adj->peer))
		say(s, "%s is the MAG of the MN: its D-LMA is bypassed (draft 5.1.1)",
			name_of(s, &adj->peer));
}

static void say_tunnel(struct story *s, uint32_t index)
{
	char text[ADDR_TEXT_MAX], interface[IF_NAMESIZE] = "?";
	struct dlma_next_hop hop;
	const struct dlma_adjacency *adj = maps_adjacency(s->agent, index, &hop);

	if (!adj) {
		say(s, "no adjacency %u: the loader does not know that peer", index);
		return;
	}
	json_object_set_new(s->result, "target", json_string(name_of(s, &adj->peer)));
	if (hop.ifindex && if_indextoname(hop.ifindex, interface))
		say(s, "tunnel to %s (%s) out of %s, largest packet inside it %u octets",
			name_of(s, &adj->peer), addr_format(&adj->peer, text), interface,
			hop.mtu - 40);
	else
		say(s, "tunnel to %s (%s); its next hop is not resolved, so the kernel sends it",
			name_of(s, &adj->peer), addr_format(&adj->peer, text));
}

static bool explain_access(struct story *s)
{
	char interface[IF_NAMESIZE] = "?", mac[MAC_TEXT_MAX];
	struct dlma_access a;

	if (!maps_access(s->agent, &s->hnp, &a))
		return false;
	(void)if_indextoname(a.ifindex, interface);
	say(s, "the MN is attached here: delivered on %s to %s", interface,
		mac_format(a.mn_mac, mac));
	verdict(s, DLMA_PACKET_delivered);
	return true;
}

static void explain_owner(struct story *s)
{
	const struct domain *d = &s->agent->conf.domain;
	const struct domain_prefix *block = domain_block(d, &s->address);
	char text[PREFIX_TEXT_MAX];
	int index;

	if (!block) {
		say(s, "no owner: nobody owns a prefix with it");
		verdict(s, DLMA_PACKET_no_owner);
		return;
	}
	say(s, "owner of %s is %s", prefix_format(&block->prefix, text),
		d->nodes[block->owner].name);
	if (block->owner == s->agent->conf.self) {
		say(s, "that is this node, and the HoA is anchored nowhere");
		verdict(s, DLMA_PACKET_unbound);
		return;
	}
	if (d->ask_first) {
		say(s, "it waits for the answer of the owner, at most %u ms; then it goes there",
			d->timers.hold_ms);
		verdict(s, DLMA_PACKET_held);
		return;
	}
	index = maps_adjacency_index(s->agent, &d->nodes[block->owner].address);
	say_tunnel(s, (uint32_t)(index < 0 ? 0 : index));
	say(s, "meanwhile the agent asks the owner for the location");
	verdict(s, DLMA_PACKET_tunnel_owner);
}

static const struct {
	enum dlma_packet_reason reason;
	const char *text;
} kinds[] = {
	[DLMA_LOCATION_NONE] = {DLMA_PACKET_not_ours, "no location"},
	[DLMA_LOCATION_BINDING] = {DLMA_PACKET_tunnel_binding,
		"anchored here (this node is the D-LMA); its MAG is the target"},
	[DLMA_LOCATION_FORWARDING] = {DLMA_PACKET_tunnel_forwarding,
		"was here (previous D-LMA or MAG); the target is where the MN is now"},
	[DLMA_LOCATION_ANCHOR] = {DLMA_PACKET_tunnel_location,
		"owned here (H-LMA); the location table names its D-LMA"},
	[DLMA_LOCATION_CACHED] = {DLMA_PACKET_tunnel_cached,
		"cached location (O-LMA), learnt from another node"},
	[DLMA_LOCATION_HELD] = {DLMA_PACKET_held, "the MN has just left its MAG: its packets wait"},
};

static void explain_lma(struct story *s)
{
	struct dlma_location l;

	if (!maps_location(s->agent, &s->hnp, &l) || l.kind >= sizeof(kinds) / sizeof(*kinds)) {
		say(s, "no location for it in the map");
		explain_owner(s);
		return;
	}
	say(s, "%s", kinds[l.kind].text);
	if (l.kind == DLMA_LOCATION_HELD) {
		verdict(s, DLMA_PACKET_held);
		return;
	}
	if (l.adjacency == DLMA_ADJACENCY_SELF) {
		if (!explain_access(s))
			verdict(s, DLMA_PACKET_not_attached);
		return;
	}
	say_tunnel(s, l.adjacency);
	if (l.kind != DLMA_LOCATION_BINDING)
		say_bypass(s, l.adjacency);
	verdict(s, kinds[l.kind].reason);
}

static void explain_mag(struct story *s)
{
	struct dlma_location l;

	say(s, "this node is a MAG only: it takes such packets out of tunnels, and from its MNs");
	if (explain_access(s))
		return;
	if (maps_location(s->agent, &s->hnp, &l) && l.kind < sizeof(kinds) / sizeof(*kinds)) {
		say(s, "%s",
			l.kind == DLMA_LOCATION_CACHED
				? "for packets of its own MNs it knows where the MN is"
				: kinds[l.kind].text);
		if (l.kind != DLMA_LOCATION_HELD)
			say_tunnel(s, l.adjacency);
		verdict(s, kinds[l.kind].reason);
		return;
	}
	say(s, "no MN with that HNP is attached here");
	verdict(s, DLMA_PACKET_not_attached);
}

static const struct dlma_superset *superset_of(const struct domain *d, const struct dlma_addr *a)
{
	for (uint32_t i = 0; i < d->superset_count; i++)
		if ((a->q[0] & d->superset[i].mask.q[0]) == d->superset[i].prefix.q[0] &&
			(a->q[1] & d->superset[i].mask.q[1]) == d->superset[i].prefix.q[1])
			return &d->superset[i];
	return NULL;
}

static uint8_t mask_len(const struct dlma_addr *mask)
{
	return (uint8_t)(__builtin_popcountll(mask->q[0]) + __builtin_popcountll(mask->q[1]));
}

json_t *explain_answer(struct agent *a, const char *argument)
{
	struct story s = {.agent = a};
	const struct dlma_superset *set;
	char text[PREFIX_TEXT_MAX];

	if (addr_parse(argument, &s.address))
		return json_pack("{s:s}", "error", "give an IPv6 address");
	s.steps = json_array();
	s.result = json_pack("{s:s, s:s, s:O}", "address", argument, "node",
		domain_self(&a->conf)->name, "steps", s.steps);
	set = superset_of(&a->conf.domain, &s.address);
	if (!set) {
		say(&s, "outside the superset of HoA prefixes: left to the kernel's routing");
		verdict(&s, DLMA_PACKET_not_ours);
	} else {
		s.hnp = prefix_make(s.address, mask_len(&set->hnp_mask));
		say(&s, "inside the superset; its HNP is %s", prefix_format(&s.hnp, text));
		if (domain_self(&a->conf)->roles & DLMA_ROLE_LMA)
			explain_lma(&s);
		else
			explain_mag(&s);
	}
	json_decref(s.steps);
	return s.result;
}
