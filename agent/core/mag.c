// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * MAG (RFC 5213 6): sees MNs come to its access links, registers them with its LMA, advertises
 * their HNP to them, and finds out whether they are still there.
 */
#include "core/internal.h"
#include <errno.h>
#include <stdlib.h>

enum {
	TIMERS = 4,	  /* of an attachment, those of its exchanges included */
	ATT_ETHERNET = 3, /* IEEE 802.3 */
	PROBES_MAX = 3,
	RETRIES_MAX = 3,	 /* at once, after a 157 */
	REGISTER_PACE_MS = 3000, /* of one MN that keeps announcing itself, as MLD makes it do */
	REFUSED_PAUSE_MS = 60000,
	ADVERTISE_MAX_MS = 600000,
	VALID_LIFETIME_MIN_S = 7200, /* RFC 4862 5.5.3 e: hosts do not take less */
};

static bool mac_equal(const struct table_node *node, const void *key)
{
	return !memcmp(container_of(node, struct attachment, by_mac)->mac, key, 6);
}

static struct attachment *by_mac(const struct core *c, const uint8_t mac[6])
{
	const struct table *t = &c->state.attachments;
	struct table_node *n = table_find(t, table_hash(t, mac, 6), mac_equal, mac);

	return n ? container_of(n, struct attachment, by_mac) : NULL;
}

static bool hnp_equal(const struct table_node *node, const void *key)
{
	return prefix_equal(&container_of(node, struct attachment, by_hnp)->hnp, key);
}

struct attachment *mag_by_hnp(const struct core *c, const struct dlma_prefix *hnp)
{
	const struct table *t = &c->state.attachments_by_hnp;
	struct table_node *n = table_find(t, prefix_hash(t, hnp), hnp_equal, hnp);

	return n ? container_of(n, struct attachment, by_hnp) : NULL;
}

static const struct access_link *link_of(const struct core *c, uint32_t ifindex)
{
	for (uint32_t i = 0; i < c->state.link_count; i++)
		if (c->state.links[i].ifindex == ifindex)
			return &c->state.links[i];
	return NULL;
}

static bool has_hnp(const struct attachment *a)
{
	return !addr_is_zero(&a->hnp.addr);
}

/* A zero prefix: none. create() has made sure that there is room in the table. */
static void set_hnp(struct core *c, struct attachment *a, const struct dlma_prefix *hnp)
{
	struct table *t = &c->state.attachments_by_hnp;

	if (has_hnp(a))
		table_remove(t, &a->by_hnp);
	a->hnp = *hnp;
	if (has_hnp(a))
		(void)table_insert(t, &a->by_hnp, prefix_hash(t, hnp));
}

/* The HNP that the MN itself shows, as long as nothing better is known and no other MN has it. */
static void take_hint(struct core *c, struct attachment *a, const struct dlma_addr *hoa)
{
	struct dlma_prefix hnp;

	if (!has_hnp(a) && hoa && owner_hnp(c, hoa, &hnp) && !mag_by_hnp(c, &hnp))
		set_hnp(c, a, &hnp);
}

static struct identity identity_of(const struct attachment *a)
{
	struct identity mn = {.ll_len = sizeof(a->mac)};

	mn.id_len = (uint8_t)strlen(a->mobile->id);
	memcpy(mn.id, a->mobile->id, mn.id_len);
	memcpy(mn.ll, a->mac, sizeof(a->mac));
	return mn;
}

static void tell(struct core *c, enum report_kind kind, const struct attachment *a)
{
	struct identity mn = identity_of(a);

	report(c, kind, &mn, &a->hnp, c->state.self->lma);
}

static void enter(struct core *c, struct attachment *a, enum attachment_state state)
{
	c->state.expecting +=
		(state == ATTACHMENT_REGISTERING) - (a->state == ATTACHMENT_REGISTERING);
	a->state = (uint8_t)state;
}

static struct attachment *create(
	struct core *c, const struct domain_mobile *mobile, uint32_t ifindex)
{
	struct table *t = &c->state.attachments;
	struct attachment *a = calloc(1, sizeof(*a));

	if (!a)
		goto full;
	a->mobile = mobile;
	a->ifindex = ifindex;
	memcpy(a->mac, mobile->link_layer, sizeof(a->mac));
	a->link_local = nd_link_local(a->mac);
	a->timer.kind = TIMER_ATTACHMENT;
	a->advertise.kind = TIMER_ADVERTISE;
	exchange_init(&a->exchange, EXCHANGE_REGISTER);
	exchange_init(&a->handover, EXCHANGE_HANDOVER);
	if (timer_reserve(&c->timers, TIMERS))
		goto free_attachment;
	if (!table_reserve(&c->state.attachments_by_hnp, t->count + 1) &&
		!table_insert(t, &a->by_mac, table_hash(t, a->mac, sizeof(a->mac)))) {
		if (mobile->has_hnp)
			set_hnp(c, a, &mobile->hnp);
		enter(c, a, ATTACHMENT_REGISTERING);
		return a;
	}
	timer_release(&c->timers, TIMERS);
free_attachment:
	free(a);
full:
	count(c, DLMA_SIGNAL_table_full);
	return NULL;
}

static enum domain_disclosure disclosure_of(const struct core *c, const struct attachment *a)
{
	struct identity mn = identity_of(a);

	return mobile_disclosure(c, &mn);
}

static void deliver(struct core *c, struct attachment *a)
{
	const struct access_link *link = link_of(c, a->ifindex);

	if (!link)
		return;
	a->delivering = true;
	emit_access(c, a, link, disclosure_of(c, a) == DOMAIN_DISCLOSE_MAG);
	learnt_arrived(c, &a->hnp);
}

static void undeliver(struct core *c, struct attachment *a)
{
	if (a->delivering)
		emit_access_del(c, &a->hnp);
	a->delivering = false;
	timer_clear(&c->timers, &a->advertise);
}

/*
 * The MN has left. On a node that is its own LMA the de-registration takes effect after this step:
 * until then its packets must not find an access entry gone that the location still points to.
 * And O-LMAs that tunnel straight to a MAG do not know it yet (draft 5.1.2).
 */
static void part(struct core *c, struct attachment *a)
{
	struct route r = route_of(c, &a->hnp);

	if (a->delivering && r.kind == DLMA_LOCATION_BINDING && r.target == c->state.conf->self) {
		r.kind = DLMA_LOCATION_HELD;
		emit_location(c, &a->hnp, &r);
	} else if (a->delivering && peer_is_mag_only(c, c->state.conf->self) &&
		   disclosure_of(c, a) != DOMAIN_DISCLOSE_NONE) {
		learnt_hold(c, &a->hnp);
	}
	undeliver(c, a);
}

static void drop(struct core *c, struct attachment *a)
{
	undeliver(c, a);
	enter(c, a, ATTACHMENT_GONE);
	exchange_stop(c, &a->exchange);
	exchange_stop(c, &a->handover);
	timer_clear(&c->timers, &a->timer);
	timer_release(&c->timers, TIMERS);
	set_hnp(c, a, &(struct dlma_prefix){0});
	table_remove(&c->state.attachments, &a->by_mac);
	free(a);
}

/* RFC 5213 6.7, 6.8: the MN hears its own prefix, from a router that is the same everywhere. */
static void advertise(struct core *c, struct attachment *a, bool withdraw)
{
	static const struct dlma_addr all_nodes = {.b = {0xff, 2, [15] = 1}};
	const struct access_link *link = link_of(c, a->ifindex);
	uint32_t valid = c->state.domain->timers.binding_lifetime_ms / 500;
	uint32_t router_ms = c->state.domain->timers.router_lifetime_ms;
	struct nd_advertisement ra = {.dst = all_nodes, .hnp = a->hnp};
	struct effect *e;
	int len;

	if (!link)
		return;
	ra.src = nd_link_local(link->mac);
	memcpy(ra.mac, link->mac, sizeof(ra.mac));
	ra.mtu = link->mtu;
	if (!withdraw) {
		ra.router_lifetime_s = (uint16_t)(router_ms / 1000);
		ra.valid_lifetime_s = valid > VALID_LIFETIME_MIN_S ? valid : VALID_LIFETIME_MIN_S;
		ra.preferred_lifetime_s = ra.valid_lifetime_s / 2;
	}
	e = emit(c, EFFECT_FRAME);
	len = nd_advertise(&ra, e->frame.bytes, sizeof(e->frame.bytes));
	e->frame.len = (uint16_t)(len > 0 ? len : 0);
	e->frame.ifindex = a->ifindex;
	memcpy(e->frame.mac, a->mac, sizeof(a->mac));
	if (!withdraw)
		timer_set(&c->timers, &a->advertise,
			c->now.mono_ms + (router_ms / 3 < ADVERTISE_MAX_MS ? router_ms / 3
									   : ADVERTISE_MAX_MS));
}

void mag_advertise_due(struct core *c, struct attachment *a)
{
	advertise(c, a, false);
}

/* Asks the MN for a sign of life, and comes back to mag_due() if there is none. */
static void probe(struct core *c, struct attachment *a)
{
	const struct access_link *link = link_of(c, a->ifindex);
	struct dlma_addr src;
	struct effect *e;
	int len;

	a->probed_ms = c->now.mono_ms;
	a->probes++;
	timer_set(&c->timers, &a->timer,
		c->now.mono_ms + c->state.domain->timers.presence_timeout_ms);
	if (!link)
		return;
	src = nd_link_local(link->mac);
	e = emit(c, EFFECT_FRAME);
	len = nd_solicit(&src, &a->link_local, link->mac, e->frame.bytes, sizeof(e->frame.bytes));
	e->frame.len = (uint16_t)(len > 0 ? len : 0);
	e->frame.ifindex = a->ifindex;
	memcpy(e->frame.mac, a->mac, sizeof(a->mac));
}

static void start_register(struct core *c, struct attachment *a, uint8_t handoff)
{
	a->handoff = handoff;
	if (a->state != ATTACHMENT_REGISTERED)
		enter(c, a, ATTACHMENT_REGISTERING);
	exchange_start(c, &a->exchange, c->state.self->lma);
}

static void attached(struct core *c, struct attachment *a)
{
	tell(c, REPORT_mn_attached, a);
	a->retries = 0;
	start_register(c, a, MH_HANDOFF_UNKNOWN);
}

/* RFC 5213 6.9.1.1 */
bool mag_build_register(struct core *c, struct exchange *e, struct mh_message *m)
{
	struct attachment *a = container_of(e, struct attachment, exchange);
	struct identity mn = identity_of(a);
	bool leaving = a->state == ATTACHMENT_LEAVING;

	/* Each copy later than the one before, whatever the clock does. */
	if (c->now.wall > a->last_timestamp)
		a->last_timestamp = c->now.wall;
	else
		a->last_timestamp++;
	message_update(m, e, 0, leaving ? 0 : c->state.domain->timers.binding_lifetime_ms);
	message_session(m, &mn, &a->hnp, leaving ? MH_HANDOFF_UNKNOWN : a->handoff, ATT_ETHERNET,
		a->last_timestamp);
	return true;
}

static void schedule_refresh(struct core *c, struct attachment *a)
{
	/* Half of it: a lost refresh still has time to be repeated. */
	timer_set(&c->timers, &a->timer, c->now.mono_ms + a->lifetime_ms / 2);
}

static void withdraw(struct core *c, struct attachment *a)
{
	if (a->delivering)
		advertise(c, a, true);
	undeliver(c, a);
}

/* RFC 5949, reactive: the previous MAG sends what still comes to it on to this one. */
static void ask_to_forward(struct core *c, struct attachment *a, uint16_t previous)
{
	if (previous != c->state.conf->self && peer_is_mag_only(c, previous))
		exchange_start(c, &a->handover, previous);
}

static void registered(struct core *c, struct attachment *a, const struct mh_message *m)
{
	struct dlma_prefix hnp = message_hnp(m);
	bool news = a->state != ATTACHMENT_REGISTERED || !prefix_equal(&hnp, &a->hnp);

	if (addr_is_zero(&hnp.addr)) {
		count(c, DLMA_SIGNAL_unexpected);
		return;
	}
	if (has_hnp(a) && !prefix_equal(&hnp, &a->hnp))
		withdraw(c, a);
	set_hnp(c, a, &hnp);
	enter(c, a, ATTACHMENT_REGISTERED);
	a->registered_ms = c->now.mono_ms;
	a->lifetime_ms = message_lifetime_ms(m->ba.lifetime);
	a->retries = 0;
	deliver(c, a);
	if (news)
		tell(c, REPORT_mn_registered, a);
	if (news || a->handoff != MH_HANDOFF_UNCHANGED)
		advertise(c, a, false);
	if (news && mh_option_has(&m->options, MH_OPTION_MAG_ADDRESS))
		ask_to_forward(c, a, peer_index(c, &m->options.mag_address));
	if (!a->revoking)
		schedule_refresh(c, a);
}

/* No service for a while, however often the MN announces itself. */
static void turn_away(struct core *c, struct attachment *a)
{
	exchange_stop(c, &a->exchange);
	withdraw(c, a);
	enter(c, a, ATTACHMENT_REFUSED);
	timer_set(&c->timers, &a->timer, c->now.mono_ms + REFUSED_PAUSE_MS);
}

/* RFC 5213 6.9.1.2, the statuses that say what to do next. */
static bool try_otherwise(struct core *c, struct attachment *a, const struct mh_message *m)
{
	if (m->ba.status == MH_STATUS_timestamp_lower && a->retries++ < RETRIES_MAX) {
		if (m->options.timestamp > a->last_timestamp)
			a->last_timestamp = m->options.timestamp;
		start_register(c, a, a->handoff);
		return true;
	}
	if (m->ba.status == MH_STATUS_hnp_not_authorised && has_hnp(a)) {
		withdraw(c, a);
		set_hnp(c, a, &(struct dlma_prefix){0});
		enter(c, a, ATTACHMENT_REGISTERING);
		start_register(c, a, MH_HANDOFF_NEW_INTERFACE);
		return true;
	}
	return false;
}

void mag_register_answered(struct core *c, struct exchange *e, const struct mh_message *m)
{
	struct attachment *a = container_of(e, struct attachment, exchange);
	struct identity mn = identity_of(a);

	if (a->state == ATTACHMENT_LEAVING) {
		drop(c, a);
		return;
	}
	if (m->ba.status < MH_STATUS_unspecified) {
		registered(c, a, m);
		return;
	}
	if (try_otherwise(c, a, m))
		return;
	report_status(c, REPORT_mn_refused, &mn, &a->hnp, c->state.self->lma, m->ba.status);
	turn_away(c, a);
}

/* The LMA is silent. While the MN is there, asking goes on (RFC 5213 6.9.4). */
void mag_register_given_up(struct core *c, struct exchange *e)
{
	struct attachment *a = container_of(e, struct attachment, exchange);

	tell(c, REPORT_unanswered, a);
	if (a->state == ATTACHMENT_LEAVING) {
		drop(c, a);
		return;
	}
	a->probes = 0;
	probe(c, a);
}

static void leave(struct core *c, struct attachment *a)
{
	bool told = a->state == ATTACHMENT_REGISTERED || a->state == ATTACHMENT_REGISTERING;

	tell(c, REPORT_mn_detached, a);
	part(c, a);
	timer_clear(&c->timers, &a->timer);
	enter(c, a, ATTACHMENT_LEAVING);
	if (told)
		exchange_start(c, &a->exchange, c->state.self->lma);
	else
		drop(c, a);
}

static void answer_revocation(struct core *c, uint16_t sequence, uint8_t code)
{
	message_revocation_answer(c, c->state.self->lma, sequence, code);
}

/* A sign of life. What it answers depends on why it was wanted. */
static void present(struct core *c, struct attachment *a)
{
	a->heard_ms = c->now.mono_ms;
	if (!a->probed_ms)
		return;
	a->probed_ms = 0;
	a->probes = 0;
	if (a->revoking) {
		a->revoking = false;
		a->registered_ms = 0; /* it may have been away: it need not wait to be registered */
		tell(c, REPORT_mn_present, a);
		answer_revocation(c, a->revoking_sequence, MH_REVOCATION_MN_ATTACHED);
		schedule_refresh(c, a);
	} else if (a->state == ATTACHMENT_REGISTERED) {
		start_register(c, a, MH_HANDOFF_UNCHANGED);
		schedule_refresh(c, a);
	} else {
		start_register(c, a, MH_HANDOFF_UNKNOWN);
	}
}

static void absent(struct core *c, struct attachment *a)
{
	tell(c, REPORT_mn_gone, a);
	if (a->revoking) {
		answer_revocation(c, a->revoking_sequence, MH_REVOCATION_OK);
		part(c, a);
		drop(c, a);
	} else if (a->state == ATTACHMENT_PROBING) {
		drop(c, a);
	} else {
		leave(c, a);
	}
}

void mag_due(struct core *c, struct attachment *a)
{
	if (!link_of(c, a->ifindex))
		leave(c, a);
	else if (a->state == ATTACHMENT_REFUSED)
		drop(c, a);
	else if (a->probed_ms && (a->revoking || a->probes >= PROBES_MAX))
		absent(c, a);
	else
		probe(c, a);
}

/*
 * A MN announces itself. If it is known, it may have been away and come back before anybody
 * noticed: a new registration settles that, at a bounded pace.
 */
static void announced(struct core *c, struct attachment *a, const struct dlma_addr *hoa)
{
	take_hint(c, a, hoa);
	if (a->state == ATTACHMENT_REGISTERED && !a->exchange.waiting &&
		c->now.mono_ms - a->registered_ms >= REGISTER_PACE_MS)
		attached(c, a);
	else if (a->state == ATTACHMENT_LEAVING || a->state == ATTACHMENT_PROBING)
		attached(c, a);
}

void mag_attach(
	struct core *c, uint32_t ifindex, const uint8_t mac[6], const struct dlma_addr *hoa_hint)
{
	const struct domain_mobile *mobile = mobile_by_mac(c, mac);
	struct attachment *a = by_mac(c, mac);

	if (!mobile || !link_of(c, ifindex))
		return;
	if (a && a->ifindex != ifindex) {
		a->ifindex = ifindex;
		a->registered_ms = 0;
		if (a->delivering)
			deliver(c, a);
	}
	if (a) {
		announced(c, a, hoa_hint);
		return;
	}
	a = create(c, mobile, ifindex);
	if (!a)
		return;
	take_hint(c, a, hoa_hint);
	attached(c, a);
}

void mag_detach(struct core *c, uint32_t ifindex, const uint8_t mac[6])
{
	struct attachment *a = by_mac(c, mac);

	if (a && a->state != ATTACHMENT_LEAVING && (!ifindex || a->ifindex == ifindex))
		leave(c, a);
}

/* The address of its own that a MN shows: of its packet, or the one that it is about to take. */
static const struct dlma_addr *shown_address(const struct nd_message *m)
{
	if (m->type == ND_NEIGHBOR_SOLICITATION && addr_is_zero(&m->src))
		return &m->target;
	return &m->src;
}

void mag_neighbour(
	struct core *c, uint32_t ifindex, const uint8_t mac[6], const struct nd_message *m)
{
	const struct dlma_addr *shown = shown_address(m);
	struct attachment *a = by_mac(c, mac);
	/* These are sent on joining a link; the others at any time. */
	bool joining = m->type == ND_ROUTER_SOLICITATION || m->type == ND_MLD2_REPORT ||
		       m->type == ND_MLD_REPORT;

	if (a && a->ifindex == ifindex) {
		if (addr_is_link_local(shown))
			a->link_local = *shown;
		if (m->type == ND_ROUTER_SOLICITATION && a->delivering)
			advertise(c, a, false);
		present(c, a);
	}
	if (!a || a->ifindex != ifindex || joining || a->state == ATTACHMENT_LEAVING)
		mag_attach(c, ifindex, mac, shown);
}

void mag_link(struct core *c, uint32_t ifindex, const uint8_t mac[6], uint32_t mtu)
{
	struct access_link *link = (struct access_link *)link_of(c, ifindex);

	if (!mtu) {
		if (link)
			*link = c->state.links[--c->state.link_count];
		mag_register_all(c, c->state.self->lma); /* each finds its link gone */
		return;
	}
	if (!link && c->state.link_count == ACCESS_LINKS_MAX) {
		count(c, DLMA_SIGNAL_table_full);
		return;
	}
	if (!link)
		link = &c->state.links[c->state.link_count++];
	*link = (struct access_link){.ifindex = ifindex, .mtu = mtu};
	memcpy(link->mac, mac, sizeof(link->mac));
}

bool mag_build_handover(struct core *c, struct exchange *e, struct mh_message *m)
{
	struct attachment *a = container_of(e, struct attachment, handover);
	struct identity mn = identity_of(a);

	if (a->state != ATTACHMENT_REGISTERED)
		return false;
	m->type = MH_HANDOVER_INITIATE;
	m->handover.sequence = e->sequence;
	m->handover.flags = MH_HI_PROXY | MH_HI_FORWARD;
	message_session(m, &mn, &a->hnp, a->handoff, ATT_ETHERNET, a->last_timestamp);
	m->options.has |= MH_HAS(MH_OPTION_LMA_ADDRESS);
	m->options.lma_address = c->state.peers[c->state.self->lma].node->address;
	return true;
}

void mag_handover_answered(struct core *c, struct exchange *e, const struct mh_message *m)
{
	struct attachment *a = container_of(e, struct attachment, handover);
	struct identity mn = identity_of(a);

	if (m->handover.code < MH_HACK_REFUSED)
		report(c, REPORT_forwarding_granted, &mn, &a->hnp, e->peer);
}

/* Packets that went to the previous MAG are lost then; its LMA corrects the O-LMAs. */
void mag_handover_given_up(struct core *c, struct exchange *e)
{
	struct attachment *a = container_of(e, struct attachment, handover);
	struct identity mn = identity_of(a);

	report(c, REPORT_unanswered, &mn, &a->hnp, e->peer);
}

static void acknowledge_handover(
	struct core *c, const struct peer *p, const struct mh_message *request, uint8_t code)
{
	struct mh_message m = {.type = MH_HANDOVER_ACK};

	m.handover.sequence = request->handover.sequence;
	m.handover.code = code;
	m.handover.flags = MH_HACK_PROXY | (code < MH_HACK_REFUSED ? MH_HACK_FORWARD : 0);
	m.options.mn_id_count = 1;
	m.options.mn_id[0] = request->options.mn_id[0];
	m.options.hnp_count = 1;
	m.options.hnp[0].prefix = message_hnp(request);
	(void)peer_send(c, p->index, &m);
}

/* Another MAG has the MN now. A HI older than our own registration is a late one. */
static uint8_t judge_handover(
	struct core *c, const struct peer *p, const struct attachment *a, const struct request *r)
{
	if (!peer_is_mag(c, p->index) || !r->has_hnp || !r->mn.id_len ||
		!owner_hnp_valid(c, &r->hnp) ||
		mobile_disclosure(c, &r->mn) == DOMAIN_DISCLOSE_NONE)
		return MH_HACK_PROHIBITED;
	if (a && a->state == ATTACHMENT_REGISTERED && a->last_timestamp >= r->timestamp)
		return MH_HACK_REFUSED;
	return MH_HACK_ACCEPTED;
}

/* RFC 5949 6.1: we are the previous MAG. */
void mag_on_handover(struct core *c, struct peer *p, const struct mh_message *m)
{
	struct attachment *a;
	struct onward onward;
	struct request r;
	uint8_t code;

	request_read(&r, p, m);
	a = mag_by_hnp(c, &r.hnp);
	code = judge_handover(c, p, a, &r);
	onward = (struct onward){
		&r.mn, p->index, peer_index(c, &m->options.lma_address), r.timestamp};
	if (onward.dlma == DOMAIN_NO_NODE || !peer_is_lma(c, onward.dlma))
		code = MH_HACK_PROHIBITED;
	if (code)
		count(c, DLMA_SIGNAL_not_authorised);
	/* A node that is an LMA too forwards by its own entries. */
	if (!code && peer_is_mag_only(c, c->state.conf->self)) {
		learnt_forward(c, &r.hnp, &onward);
		if (a)
			undeliver(c, a);
	}
	acknowledge_handover(c, p, m, code);
}

static struct attachment *by_revocation(const struct core *c, const struct mh_options *o)
{
	struct dlma_prefix hnp = o->hnp_count ? o->hnp[0].prefix : (struct dlma_prefix){0};
	struct attachment *a = o->hnp_count ? mag_by_hnp(c, &hnp) : NULL;
	const struct mh_mn_id *id = &o->mn_id[0];

	if (!a || !o->mn_id_count || strlen(a->mobile->id) != id->len ||
		memcmp(a->mobile->id, id->id, id->len))
		return NULL;
	return a;
}

/* RFC 5846 7.2 */
void mag_on_revocation(struct core *c, struct peer *p, const struct mh_message *m)
{
	struct attachment *a = by_revocation(c, &m->options);
	uint8_t trigger = m->revocation.code;

	if (p->index != c->state.self->lma) {
		count(c, DLMA_SIGNAL_not_authorised);
		return;
	}
	if (!a || a->state == ATTACHMENT_LEAVING) {
		answer_revocation(c, m->revocation.sequence, MH_REVOCATION_NO_BINDING);
		return;
	}
	if (trigger < MH_TRIGGER_HANDOVER_SAME_ATT || trigger > MH_TRIGGER_HANDOVER_UNKNOWN) {
		answer_revocation(c, m->revocation.sequence, MH_REVOCATION_OK);
		turn_away(c, a);
		return;
	}
	a->revoking_sequence = m->revocation.sequence;
	if (a->revoking)
		return;
	a->revoking = true;
	a->probes = 0;
	probe(c, a);
}

void mag_adopt(
	struct core *c, const struct dlma_prefix *hnp, uint32_t ifindex, const uint8_t mac[6])
{
	const struct domain_mobile *mobile = mobile_by_mac(c, mac);
	struct attachment *a;

	if (!mobile || !link_of(c, ifindex) || by_mac(c, mac)) {
		emit_access_del(c, hnp);
		return;
	}
	a = create(c, mobile, ifindex);
	if (!a)
		return;
	set_hnp(c, a, hnp);
	a->delivering = true;
	enter(c, a, ATTACHMENT_PROBING);
	probe(c, a);
}

void mag_register_again(struct core *c, const struct dlma_prefix *hnp)
{
	struct attachment *a = mag_by_hnp(c, hnp);

	if (a && a->state == ATTACHMENT_REGISTERED && !a->probed_ms)
		probe(c, a);
}

void mag_register_all(struct core *c, uint16_t lma)
{
	uint64_t at = c->now.mono_ms;
	struct table_node *n = NULL;

	if (lma != c->state.self->lma)
		return;
	while ((n = table_next(&c->state.attachments, n))) {
		struct attachment *a = container_of(n, struct attachment, by_mac);

		if (a->state == ATTACHMENT_REGISTERED && !a->probed_ms)
			timer_set(&c->timers, &a->timer, at++);
	}
}
