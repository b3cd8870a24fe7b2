// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "core_trace.h"
#include "base/addr.h"
#include <stdio.h>
#include <stdlib.h>

static const char *const event_names[] = {
	[EVENT_TICK] = "tick",
	[EVENT_DATAGRAM] = "datagram",
	[EVENT_NEIGHBOUR] = "neighbour",
	[EVENT_PACKET] = "packet",
	[EVENT_ATTACH] = "attach",
	[EVENT_DETACH] = "detach",
	[EVENT_REVOKE] = "revoke",
	[EVENT_KEYS] = "keys",
	[EVENT_DRAIN] = "drain",
	[EVENT_LINK] = "link",
	[EVENT_USE] = "use",
	[EVENT_MAP_FAILED] = "map failed",
	[EVENT_RESTORE] = "restore",
	[EVENT_ADOPT_LOCATION] = "adopt location",
	[EVENT_ADOPT_ACCESS] = "adopt access",
};

static const char *const report_names[] = {
#define X(name, level, text) #name,
	REPORTS(X)
#undef X
};

static bool wanted(void)
{
	static int wanted = -1;

	if (wanted < 0)
		wanted = getenv("DLMA_FUZZ_TRACE") != NULL;
	return wanted;
}

static void say_prefix(const char *what, const struct dlma_prefix *p)
{
	char text[PREFIX_TEXT_MAX];

	fprintf(stderr, " %s %s", what, prefix_format(p, text));
}

static void say_addr(const char *what, const struct dlma_addr *a)
{
	char text[ADDR_TEXT_MAX];

	fprintf(stderr, " %s %s", what, addr_format(a, text));
}

static void say_mac(const uint8_t mac[6])
{
	char text[MAC_TEXT_MAX];

	fprintf(stderr, " mac %s", mac_format(mac, text));
}

static void say_node(const struct core *c, const struct dlma_addr *a)
{
	uint16_t i = peer_index(c, a);

	fprintf(stderr, " %s", i == DOMAIN_NO_NODE ? "nobody" : c->state.domain->nodes[i].name);
}

static void say_options(const struct core *c, const struct mh_options *o)
{
	for (unsigned int i = 0; i < o->mn_id_count; i++)
		fprintf(stderr, " mn %.*s", o->mn_id[i].len, (const char *)o->mn_id[i].id);
	if (o->ll_id_len == 6)
		say_mac(o->ll_id);
	for (unsigned int i = 0; i < o->hnp_count; i++)
		say_prefix("hnp", &o->hnp[i].prefix);
	if (mh_option_has(o, MH_OPTION_HANDOFF))
		fprintf(stderr, " handoff %u", o->handoff);
	if (mh_option_has(o, MH_OPTION_TIMESTAMP))
		fprintf(stderr, " stamp %016llx", (unsigned long long)o->timestamp);
	if (mh_option_has(o, MH_OPTION_ALTERNATE_COA))
		fprintf(stderr, " at"), say_node(c, &o->alternate_coa);
	if (mh_option_has(o, MH_OPTION_LMA_ADDRESS))
		fprintf(stderr, " lma"), say_node(c, &o->lma_address);
	if (mh_option_has(o, MH_OPTION_MAG_ADDRESS))
		fprintf(stderr, " mag"), say_node(c, &o->mag_address);
	if (mh_option_has(o, MH_OPTION_REDIRECT))
		fprintf(stderr, " redirect"), say_node(c, &o->redirect);
}

static void say_message(const struct core *c, const uint8_t *bytes, size_t len)
{
	static struct mh_message m;
	unsigned int unknown;

	if (mh_decode(bytes, len, &m, &unknown)) {
		fprintf(stderr, " malformed");
		return;
	}
	fprintf(stderr, " %s", mh_type_name(m.type));
	if (m.type == MH_BINDING_UPDATE)
		fprintf(stderr, " #%u lifetime %u", m.bu.sequence, m.bu.lifetime * 4u);
	if (m.type == MH_BINDING_ACK)
		fprintf(stderr, " #%u status %u lifetime %u", m.ba.sequence, m.ba.status,
			m.ba.lifetime * 4u);
	if (m.type == MH_BINDING_REVOCATION)
		fprintf(stderr, " #%u type %u code %u", m.revocation.sequence, m.revocation.type,
			m.revocation.code);
	if (m.type == MH_BINDING_ERROR)
		say_addr("about", &m.be.home);
	say_options(c, &m.options);
}

void trace_event(const struct core *c, const struct moment *now, const struct event *e)
{
	if (!wanted())
		return;
	fprintf(stderr, "%s %llu.%03llu %s", c->state.self->name,
		(unsigned long long)now->mono_ms / 1000, (unsigned long long)now->mono_ms % 1000,
		event_names[e->kind]);
	switch (e->kind) {
	case EVENT_TICK:
	case EVENT_REVOKE:
		break;
	case EVENT_KEYS:
		fprintf(stderr, " %u", e->keys.count);
		break;
	case EVENT_DRAIN:
		fprintf(stderr, " %s", e->drain.on ? "on" : "off");
		break;
	case EVENT_DATAGRAM:
		say_node(c, &e->datagram.src);
		say_message(c, e->datagram.bytes, e->datagram.len);
		break;
	case EVENT_NEIGHBOUR:
		fprintf(stderr, " type %u if %u", e->neighbour.message.type, e->neighbour.ifindex);
		say_mac(e->neighbour.mac);
		say_addr("src", &e->neighbour.message.src);
		break;
	case EVENT_PACKET:
		fprintf(stderr, " kind %u", e->packet.kind);
		say_addr("hoa", &e->packet.hoa);
		say_node(c, &e->packet.peer);
		break;
	case EVENT_ATTACH:
	case EVENT_DETACH:
		fprintf(stderr, " if %u", e->attach.ifindex);
		say_mac(e->attach.mac);
		break;
	case EVENT_LINK:
		fprintf(stderr, " if %u mtu %u", e->link.ifindex, e->link.mtu);
		break;
	case EVENT_USE:
		say_prefix("hnp", &e->use.hnp);
		break;
	case EVENT_MAP_FAILED:
		say_prefix("hnp", &e->map_failed.hnp);
		break;
	case EVENT_RESTORE:
		say_prefix(e->restore.mn.id, &e->restore.hnp);
		say_node(c, &e->restore.dlma);
		break;
	case EVENT_ADOPT_LOCATION:
		say_prefix("hnp", &e->adopt_location.hnp);
		fprintf(stderr, " kind %u", e->adopt_location.kind);
		say_node(c, &e->adopt_location.target);
		break;
	case EVENT_ADOPT_ACCESS:
		say_prefix("hnp", &e->adopt_access.hnp);
		say_mac(e->adopt_access.mac);
		break;
	}
	fprintf(stderr, "\n");
}

void trace_effect(const struct core *c, const struct effect *e)
{
	if (!wanted())
		return;
	switch (e->kind) {
	case EFFECT_SEND:
		fprintf(stderr, "    send");
		say_node(c, &e->send.dst);
		say_message(c, e->send.bytes, e->send.len);
		break;
	case EFFECT_FRAME:
		fprintf(stderr, "    frame");
		say_mac(e->frame.mac);
		break;
	case EFFECT_LOCATION_PUT:
		say_prefix("   put", &e->location.hnp);
		fprintf(stderr, " kind %u flags %u", e->location.kind, e->location.flags);
		say_node(c, &e->location.target);
		break;
	case EFFECT_LOCATION_DEL:
		say_prefix("   del", &e->location.hnp);
		break;
	case EFFECT_ACCESS_PUT:
		say_prefix("   put access", &e->access.hnp);
		say_mac(e->access.mac);
		break;
	case EFFECT_ACCESS_DEL:
		say_prefix("   del access", &e->access.hnp);
		break;
	case EFFECT_EXPECT:
		fprintf(stderr, "    expect %d", e->expect);
		break;
	case EFFECT_CHECK_USE:
		say_prefix("   check use", &e->check_use.hnp);
		break;
	case EFFECT_STORE_PUT:
		say_prefix("   store", &e->store.hnp);
		say_node(c, &e->store.dlma);
		break;
	case EFFECT_STORE_DEL:
		say_prefix("   forget", &e->store.hnp);
		break;
	case EFFECT_REPORT:
		fprintf(stderr, "    report %s %s", report_names[e->report.kind], e->report.mn);
		say_prefix("hnp", &e->report.hnp);
		break;
	}
	fprintf(stderr, "\n");
}
