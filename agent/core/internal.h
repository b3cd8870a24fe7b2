/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the files of the core offer each other. One paragraph per file. */
#pragma once

#include "core/state.h"

/* effect.c: makers of effects. */
struct route;
void emit_location(struct core *c, const struct dlma_prefix *hnp, const struct route *r);
void emit_location_del(struct core *c, const struct dlma_prefix *hnp);
void emit_access(
	struct core *c, const struct attachment *a, const struct access_link *link, bool direct);
void emit_access_del(struct core *c, const struct dlma_prefix *hnp);
void emit_check_use(struct core *c, const struct dlma_prefix *hnp);
void emit_store(struct core *c, const struct anchor *a);
struct effect *emit(struct core *c, enum effect_kind kind);
/* `mn`, `hnp` may be NULL; `peer` may be REPORT_NO_PEER. */
void report(struct core *c, enum report_kind kind, const struct identity *mn,
	const struct dlma_prefix *hnp, uint16_t peer);
void report_status(struct core *c, enum report_kind kind, const struct identity *mn,
	const struct dlma_prefix *hnp, uint16_t peer, uint8_t status);
void count(struct core *c, enum dlma_signal_reason reason);

/* owner.c: the superset and its owners. */
uint16_t owner_of(const struct core *c, const struct dlma_addr *hoa);
/* HNP that an address lies in. False if nobody owns it. */
bool owner_hnp(const struct core *c, const struct dlma_addr *hoa, struct dlma_prefix *ret);
/* A HNP of the right length in an owned prefix. */
bool owner_hnp_valid(const struct core *c, const struct dlma_prefix *hnp);
/* Whether that LMA may be the D-LMA of a MN with that HNP. False outside the domain. */
bool owner_admits(const struct core *c, const struct dlma_prefix *hnp, uint16_t lma);
bool owner_is_self(const struct core *c, const struct dlma_prefix *hnp);
uint64_t prefix_hash(const struct table *t, const struct dlma_prefix *p);

/* profile.c: the policy profiles of the MNs. NULL or false: there is none. */
const struct domain_mobile *mobile_by_identity(const struct core *c, const struct identity *mn);
/* A MN-ID without a link-layer id means the interface in its profile: one MN, one identity. */
void mobile_complete(const struct core *c, struct identity *mn);
const struct domain_mobile *mobile_by_mac(const struct core *c, const uint8_t mac[6]);
/* Whether a profile has fixed this HNP for its MN. */
bool mobile_reserves(const struct core *c, const struct dlma_prefix *hnp);
/* Who may learn the proxy-CoA of a MN; `mn` may be NULL, and then it is nobody. */
enum domain_disclosure mobile_disclosure(const struct core *c, const struct identity *mn);

/* identity.c: MNs as the tables name them. */
bool identity_equal(const struct identity *a, const struct identity *b);
uint64_t identity_hash(const struct table *t, const struct identity *mn);
/*
 * A lasting copy, shared by all who hold it; NULL if there is no memory. It ends behind its MN-ID:
 * read its members, and take it whole by identity_copy() only.
 */
const struct identity *identity_hold(struct core *c, const struct identity *mn);
/* `mn` from identity_hold(), or NULL. */
void identity_release(struct core *c, const struct identity *mn);
void identity_copy(struct identity *ret, const struct identity *mn);
void identity_done(struct core *c);

/* peer.c: keys, epochs, replay windows, heartbeats; the first and last hands on a message. */
int peer_init(struct core *c);
/* Other keys for all peers. Those of a peer that is in both lists go on without a gap. */
int peer_rekey(struct core *c, const struct domain_key *keys, uint32_t count);
void peer_on_keys(struct core *c, const struct domain_key *keys, uint32_t count);
void peer_done(struct core *c);
struct peer *peer_by_address(const struct core *c, const struct dlma_addr *a);
uint16_t peer_index(const struct core *c, const struct dlma_addr *a);
/* Does not answer any more (RFC 5847). */
bool peer_is_down(const struct core *c, uint16_t node);
bool peer_is_lma(const struct core *c, uint16_t index);
/* A MAG that is configured to register its MNs with this node. */
bool peer_registers_here(const struct core *c, uint16_t index);
bool peer_is_mag(const struct core *c, uint16_t index);
/* A MAG that is no LMA: only such a one can be tunnelled to past its LMA. */
bool peer_is_mag_only(const struct core *c, uint16_t index);
/* Seals and sends. -EAGAIN: the peer's run is not known yet; it was greeted, try again later. */
int peer_send(struct core *c, uint16_t index, struct mh_message *m);
void peer_receive(struct core *c, const struct dlma_addr *src, const struct dlma_addr *dst,
	const uint8_t *bytes, size_t len);
void peer_heartbeat_due(struct core *c, struct peer *p);
/* Tells a peer that there is no binding for an address, at a bounded rate. */
void peer_send_error(struct core *c, struct peer *p, uint8_t status, const struct dlma_addr *hoa);

/* keys.c: 0, or negative errno and all keys as before. */
int keys_install(struct core *c, const struct domain_key *keys, uint32_t count);

/* dispatch.c: a message that peer.c found genuine. */
void dispatch(struct core *c, struct peer *p, const struct mh_message *m);

/* exchange.c: requests and their answers. */
void exchange_init(struct exchange *e, enum exchange_purpose purpose);
/* Starts anew: next sequence number, first try now. */
void exchange_start(struct core *c, struct exchange *e, uint16_t peer);
/* The same, but the first try is made at `at_ms`. */
void exchange_schedule(struct core *c, struct exchange *e, uint16_t peer, uint64_t at_ms);
void exchange_stop(struct core *c, struct exchange *e);
void exchange_due(struct core *c, struct exchange *e);
/* The one that a peer answers by a message of that type, or NULL (counted). */
struct exchange *exchange_find(struct core *c, uint16_t peer, uint16_t sequence, uint8_t type);
/* The peer can be spoken to from now on: what waits for it goes out. */
void exchange_kick(struct core *c, uint16_t peer);
void exchange_answered(struct core *c, struct exchange *e, const struct mh_message *m);

/* message.c: building what we send. */
void message_update(
	struct mh_message *m, const struct exchange *e, uint16_t flags, uint32_t lifetime_ms);
/* One MN-ID and its HNP; call it twice for a message about two MNs. */
void message_mn(struct mh_message *m, const struct identity *mn, const struct dlma_prefix *hnp);
void message_session(struct mh_message *m, const struct identity *mn, const struct dlma_prefix *hnp,
	uint8_t handoff, uint8_t att, uint64_t timestamp);
/* "Register with that LMA" (RFC 6463). */
void message_redirect(struct core *c, struct mh_message *m, uint16_t lma);
/* DOMAIN_NO_NODE: nobody is named, or a stranger. */
uint16_t message_redirection(const struct core *c, const struct mh_message *m);
void message_name_mag(struct core *c, struct mh_message *m, uint16_t mag);
/* The MAG that is named, or DOMAIN_NO_NODE. */
uint16_t message_mag(const struct core *c, const struct mh_message *m);
/* "Tunnel to `target`; the D-LMA is `dlma`": what makes a PBU a location update. */
void message_location(struct core *c, struct mh_message *m, uint16_t target, uint16_t dlma);
/* Acknowledges a BRI (RFC 5846 6.2); `code` is a status. */
void message_revocation_answer(struct core *c, uint16_t peer, uint16_t sequence, uint8_t code);
void request_read(struct request *r, const struct peer *p, const struct mh_message *m);
struct reply {
	uint8_t status;
	uint32_t lifetime_ms;
	struct dlma_prefix hnp; /* zero: repeat that of the request */
	uint64_t timestamp;	/* 0: repeat that of the request */
	uint16_t previous;	/* D-LMA to be named, or DOMAIN_NO_NODE */
	uint16_t previous_mag;	/* likewise */
	uint16_t redirect;	/* LMA to register with instead, or DOMAIN_NO_NODE */
};
/* One that names nobody. */
struct reply message_reply_new(uint8_t status);
void message_reply(struct core *c, const struct request *r, const struct reply *reply);
uint32_t message_lifetime_ms(uint16_t units);
/* A registration lasts no longer than the domain says, whatever is asked for. */
void message_limit_lifetime(const struct core *c, struct request *r);
/* The first HNP option, or a zero prefix. */
struct dlma_prefix message_hnp(const struct mh_message *m);
/* Status of a PBA; all below 128 accept (RFC 6275 6.1.8), and are the same to us. */
uint8_t message_status(const struct mh_message *m);

/* binding.c: the binding cache of an LMA. NULL: there is none, or no memory. */
enum { OUTBIDS_MAX = 5 };
struct binding *binding_by_hnp(const struct core *c, const struct dlma_prefix *hnp);
struct binding *binding_by_mn(const struct core *c, const struct identity *mn);
/* In state PENDING. */
struct binding *binding_create(struct core *c, const struct identity *mn);
/* Forwards from now on, whatever this node did for the HNP before. */
void binding_activate(struct core *c, struct binding *b, const struct dlma_prefix *hnp);
/* Forgets a binding; the data path is the caller's business. */
void binding_drop(struct core *c, struct binding *b);
/* Drops a binding and takes its entry from the data path. */
void binding_end(struct core *c, struct binding *b);
void binding_forget_request(struct binding *b);
void binding_set_mag(struct core *c, struct binding *b, uint16_t mag);
void binding_set_lifetime(struct core *c, struct binding *b, uint32_t lifetime_ms);
/* The anchor stamps a movement: later than anything that this node knows of the MN. */
uint64_t binding_next_stamp(const struct core *c, const struct binding *b, uint64_t timestamp);
/* The H-LMA ends the service of a MN (RFC 5846 6). */
void binding_on_revocation(struct core *c, struct peer *p, const struct mh_message *m);
/* Ends it at once, at the MAG and at the H-LMA too. */
void binding_revoke(struct core *c, struct binding *b);
void binding_due(struct core *c, struct binding *b);
/* The MN is anchored at `dlma` since `stamp`: we are the previous D-LMA now. */
void binding_lost(struct core *c, struct binding *b, uint16_t dlma, uint64_t stamp);
/* The same, of a binding that the H-LMA has not agreed to yet. */
void binding_overtaken(
	struct binding *b, const struct dlma_prefix *hnp, uint16_t dlma, uint64_t stamp);
/* PENDING: another MAG takes the place of the one that asked. */
void binding_pass_over(struct core *c, struct binding *b);
/*
 * The same on word of the new D-LMA, or of the H-LMA. If the MN is still at its MAG, and only its
 * anchor is another one, this node serves it until the MAG must have heard of that too.
 */
void binding_hand_over(
	struct core *c, struct binding *b, uint16_t mag, uint16_t dlma, uint64_t stamp);
/* A MAG says that it has not got the MN. False if that means nothing to a binding. */
bool binding_on_error(struct core *c, const struct dlma_prefix *hnp, uint16_t mag);
/* A MAG still has a MN whose anchor went elsewhere: claim it back with a newer stamp. */
void binding_outbid(struct core *c, const struct revocation *r, uint64_t above);

/* registration.c: LMA towards its MAGs: PBUs and their answers. */
void registration_on_pbu(struct core *c, struct peer *p, const struct mh_message *m);
void registration_accept(struct core *c, const struct binding *b, const struct request *r);
/* The MN has left its MAG: the binding ends, unless it comes to another one here in time. */
void registration_await_return(struct core *c, struct binding *b);
/* Refuses, or agrees to a de-registration. `timestamp` 0: that of the PBU. */
void registration_answer(
	struct core *c, const struct request *r, uint8_t status, uint64_t timestamp);

/* claim.c: D-LMA towards the H-LMA. */
/* Asks the H-LMA: this node, if it owns the HNP, or the owner by an exchange. */
void claim_start(struct core *c, struct binding *b);
bool claim_build(struct core *c, struct exchange *e, struct mh_message *m);
void claim_answered(struct core *c, struct exchange *e, const struct mh_message *m);
void claim_given_up(struct core *c, struct exchange *e);
/* The H-LMA lost its state, or these bindings were never confirmed: claims them all anew. */
void claim_all(struct core *c, uint16_t home);

/* moved.c: new D-LMA, and H-LMA, towards a previous D-LMA. */
void moved_tell(struct core *c, const struct binding *b, uint16_t previous);
void moved_tell_also(struct core *c, const struct anchor *a);
bool moved_build(struct core *c, struct exchange *e, struct mh_message *m);
void moved_answered(struct core *c, struct exchange *e, const struct mh_message *m);
void moved_given_up(struct core *c, struct exchange *e);
void moved_moot(struct core *c, struct exchange *e);

/* anchor.c: H-LMA: allocation and location management. */
struct claim {
	const struct identity *mn;
	struct dlma_prefix hnp; /* zero: the MN's own, or a new one */
	uint64_t stamp;
	uint32_t lifetime_ms;
	uint16_t dlma;
	uint16_t mag; /* behind that D-LMA; or DOMAIN_NO_NODE */
	uint8_t handoff;
	uint8_t att;
};
struct claim_result {
	uint8_t status; /* enum mh_status */
	struct dlma_prefix hnp;
	uint16_t previous; /* D-LMA until now, if another; or DOMAIN_NO_NODE */
	uint16_t previous_mag;
	uint64_t stamp; /* accepted, or the newer one that stands in the way */
};
struct claim_result anchor_claim(struct core *c, const struct claim *claim);
void anchor_release(struct core *c, const struct dlma_prefix *hnp, uint16_t dlma, uint64_t stamp);
void anchor_on_pbu(struct core *c, struct peer *p, const struct mh_message *m);
void anchor_on_query(struct core *c, struct peer *p, const struct mh_message *m);
struct anchor *anchor_by_hnp(const struct core *c, const struct dlma_prefix *hnp);
struct anchor *anchor_by_mn(const struct core *c, const struct identity *mn);
void anchor_due(struct core *c, struct anchor *a);
void anchor_restore(struct core *c, const struct record *r);
int anchor_init(struct core *c);
/* Frees a record; the HNP goes to another MN. */
void anchor_forget(struct core *c, struct anchor *a);

/* alloc.c: HNPs out of those own prefixes that an LMA may anchor. -ENOSPC: all are in use. */
int alloc_hnp(struct core *c, const struct identity *mn, uint16_t lma, struct dlma_prefix *ret);

/* learnt.c: O-LMA and previous D-LMA. */
struct learnt *learnt_by_hnp(const struct core *c, const struct dlma_prefix *hnp);
/* Knows nothing yet, and has no timer. NULL if there is no memory, which is counted. */
struct learnt *learnt_create(struct core *c, const struct dlma_prefix *hnp);
/* Drops an entry and takes it from the data path. */
void learnt_end(struct core *c, struct learnt *l);
/* Before an entry is cached: the cache is bounded. */
void learnt_make_room(struct core *c);
void learnt_remember(struct core *c, struct learnt *l, const struct identity *mn);
struct place {
	uint16_t target, dlma;
	uint64_t stamp;
};
/* `kind`: enum dlma_location_kind. The timer is the caller's business. */
void learnt_set_place(struct core *c, struct learnt *l, uint8_t kind, const struct place *p,
	uint32_t lifetime_ms);
/* When to see whether a cached entry is in use, last used so long ago. */
void learnt_look_later(struct core *c, struct learnt *l, uint64_t idle_ms);
/* How long before its end an entry in use is asked about, in milliseconds. */
uint32_t learnt_refresh_margin(const struct core *c);
bool learnt_is_cached(const struct learnt *l);
uint32_t learnt_time_left(const struct core *c, const struct learnt *l);
bool learnt_speaks_for(const struct learnt *l, uint16_t sender);
void learnt_hold_no_longer(struct core *c, struct learnt *l);
void learnt_map_failed(struct core *c, const struct dlma_prefix *hnp);
/* We were the D-LMA, or the MAG, of the MN; packets for it go on to `target` now. */
struct onward {
	const struct identity *mn;
	uint16_t target; /* LMA or MAG */
	uint16_t dlma;
	uint64_t stamp;
};
void learnt_forward(struct core *c, const struct dlma_prefix *hnp, const struct onward *o);
/* The H-LMA knows a later movement than the one that this node forwards after. */
void learnt_surpassed(struct core *c, const struct dlma_prefix *hnp, uint16_t home, uint64_t stamp);
/* Somebody has just been told to send packets here: if they go on, then for as long. */
void learnt_prolong(struct core *c, const struct dlma_prefix *hnp);
/* MAG: the MN has just left; for a moment its packets wait for word of where it is. */
void learnt_hold(struct core *c, const struct dlma_prefix *hnp);
/* MAG: where to tunnel what its MNs send to a HNP, for a time; `lifetime_ms` 0: not any more. */
int learnt_localize(struct core *c, const struct dlma_prefix *hnp, const struct onward *o,
	uint32_t lifetime_ms);
/* MAG: the MN is here; it is here no more. */
void learnt_arrived(struct core *c, const struct dlma_prefix *hnp);
void learnt_departed(struct core *c, const struct dlma_prefix *hnp);
void learnt_adopt(struct core *c, const struct dlma_prefix *hnp, uint8_t kind, uint16_t target);
void learnt_drop(struct core *c, struct learnt *l);
/* Whether the HNP has an entry of the map that is not of the cache. */
bool learnt_holds(const struct core *c, const struct dlma_prefix *hnp);
/* Largest stamp that this node has seen for a HNP; 0 if none. */
uint64_t learnt_stamp(const struct core *c, const struct dlma_prefix *hnp);

/* update.c: location updates (draft 4.4). */
void update_on_pbu(struct core *c, struct peer *p, const struct mh_message *m);

/* query.c: asking the owner, and the end of what was learnt. */
void query_on_miss(struct core *c, const struct dlma_addr *hoa);
void query_on_error(struct core *c, struct peer *p, const struct mh_message *m);
void query_on_use(struct core *c, const struct dlma_prefix *hnp, uint64_t idle_ms);
/* Once, whatever is known. */
void query_owner(struct core *c, struct learnt *l);
/* Nothing is known; the owner is not asked for a while, and then the entry ends. */
void query_rest(struct core *c, struct learnt *l, uint32_t pause_ms);
void query_due(struct core *c, struct learnt *l);
/* A node does not answer any more: what leads to it goes back to the owner (RFC 5847). */
void query_peer_down(struct core *c, uint16_t peer);

/* notice.c: telling O-LMAs where a MN is. */
/* A packet showed that it does not know; at most one per HNP, O-LMA and second. */
void notice_send(struct core *c, const struct dlma_prefix *hnp, uint16_t peer);
/* It asked: tell at once, whatever was said before. */
void notice_answer(struct core *c, const struct dlma_prefix *hnp, uint16_t peer);
/* A MN of that MAG sends to the HNP: the two MAGs could do without us (draft 5.4). */
void notice_localize(struct core *c, const struct dlma_prefix *hnp, uint16_t mag,
	const struct dlma_prefix *source);
bool notice_build(struct core *c, struct exchange *e, struct mh_message *m);
void notice_answered(struct core *c, struct exchange *e, const struct mh_message *m);
void notice_given_up(struct core *c, struct exchange *e);
void notice_moot(struct core *c, struct exchange *e);
void notice_due(struct core *c, struct notice *n);

/* revoke.c: asking a MAG, or an LMA, to give a MN up. */
/* The operator ends the service of a MN that is bound or owned here (RFC 5846). */
void revoke_mn(struct core *c, const struct identity *mn);
void revoke_administratively(
	struct core *c, const struct identity *mn, const struct dlma_prefix *hnp, uint16_t peer);
/* `mag`: that of the binding, or the one before. `rival` has the MN now, as it says; or none. */
void revoke_start(struct core *c, const struct binding *b, uint16_t mag, uint64_t stamp,
	bool may_return, uint16_t rival);
/* Asks the same once more, after a pause. */
void revoke_later(struct core *c, const struct revocation *was);
bool revoke_build(struct core *c, struct exchange *e, struct mh_message *m);
void revoke_answered(struct core *c, struct exchange *e, const struct mh_message *m);
void revoke_given_up(struct core *c, struct exchange *e);
/* A newer registration makes the question moot. */
void revoke_cancel(struct core *c, const struct dlma_prefix *hnp, uint16_t mag);

/* quota.c: what a peer may gain. */
struct gain {
	const struct identity *mn;
	const struct dlma_prefix *hnp;
	struct movers *movers; /* of the MN; NULL if it is new here */
	uint32_t has, limit;   /* entries of that peer; limit 0: none */
	uint16_t peer;
};
/* Whether the peer may have one more MN now; if not, that is counted and told. */
bool quota_admits(struct core *c, const struct gain *g);
/* MAG: how long a MN has to wait before it is registered again; 0: now, and that is charged. */
uint32_t quota_pause(const struct core *c, uint32_t *full_ms);
/* How long such a bucket must be kept; 0: a new one is as good. */
uint32_t quota_remembered(const struct core *c, uint32_t full_ms);

/* route.c: the one entry of the data path for a HNP. */
void route_sync(struct core *c, const struct dlma_prefix *hnp);
/* Whether one more authoritative entry fits: those are refused in time, never evicted. */
bool route_has_room(const struct core *c);
/* Where packets for a HNP go from here: kind NONE if this node has nothing to say. */
struct route {
	uint8_t kind;	 /* enum dlma_location_kind */
	uint8_t flags;	 /* enum dlma_location_flag */
	uint16_t target; /* end of the tunnel */
	uint16_t dlma;
	uint64_t stamp;
};
struct route route_of(const struct core *c, const struct dlma_prefix *hnp);

/* localize.c: from MAG to MAG (RFC 6705, draft 5.4). */
bool localize_allowed(const struct core *c, const struct dlma_prefix *source,
	const struct dlma_prefix *hnp, uint16_t mag);
void localize_build(struct core *c, const struct exchange *e, const struct dlma_prefix *source,
	const struct dlma_prefix *hnp, struct mh_message *m);
void localize_on_initiation(struct core *c, struct peer *p, const struct mh_message *m);

/* attachment.c: MAG: its MNs, and what the data path and they themselves see. */
struct attachment *attachment_by_mac(const struct core *c, const uint8_t mac[6]);
/* The MN that has a HNP, or NULL. */
struct attachment *attachment_by_hnp(const struct core *c, const struct dlma_prefix *hnp);
/* NULL: there is no such access link. */
const struct access_link *attachment_link_of(const struct core *c, uint32_t ifindex);
/* In state REGISTERING. NULL if there is no memory (counted). */
struct attachment *attachment_create(
	struct core *c, const struct domain_mobile *mobile, uint32_t ifindex);
void attachment_drop(struct core *c, struct attachment *a);
/* The MN is gone, and nobody need be told any more. */
void attachment_forget(struct core *c, struct attachment *a);
void attachment_enter(struct core *c, struct attachment *a, enum attachment_state state);
bool attachment_has_hnp(const struct attachment *a);
/* A zero prefix: none. */
void attachment_set_hnp(struct core *c, struct attachment *a, const struct dlma_prefix *hnp);
void attachment_take_hint(struct core *c, struct attachment *a, const struct dlma_addr *hoa);
struct identity attachment_identity(const struct attachment *a);
enum domain_disclosure attachment_disclosure(const struct core *c, const struct attachment *a);
void attachment_report(struct core *c, enum report_kind kind, const struct attachment *a);
void attachment_report_lma(
	struct core *c, enum report_kind kind, const struct attachment *a, uint16_t lma);
/* The access entry of the data path, made or taken away. */
void attachment_deliver(struct core *c, struct attachment *a);
void attachment_undeliver(struct core *c, struct attachment *a);
/* The same when the MN has just left: its packets may wait. */
void attachment_part(struct core *c, struct attachment *a);
/* What the MN hears: its HNP, that it has it no more, a question whether it is there. */
void attachment_advertise(struct core *c, struct attachment *a, bool withdraw);
void attachment_advertise_due(struct core *c, struct attachment *a);
void attachment_withdraw(struct core *c, struct attachment *a);
void attachment_probe(struct core *c, struct attachment *a);
/* An access link came or changed; `mtu` 0: it is gone, and each MN on it leaves. */
void attachment_on_link(struct core *c, uint32_t ifindex, const uint8_t mac[6], uint32_t mtu);

/* mag.c: MAG: registration with the LMA. */
/* With the LMA that should have the MN: the configured one, or its backup. */
void mag_register(struct core *c, struct attachment *a, uint8_t handoff);
/* The MN is still there. */
void mag_refresh(struct core *c, struct attachment *a);
/* Registers with another LMA. Until that agrees the present one goes on. */
void mag_move(struct core *c, struct attachment *a, uint16_t lma);
void mag_schedule_refresh(struct core *c, struct attachment *a);
/* Not registered for a while; then it is asked whether it is still there. */
void mag_pause(struct core *c, struct attachment *a, uint64_t ms);
bool mag_build(struct core *c, struct exchange *e, struct mh_message *m);
void mag_answered(struct core *c, struct exchange *e, const struct mh_message *m);
void mag_given_up(struct core *c, struct exchange *e);
/* The MN has left: de-registers it. */
void mag_leave(struct core *c, struct attachment *a);
/* No service for a while, however often the MN announces itself. */
void mag_turn_away(struct core *c, struct attachment *a);
/* `lma` has no binding for a HNP that a MN of ours may have. False if it is no LMA of ours. */
bool mag_register_again(struct core *c, const struct dlma_prefix *hnp, uint16_t lma);
/* An LMA does not answer any more: its backup may have our MNs. */
void mag_lma_down(struct core *c, uint16_t lma);
/* An access link is gone: each MN that was on it leaves. */
void mag_check_links(struct core *c);
/* The LMA lost its bindings: register everything again. */
void mag_register_all(struct core *c, uint16_t lma);

/* presence.c: MAG: whether a MN is there. */
void presence_attach(
	struct core *c, uint32_t ifindex, const uint8_t mac[6], const struct dlma_addr *hoa_hint);
void presence_detach(struct core *c, uint32_t ifindex, const uint8_t mac[6]);
void presence_neighbour(
	struct core *c, uint32_t ifindex, const uint8_t mac[6], const struct nd_message *m);
void presence_due(struct core *c, struct attachment *a);
void presence_on_revocation(struct core *c, struct peer *p, const struct mh_message *m);
void presence_adopt(
	struct core *c, const struct dlma_prefix *hnp, uint32_t ifindex, const uint8_t mac[6]);

/* drain.c: emptying a node: LMA and MAG. */
void drain_set(struct core *c, bool on, uint16_t to);
void drain_due(struct core *c);
/* A binding came that has to go, if this node is being drained. */
void drain_soon(struct core *c);
/* A binding has ended. */
void drain_forget(struct core *c, const struct dlma_prefix *hnp);
bool drain_build(struct core *c, struct exchange *e, struct mh_message *m);
void drain_answered(struct core *c, struct exchange *e, const struct mh_message *m);
void drain_given_up(struct core *c, struct exchange *e);
void drain_moot(struct core *c, struct exchange *e);
void drain_on_notification(struct core *c, struct peer *p, const struct mh_message *m);

/* handover.c: MAG: from MAG to MAG (RFC 5949). */
bool handover_build(struct core *c, struct exchange *e, struct mh_message *m);
void handover_answered(struct core *c, struct exchange *e, const struct mh_message *m);
void handover_given_up(struct core *c, struct exchange *e);
/* What another MAG has said of a MN here, if anything, is right; or the MN itself says it is not.
 */
void handover_agree(struct core *c, struct attachment *a);
bool handover_contradict(struct core *c, struct attachment *a);
void handover_on_initiate(struct core *c, struct peer *p, const struct mh_message *m);
