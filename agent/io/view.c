// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The answers to dlmactl. What a person sees is made from this JSON by the tool. */
#include "io/agent.h"
#include "base/addr.h"
#include "base/text.h"
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>

static const struct core_state *state_of(const struct agent *a)
{
	return core_state(a->core);
}

static json_t *text_prefix(const struct dlma_prefix *p)
{
	char text[PREFIX_TEXT_MAX];

	return p->len ? json_string(prefix_format(p, text)) : json_null();
}

static json_t *text_addr(const struct dlma_addr *addr)
{
	char text[ADDR_TEXT_MAX];

	return json_string(addr_format(addr, text));
}

static json_t *text_mac(const uint8_t mac[6])
{
	char text[MAC_TEXT_MAX];

	return json_string(mac_format(mac, text));
}

static json_t *text_mn(const struct identity *mn)
{
	char text[DOMAIN_MN_ID_MAX + 1];

	return mn ? json_string(text_plain(mn->id, mn->id_len, text, sizeof(text))) : json_null();
}

static json_t *node_name(const struct agent *a, uint16_t index)
{
	return index == DOMAIN_NO_NODE ? json_null()
				       : json_string(a->conf.domain.nodes[index].name);
}

static json_t *seconds_left(uint64_t until_ms)
{
	uint64_t now = agent_now().mono_ms;

	return json_real(until_ms > now ? (double)(until_ms - now) / 1000 : 0);
}

static json_t *seconds_since(uint64_t at_ms)
{
	return at_ms ? json_real((double)(agent_now().mono_ms - at_ms) / 1000) : json_null();
}

/* Seconds since 1970, from the format of the Timestamp option. */
static json_t *stamp_seconds(uint64_t stamp)
{
	return json_real((double)stamp / 65536);
}

static json_t *ifname(uint32_t ifindex)
{
	char name[IF_NAMESIZE];

	return ifindex && if_indextoname(ifindex, name) ? json_string(name) : json_null();
}

static json_t *one_binding(const struct agent *a, const struct binding *b)
{
	static const char *const states[] = {
		[BINDING_PENDING] = "pending",
		[BINDING_ACTIVE] = "active",
		[BINDING_DELETING] = "deleting",
	};
	const char *state = b->successor == DOMAIN_NO_NODE ? states[b->state] : "handed over";

	return json_pack("{s:s, s:o, s:o, s:o, s:o, s:s, s:o, s:o, s:o}", "role", "lma", "mn",
		text_mn(b->mn), "link_layer", text_mac(b->mn->ll), "hnp", text_prefix(&b->hnp),
		"mag", node_name(a, b->mag), "state", state, "home", node_name(a, b->home),
		"lifetime_left_s", seconds_left(b->expires_ms), "stamp", stamp_seconds(b->stamp));
}

static json_t *one_attachment(const struct agent *a, const struct attachment *t)
{
	static const char *const states[] = {
		[ATTACHMENT_GONE] = "gone",
		[ATTACHMENT_REGISTERING] = "registering",
		[ATTACHMENT_REGISTERED] = "registered",
		[ATTACHMENT_PROBING] = "probing",
		[ATTACHMENT_LEAVING] = "leaving",
		[ATTACHMENT_REFUSED] = "refused",
		[ATTACHMENT_WAITING] = "waiting",
	};

	return json_pack("{s:s, s:s, s:o, s:o, s:o, s:s, s:o, s:o}", "role", "mag", "mn",
		t->mobile->id, "link_layer", text_mac(t->mac), "hnp", text_prefix(&t->hnp),
		"interface", ifname(t->ifindex), "state", states[t->state], "lma",
		node_name(a, t->lma), "heard_ago_s", seconds_since(t->heard_ms));
}

static json_t *view_bindings(struct agent *a, const char *argument)
{
	const struct core_state *s = state_of(a);
	json_t *list = json_array();
	struct table_node *n = NULL;

	(void)argument;
	while ((n = table_next(&s->bindings, n)))
		json_array_append_new(list, one_binding(a, container_of(n, struct binding, by_mn)));
	while ((n = table_next(&s->attachments, n)))
		if (!container_of(n, struct attachment, by_mac)->away)
			json_array_append_new(list,
				one_attachment(a, container_of(n, struct attachment, by_mac)));
	return json_pack("{s:o}", "bindings", list);
}

static const char *kind_name(uint8_t kind)
{
	static const char *const names[] = {
		[DLMA_LOCATION_NONE] = "none",
		[DLMA_LOCATION_BINDING] = "binding",
		[DLMA_LOCATION_FORWARDING] = "forwarding",
		[DLMA_LOCATION_ANCHOR] = "anchor",
		[DLMA_LOCATION_CACHED] = "cached",
		[DLMA_LOCATION_HELD] = "held",
	};

	return kind < sizeof(names) / sizeof(*names) ? names[kind] : "unknown";
}

static json_t *idle_seconds(const struct agent *a, const struct dlma_prefix *hnp)
{
	uint64_t idle = maps_idle_ms(a, hnp);

	return idle == UINT64_MAX ? json_null() : json_real((double)idle / 1000);
}

static json_t *one_learnt(const struct agent *a, const struct learnt *l)
{
	bool known = l->target != DOMAIN_NO_NODE;

	return json_pack("{s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:b, s:o}", "hnp",
		text_prefix(&l->hnp), "kind", known ? kind_name(l->kind) : "asked", "d_lma",
		node_name(a, l->dlma), "target", node_name(a, l->target), "mn", text_mn(l->mn),
		"lifetime_left_s", seconds_left(l->expires_ms), "idle_s",
		known ? idle_seconds(a, &l->hnp) : json_null(), "adopted", l->adopted, "stamp",
		stamp_seconds(l->stamp));
}

static json_t *view_cache(struct agent *a, const char *argument)
{
	const struct core_state *s = state_of(a);
	json_t *list = json_array();
	struct table_node *n = NULL;

	(void)argument;
	while ((n = table_next(&s->learnt, n)))
		json_array_append_new(list, one_learnt(a, container_of(n, struct learnt, by_hnp)));
	return json_pack("{s:o, s:i, s:i}", "cache", list, "cached", (int)s->cached, "cache_max",
		(int)a->conf.cache_max);
}

static json_t *one_anchor(const struct agent *a, const struct anchor *r)
{
	bool anchored = r->dlma != DOMAIN_NO_NODE;

	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "hnp", text_prefix(&r->hnp), "mn",
		text_mn(r->mn), "link_layer", text_mac(r->mn->ll), "d_lma", node_name(a, r->dlma),
		"lifetime_left_s", anchored ? seconds_left(r->expires_ms) : json_null(), "stamp",
		stamp_seconds(r->stamp));
}

static json_t *view_locations(struct agent *a, const char *argument)
{
	const struct core_state *s = state_of(a);
	json_t *list = json_array();
	struct table_node *n = NULL;

	(void)argument;
	while ((n = table_next(&s->anchors, n)))
		json_array_append_new(list, one_anchor(a, container_of(n, struct anchor, by_hnp)));
	return json_pack("{s:o}", "locations", list);
}

static json_t *role_names(uint32_t roles)
{
	json_t *list = json_array();

	if (roles & DLMA_ROLE_LMA)
		json_array_append_new(list, json_string("lma"));
	if (roles & DLMA_ROLE_MAG)
		json_array_append_new(list, json_string("mag"));
	return list;
}

static json_t *next_hop_of(const struct agent *a, const struct peer *p)
{
	struct dlma_next_hop hop;
	int index = maps_adjacency_index(a, &p->node->address);

	if (index <= 0 || !maps_adjacency(a, (uint32_t)index, &hop))
		return json_null();
	return json_pack("{s:i, s:b, s:o, s:i}", "adjacency", index, "resolved", hop.ifindex != 0,
		"interface", ifname(hop.ifindex), "mtu", hop.mtu);
}

/* The first is used for sending. */
static json_t *spis_of(const struct peer *p)
{
	json_t *list = json_array();

	for (uint8_t i = 0; i < p->key_count; i++)
		json_array_append_new(list, json_integer(p->keys[i].out.spi));
	return list;
}

static json_t *one_peer(const struct agent *a, const struct peer *p)
{
	static const char *const states[] = {
		[PEER_UNKNOWN] = "unknown",
		[PEER_UP] = "up",
		[PEER_DOWN] = "down",
	};

	return json_pack("{s:s, s:o, s:o, s:s, s:b, s:o, s:I, s:o, s:o, s:I, s:I, s:I, s:I, s:o}",
		"name", p->node->name, "address", text_addr(&p->node->address), "roles",
		role_names(p->node->roles), "state", states[p->state], "key", p->key_count > 0,
		"spis", spis_of(p), "heard_spi", (json_int_t)p->heard_spi, "heard_ago_s",
		seconds_since(p->heard_ms), "restart_counter",
		p->restart_known ? json_integer(p->restart_counter) : json_null(), "bindings",
		(json_int_t)p->bindings, "anchors", (json_int_t)p->anchors, "over_quota",
		(json_int_t)p->over_quota, "disputed", (json_int_t)p->disputed, "next_hop",
		next_hop_of(a, p));
}

static json_t *view_peers(struct agent *a, const char *argument)
{
	const struct core_state *s = state_of(a);
	json_t *list = json_array();

	(void)argument;
	for (uint32_t i = 0; i < s->domain->node_count; i++)
		if (i != a->conf.self)
			json_array_append_new(list, one_peer(a, &s->peers[i]));
	return json_pack("{s:o}", "peers", list);
}

static const char *class_name(enum dlma_class class)
{
	static const char *const names[] = {
		[DLMA_FORWARD] = "forward",
		[DLMA_PASS] = "pass",
		[DLMA_DROP] = "drop",
		[DLMA_NOTE] = "note",
	};

	return names[class];
}

static json_t *packet_counters(const struct agent *a, bool drops_only)
{
	struct dlma_counter counters[DLMA_PACKET_REASON_COUNT];
	json_t *list = json_array();

	if (maps_counters(a, counters))
		return list;
	for (int i = 0; i < DLMA_PACKET_REASON_COUNT; i++) {
		const struct dlma_reason_text *t = &dlma_packet_texts[i];

		if (drops_only && (t->class != DLMA_DROP || !counters[i].packets))
			continue;
		json_array_append_new(
			list, json_pack("{s:i, s:s, s:s, s:I, s:I, s:s}", "number", i, "reason",
				      t->name, "class", class_name(t->class), "packets",
				      (json_int_t)counters[i].packets, "bytes",
				      (json_int_t)counters[i].bytes, "text", t->text));
	}
	return list;
}

static json_t *signal_counters(const struct agent *a, bool drops_only)
{
	const uint64_t *reasons = state_of(a)->counters.reasons;
	json_t *list = json_array();

	for (int i = 0; i < DLMA_SIGNAL_REASON_COUNT; i++) {
		if (drops_only &&
			(i == DLMA_SIGNAL_accepted || i == DLMA_SIGNAL_greeted || !reasons[i]))
			continue;
		json_array_append_new(
			list, json_pack("{s:i, s:s, s:I, s:s}", "number", i, "reason",
				      dlma_signal_texts[i].name, "messages", (json_int_t)reasons[i],
				      "text", dlma_signal_texts[i].text));
	}
	return list;
}

static json_t *message_counters(const struct agent *a)
{
	const struct core_counters *k = &state_of(a)->counters;
	json_t *list = json_array();

	for (uint8_t type = 0; type < 32; type++)
		if (k->sent[type] || k->received[type])
			json_array_append_new(
				list, json_pack("{s:i, s:s, s:I, s:I}", "type", type, "name",
					      mh_type_name(type), "sent", (json_int_t)k->sent[type],
					      "received", (json_int_t)k->received[type]));
	return list;
}

static json_t *status_counters(const struct agent *a)
{
	const uint64_t *statuses = state_of(a)->counters.statuses;
	json_t *list = json_array();

	for (int i = 0; i < 256; i++)
		if (statuses[i])
			json_array_append_new(list, json_pack("{s:i, s:s, s:I}", "status", i,
							    "text", mh_status_text((uint8_t)i),
							    "sent", (json_int_t)statuses[i]));
	return list;
}

static json_t *view_counters(struct agent *a, const char *argument)
{
	(void)argument;
	return json_pack("{s:o, s:o, s:o, s:o}", "packets", packet_counters(a, false), "signalling",
		signal_counters(a, false), "messages", message_counters(a), "statuses",
		status_counters(a));
}

static json_t *view_drops(struct agent *a, const char *argument)
{
	(void)argument;
	return json_pack("{s:o, s:o}", "packets", packet_counters(a, true), "signalling",
		signal_counters(a, true));
}

static json_t *loader_status(const struct agent *a)
{
	char path[DOMAIN_PATH_MAX + 16];
	json_t *status;

	snprintf(path, sizeof(path), "%s/loader.json", a->conf.run_dir);
	status = json_load_file(path, 0, NULL);
	return status ? status : json_null();
}

static int peers_up(const struct core_state *s)
{
	int up = 0;

	for (uint32_t i = 0; i < s->domain->node_count; i++)
		up += s->peers[i].state == PEER_UP;
	return up;
}

static json_t *store_status(const struct agent *a)
{
	struct store_state s = store_state(a->store);

	return json_pack("{s:b, s:s, s:i, s:I, s:I, s:I}", "works", !s.error, "trouble", s.words,
		"pending", (int)s.pending, "held_back", (json_int_t)outbox_held_back(a->outbox),
		"commits", (json_int_t)s.commits, "records", (json_int_t)s.records);
}

static json_t *view_status(struct agent *a, const char *argument)
{
	const struct core_state *s = state_of(a);
	json_t *status, *counts;

	(void)argument;
	status = json_pack("{s:s, s:s, s:b, s:b, s:o, s:o, s:o, s:o, s:o}", "node", s->self->name,
		"domain", s->domain->name, "ready", a->ready, "draining", s->draining, "roles",
		role_names(s->self->roles), "address", text_addr(&s->self->address), "uptime_s",
		seconds_since(a->started_ms), "store", store_status(a), "loader", loader_status(a));
	counts = json_pack("{s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:i}", "peers",
		(int)s->domain->node_count - 1, "peers_up", peers_up(s), "bindings",
		(int)s->bindings.count, "attachments", (int)s->attachments.count, "anchors",
		(int)s->anchors.count, "cached", (int)s->cached, "map_entries",
		(int)maps_locations_used(a), "map_max", (int)a->conf.locations_max, "held",
		(int)hold_count(a));
	json_object_update_new(status, counts);
	return status;
}

/* A MN by its MN-ID or its link-layer address. */
static const struct domain_mobile *find_mobile(const struct agent *a, const char *text)
{
	const struct domain *d = &a->conf.domain;
	uint8_t mac[6];
	bool is_mac = !mac_parse(text, mac);

	for (uint32_t i = 0; i < d->mobile_count; i++)
		if (is_mac ? !memcmp(d->mobiles[i].link_layer, mac, sizeof(mac))
			   : !strcmp(d->mobiles[i].id, text))
			return &d->mobiles[i];
	return NULL;
}

static json_t *error_text(const char *text)
{
	return json_pack("{s:s}", "error", text);
}

static json_t *access_event(struct agent *a, const char *argument, enum event_kind kind)
{
	char mn[DOMAIN_MN_ID_MAX + 1] = "", interface[IF_NAMESIZE] = "";
	int words = sscanf(argument, "%253s %15s", mn, interface);
	const struct domain_mobile *m = words > 0 ? find_mobile(a, mn) : NULL;
	struct event e = {.kind = kind};

	if (!(domain_self(&a->conf)->roles & DLMA_ROLE_MAG))
		return error_text("this node is not a MAG");
	if (!m)
		return error_text("no such MN; give a MN-ID or link-layer address of mobile_nodes");
	if (*interface)
		e.attach.ifindex = if_nametoindex(interface);
	else if (kind == EVENT_ATTACH && state_of(a)->link_count == 1)
		e.attach.ifindex = state_of(a)->links[0].ifindex;
	if (!e.attach.ifindex && (*interface || kind == EVENT_ATTACH))
		return error_text("name the access interface");
	memcpy(e.attach.mac, m->link_layer, sizeof(e.attach.mac));
	agent_event(a, &e);
	return json_pack("{s:s}", "done", m->id);
}

static json_t *view_attach(struct agent *a, const char *argument)
{
	return access_event(a, argument, EVENT_ATTACH);
}

static json_t *view_detach(struct agent *a, const char *argument)
{
	return access_event(a, argument, EVENT_DETACH);
}

static bool is_served(const struct core_state *s, const struct identity *mn)
{
	struct table_node *n = NULL;

	while ((n = table_next(&s->bindings, n)))
		if (!strcmp(container_of(n, struct binding, by_mn)->mn->id, mn->id))
			return true;
	while ((n = table_next(&s->anchors, n))) {
		const struct anchor *anchor = container_of(n, struct anchor, by_hnp);

		if (!strcmp(anchor->mn->id, mn->id) && anchor->dlma != DOMAIN_NO_NODE)
			return true;
	}
	return false;
}

static json_t *view_revoke(struct agent *a, const char *argument)
{
	const struct domain_mobile *m = find_mobile(a, argument);
	struct event e = {.kind = EVENT_REVOKE};

	if (!(domain_self(&a->conf)->roles & DLMA_ROLE_LMA))
		return error_text("this node is not an LMA");
	if (!m)
		return error_text("no such MN; give a MN-ID or link-layer address of mobile_nodes");
	e.revoke.id_len = (uint8_t)strlen(m->id);
	memcpy(e.revoke.id, m->id, e.revoke.id_len);
	e.revoke.ll_len = sizeof(m->link_layer);
	memcpy(e.revoke.ll, m->link_layer, sizeof(m->link_layer));
	if (!is_served(state_of(a), &e.revoke))
		return error_text("that MN is neither bound nor owned here");
	agent_event(a, &e);
	return json_pack("{s:s}", "done", m->id);
}

/* How many MNs are bound here: to go, served a moment longer, or on our own access links. */
struct left {
	int to_go, handed, own;
};

static struct left count_bindings(const struct agent *a)
{
	const struct core_state *s = state_of(a);
	struct left left = {0};
	struct table_node *n = NULL;

	while ((n = table_next(&s->bindings, n))) {
		const struct binding *b = container_of(n, struct binding, by_mn);

		if (b->state == BINDING_DELETING)
			continue;
		left.own += b->mag == a->conf.self;
		left.handed += b->mag != a->conf.self && b->successor != DOMAIN_NO_NODE;
		left.to_go += b->mag != a->conf.self && b->successor == DOMAIN_NO_NODE;
	}
	return left;
}

static int count_forwarding(const struct core_state *s)
{
	struct table_node *n = NULL;
	int count = 0;

	while ((n = table_next(&s->learnt, n)))
		count += container_of(n, struct learnt, by_hnp)->kind == DLMA_LOCATION_FORWARDING;
	return count;
}

static json_t *view_drain_status(struct agent *a, const char *argument)
{
	const struct core_state *s = state_of(a);
	struct left left = count_bindings(a);
	bool is_lma = s->self->roles & DLMA_ROLE_LMA;

	(void)argument;
	return json_pack("{s:s, s:b, s:o, s:b, s:i, s:i, s:i, s:i, s:i}", "node", s->self->name,
		"draining", s->draining, "to", node_name(a, s->drain_to), "lma", is_lma, "bindings",
		left.to_go, "handed", left.handed, "forwarding", count_forwarding(s), "attached",
		(int)s->attachments.count, "anchors", (int)s->anchors.count);
}

static uint16_t node_by_name(const struct agent *a, const char *name)
{
	const struct domain *d = &a->conf.domain;

	for (uint32_t i = 0; i < d->node_count; i++)
		if (!strcmp(d->nodes[i].name, name))
			return (uint16_t)i;
	return DOMAIN_NO_NODE;
}

/* Whether all MAGs that may register here may do so there too. */
static bool takes_our_mags(const struct agent *a, uint16_t lma)
{
	const struct domain *d = &a->conf.domain;

	for (uint32_t i = 0; i < d->node_count; i++)
		if (i != a->conf.self && domain_may_register(d, (uint16_t)i, a->conf.self) &&
			!domain_may_register(d, (uint16_t)i, lma))
			return false;
	return true;
}

/* Who takes the MNs of an LMA: the one named, or the one configured. */
static json_t *find_taker(const struct agent *a, const char *name, uint16_t *ret)
{
	const struct domain *d = &a->conf.domain;

	*ret = *name ? node_by_name(a, name) : domain_backup(d, a->conf.self);
	if (*ret == DOMAIN_NO_NODE)
		return error_text(*name ? "no such node; name an LMA of the domain"
					: "name the LMA that takes the MNs, or set \"backup\" of "
					  "this node in the domain");
	if (*ret == a->conf.self || !(d->nodes[*ret].roles & DLMA_ROLE_LMA))
		return error_text("that node cannot take them; name another LMA of the domain");
	if (!takes_our_mags(a, *ret))
		return error_text(
			"the MAGs that register here may not register there: that LMA must be "
			"the \"backup\" of this node in the domain");
	if (state_of(a)->peers[*ret].state != PEER_UP)
		return error_text(
			"that LMA does not answer; name another, or see \"dlmactl peers\"");
	return NULL;
}

static json_t *view_drain(struct agent *a, const char *argument)
{
	struct event e = {.kind = EVENT_DRAIN, .drain = {true, DOMAIN_NO_NODE}};
	const struct core_state *s = state_of(a);
	json_t *error = NULL;

	if (!*argument && s->draining)
		return view_drain_status(a, argument);
	if (s->self->roles & DLMA_ROLE_LMA)
		error = find_taker(a, argument, &e.drain.to);
	else if (*argument)
		error = error_text(
			"a MAG hands no MNs over: drain it without a name, and move them");
	if (error)
		return error;
	agent_event(a, &e);
	return view_drain_status(a, argument);
}

static json_t *view_undrain(struct agent *a, const char *argument)
{
	const struct event e = {.kind = EVENT_DRAIN, .drain = {false, DOMAIN_NO_NODE}};

	if (!state_of(a)->draining)
		return error_text("this node is not being drained");
	agent_event(a, &e);
	return view_drain_status(a, argument);
}

static const struct {
	const char *name;
	json_t *(*answer)(struct agent *a, const char *argument);
} views[] = {
	{"status", view_status},
	{"bindings", view_bindings},
	{"cache", view_cache},
	{"locations", view_locations},
	{"peers", view_peers},
	{"counters", view_counters},
	{"drops", view_drops},
	{"explain", explain_answer},
	{"attach", view_attach},
	{"detach", view_detach},
	{"revoke", view_revoke},
	{"reload", reload_answer},
	{"drain", view_drain},
	{"drain-status", view_drain_status},
	{"undrain", view_undrain},
};

json_t *view_answer(struct agent *a, const char *request)
{
	size_t len = strcspn(request, " ");

	for (size_t i = 0; i < sizeof(views) / sizeof(*views); i++)
		if (strlen(views[i].name) == len && !strncmp(views[i].name, request, len))
			return views[i].answer(a, request + len + (request[len] == ' '));
	return NULL;
}
