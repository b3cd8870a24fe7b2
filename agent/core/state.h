/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a node remembers. Who may change what:
 *
 *	attachments  MAG: MNs on its access links (the binding update list of RFC 5213 6.1)
 *	bindings     LMA: MNs anchored here (binding cache, RFC 5213 5.1); by MN and by HNP
 *	anchors      H-LMA: every HNP that was ever allocated, and its D-LMA (draft 4.1); durable
 *	learnt       O-LMA cache entries and previous D-LMA forwarding entries (draft 4.4)
 *	notices      location updates on their way to an O-LMA, one per HNP and O-LMA
 *	moved        words to previous D-LMAs on their way, one per HNP and D-LMA
 *	revocations  MAGs asked whether they still have a MN that is registered elsewhere
 *	redirections MAGs asked to register a MN with another LMA (drain)
 *	exchanges    requests waiting for their answer, by peer and sequence number
 *
 * The data path sees one entry per HNP, made of these tables by route_sync().
 */
#pragma once

#include "core/core.h"
#include "core/table.h"
#include "core/timer.h"

/* Which timer is due, and so which struct it lies in. */
enum timer_kind {
	TIMER_EXCHANGE,
	TIMER_BINDING,	  /* lifetime, or the delay before a deletion */
	TIMER_ANCHOR,	  /* lifetime */
	TIMER_LEARNT,	  /* idle check, refresh, expiry */
	TIMER_NOTICE,	  /* pace of one second */
	TIMER_ATTACHMENT, /* refresh, presence */
	TIMER_ADVERTISE,  /* next unsolicited router advertisement */
	TIMER_PEER,	  /* heartbeat */
	TIMER_DRAIN,	  /* next look at what is still bound here */
};

/* What is being asked; each has a row in exchange.c. */
enum exchange_purpose {
	EXCHANGE_REGISTER, /* MAG to LMA: PBU (RFC 5213) */
	EXCHANGE_ANCHOR,   /* V-LMA to H-LMA: uniqueness and new D-LMA (draft 4.3) */
	EXCHANGE_MOVED,	   /* new D-LMA to previous D-LMA (draft 4.4) */
	EXCHANGE_LOCATION, /* H-LMA or previous D-LMA to O-LMA (draft 4.4) */
	EXCHANGE_REVOKE,   /* LMA to MAG: BRI (RFC 5846) */
	EXCHANGE_HANDOVER, /* new MAG to previous MAG: HI (RFC 5949) */
	EXCHANGE_REDIRECT, /* LMA to MAG: UPN (RFC 7077) */
	EXCHANGE_PURPOSE_COUNT,
};

struct exchange {
	struct table_node node; /* in exchanges while it waits */
	struct timer timer;
	uint32_t timeout_ms; /* of the current try */
	uint16_t peer;
	uint16_t sequence;
	uint8_t purpose; /* enum exchange_purpose */
	uint8_t answer;	 /* MH type of the answer to what was sent; 0: nothing was yet */
	uint8_t tries;
	bool waiting;
};

/* What a PBA has to repeat of its PBU (RFC 5213 5.3.6). */
struct request {
	uint16_t peer;
	uint16_t sequence;
	uint64_t has;
	uint64_t timestamp;
	uint32_t lifetime_ms;
	uint8_t handoff;
	uint8_t att;
	bool has_hnp;
	struct dlma_addr link_local;
	struct dlma_prefix hnp; /* zero: please assign */
	struct identity mn;
};

/* Who moved a MN of late, and when each of them may have as many moves at once again (quota.c). */
struct movers {
	uint32_t full_ms[2]; /* low bits of the monotonic clock */
	uint16_t peer[2];
};

enum binding_state {
	BINDING_PENDING, /* the H-LMA has not agreed yet: nothing is forwarded */
	BINDING_ACTIVE,
	BINDING_DELETING, /* de-registered; kept for MinDelayBeforeBCEDelete */
};

struct binding {
	struct table_node by_mn;
	struct table_node by_hnp; /* once it has a HNP: states ACTIVE and DELETING */
	struct timer timer;
	struct exchange anchor;	   /* to the H-LMA */
	struct request *waiting;   /* PBU of the MAG to be answered; owned */
	const struct identity *mn; /* held */
	struct dlma_prefix hnp;	   /* zero while the H-LMA has not assigned one */
	uint64_t stamp;		   /* of the movement */
	uint64_t last_timestamp;   /* of the last PBU accepted from a MAG */
	uint64_t expires_ms;
	uint64_t held_until_ms;	  /* DELETING: packets wait so long for the MN to be somewhere */
	uint64_t successor_stamp; /* of the movement to the successor */
	uint32_t lifetime_ms;	  /* granted to the MAG */
	struct movers movers;	  /* MAGs */
	uint16_t mag;
	uint16_t home;	       /* H-LMA; may be this node */
	uint16_t passed_over;  /* PENDING: MAG to be asked, or DOMAIN_NO_NODE */
	uint16_t next;	       /* PENDING: a later D-LMA has spoken already; or DOMAIN_NO_NODE */
	uint16_t previous_mag; /* to be told by the present MAG, or DOMAIN_NO_NODE */
	uint16_t successor;    /* D-LMA to be, while this one still serves; or DOMAIN_NO_NODE */
	uint64_t next_stamp;
	uint8_t state; /* enum binding_state */
	uint8_t att;
	uint8_t handoff; /* of the PBU that made the present binding */
	uint8_t outbids; /* how often the H-LMA knew a newer stamp, in a row */
	bool leaving;	 /* PENDING, but de-registered: the H-LMA has to be told, once it answers */
};

struct anchor {
	struct table_node by_hnp;
	struct table_node by_mn;
	struct timer timer;
	struct dlma_prefix hnp;
	const struct identity *mn; /* held */
	uint64_t stamp;
	uint64_t expires_ms;
	uint64_t released_ms; /* when it was anchored last; orders re-use */
	uint32_t lifetime_ms;
	struct movers movers;	    /* LMAs */
	uint16_t dlma;		    /* DOMAIN_NO_NODE: anchored nowhere */
	uint16_t previous;	    /* D-LMA before, for a repeated request */
	uint16_t mag, previous_mag; /* as the D-LMAs told; DOMAIN_NO_NODE if they did not */
	uint8_t att;
};

struct learnt {
	struct table_node by_hnp;
	struct timer timer;
	struct dlma_prefix hnp;
	uint64_t stamp;
	uint64_t expires_ms;
	uint64_t told_ms; /* when it was learnt or confirmed */
	uint16_t target;  /* DOMAIN_NO_NODE: nothing known (asked, or told that there is nothing) */
	uint16_t dlma;	  /* the target, or the D-LMA of the MAG that the target is */
	uint8_t kind;  /* enum dlma_location_kind: CACHED, FORWARDING, HELD, or what was adopted */
	uint8_t asked; /* queries sent without an answer */
	bool adopted;  /* found in the map at start; nobody vouches for it yet */
	const struct identity *mn; /* held; NULL if not known */
};

struct notice {
	struct table_node node;
	struct timer timer;
	struct exchange exchange;
	struct dlma_prefix hnp;
	struct dlma_prefix source; /* to a MAG: of the MN there that sends to the HNP; else zero */
	uint16_t peer;		   /* the O-LMA, or that MAG */
};

/* Word to a previous D-LMA, on its way; one per HNP and D-LMA. */
struct moved {
	struct table_node node;
	struct exchange exchange;
	const struct identity *mn; /* held */
	struct dlma_prefix hnp;
	uint64_t stamp; /* of the movement that brought the MN to `dlma` */
	uint16_t dlma;
	uint16_t previous;
	uint16_t mag; /* that the MN has kept, with another D-LMA; or DOMAIN_NO_NODE */
	uint8_t att;
	uint8_t handoff;
};

struct revocation {
	struct table_node node; /* by HNP and MAG */
	struct exchange exchange;
	const struct identity *mn; /* held */
	struct dlma_prefix hnp;
	uint64_t stamp;		 /* of the movement that asks; an outbid must be above it */
	uint64_t until_ms;	 /* the MAG may believe so long to have the MN */
	uint64_t last_timestamp; /* of the last PBU, for the binding that may come back */
	uint32_t lifetime_ms;
	uint16_t mag;
	uint16_t home;
	uint8_t att;
	uint8_t trigger; /* enum mh_revocation_code */
	bool may_return; /* anchored elsewhere now: if the MN is still here, outbid */
	bool paced;	 /* asked after a pause, see revoke_later() */
	uint16_t rival;	 /* who has it now, as they say; DOMAIN_NO_NODE: not known */
};

/* A MAG is asked to register a MN of this LMA with another one. Ends with the binding. */
struct redirection {
	struct table_node node; /* by HNP */
	struct exchange exchange;
	struct dlma_prefix hnp;
};

enum attachment_state {
	ATTACHMENT_GONE, /* about to be freed, or not made yet */
	ATTACHMENT_REGISTERING,
	ATTACHMENT_REGISTERED,
	ATTACHMENT_PROBING, /* adopted at start: is the MN still there? */
	ATTACHMENT_LEAVING, /* de-registering */
	ATTACHMENT_REFUSED,
	ATTACHMENT_WAITING, /* the LMA cannot serve it now, or it comes and goes too fast */
};

/* MAG: somebody says that it has the MN now (RFC 5949); kept while the MN is asked. */
struct handover_word {
	uint64_t stamp;
	uint16_t peer; /* DOMAIN_NO_NODE: none */
	uint16_t dlma;
	uint16_t sequence;
};

struct attachment {
	struct table_node by_mac;
	struct table_node by_hnp; /* once it has a HNP */
	struct timer timer;
	struct timer advertise;
	struct exchange exchange;
	struct exchange handover; /* to the previous MAG */
	struct handover_word word;
	const struct domain_mobile *mobile;
	struct dlma_prefix hnp;	     /* zero: not assigned yet */
	struct dlma_addr link_local; /* of the MN, as last seen */
	uint64_t last_timestamp;
	uint64_t heard_ms;	/* last ND or MLD message of the MN */
	uint64_t probed_ms;	/* 0: no probe out */
	uint64_t registered_ms; /* when the last PBA came */
	uint64_t lifetime_ms;	/* granted */
	uint32_t ifindex;
	uint32_t full_ms;	    /* token bucket of its registrations (quota.c) */
	uint16_t lma;		    /* that has the binding; at first the one configured */
	uint16_t revoking_sequence; /* BRI that waits for the probe */
	uint16_t revoking_lma;	    /* that sent it */
	uint8_t mac[6];
	uint8_t state;	 /* enum attachment_state */
	uint8_t handoff; /* of the PBU on its way */
	uint8_t probes;
	uint8_t retries; /* after a 157, at once; after a 130, with growing pauses */
	bool revoking;
	bool away;	 /* WAITING: it has left; the pause is kept in case it comes back */
	bool delivering; /* an access entry stands in the map */
};

struct access_link {
	uint32_t ifindex;
	uint32_t mtu;
	uint8_t mac[6];
};

enum peer_state { PEER_UNKNOWN, PEER_UP, PEER_DOWN };

enum { PEER_KEYS_MAX = 2, ACCESS_LINKS_MAX = 32, LOOPBACK_MAX = 8 };

struct peer_keys {
	struct auth_key out, in;
};

struct peer {
	struct table_node by_address;
	const struct domain_node *node;
	struct timer heartbeat;
	struct peer_keys keys[PEER_KEYS_MAX]; /* the first is used for sending */
	uint64_t sent;			      /* counter of the last message sent */
	uint64_t window_top;		      /* largest counter seen in their present run */
	uint64_t window_bits;		      /* bit i: window_top - i was seen */
	uint64_t hello_after_ms;	      /* not before: next greeting about our epoch */
	uint64_t greeted_after_ms;	      /* not before: next answer to a greeting */
	uint64_t error_after_ms;	      /* not before: next Binding Error */
	uint64_t alarm_after_ms;	      /* not before: next line about its quota */
	uint64_t moves_full_us;		      /* token bucket of its moves (quota.c) */
	uint64_t over_quota;		      /* requests refused for that */
	uint64_t disputed;		      /* moves to it that turned out wrong */
	uint64_t heard_ms;
	uint64_t up_ms;
	uint64_t asked_ms; /* when the present heartbeat was due */
	uint32_t epoch;	   /* of their present run; 0: not known */
	uint32_t restart_counter;
	uint32_t heard_spi; /* of the last message that was genuine; 0: none yet */
	uint32_t heartbeat_sequence;
	uint32_t bindings; /* MAG: bindings here that name it */
	uint32_t anchors;  /* LMA: HNPs owned here that it is the D-LMA of */
	uint16_t index;
	uint8_t tries; /* of the present heartbeat */
	uint8_t state; /* enum peer_state */
	uint8_t key_count;
	bool restart_known;
	bool heartbeat_waiting;
};

struct core_counters {
	uint64_t reasons[DLMA_SIGNAL_REASON_COUNT];
	uint64_t sent[32];	/* by MH type */
	uint64_t received[32];	/* by MH type, authenticated */
	uint64_t statuses[256]; /* of the PBAs that we sent */
};

struct loopback {
	uint16_t count;
	struct mh_message messages[LOOPBACK_MAX];
};

struct core_state {
	const struct node_conf *conf;
	const struct domain *domain;
	const struct domain_node *self;
	struct peer *peers; /* by node index; our own entry included */
	struct table attachments, attachments_by_hnp, bindings, bindings_by_hnp, anchors,
		anchors_by_mn, learnt, notices, moved, revocations, redirections, exchanges;
	struct access_link links[ACCESS_LINKS_MAX];
	uint32_t link_count;
	uint32_t cached;    /* learnt entries that take room in the cache */
	bool draining;	    /* takes no new MNs */
	uint16_t drain_to;  /* LMA that shall have ours; or DOMAIN_NO_NODE */
	uint32_t expecting; /* registrations under way: bindings PENDING, attachments REGISTERING */
	uint32_t rekeyed;   /* how often the keys were replaced */
	struct core_counters counters;
};

struct core {
	struct core_state state; /* first: see core_state() */
	struct timer_heap timers;
	struct timer drain;
	struct table identities, peers_by_address;
	const struct profiles *profiles;
	struct core_options options;
	struct moment now;
	struct effects *effects; /* of the step under way */
	struct loopback loopback;
	uint64_t *next_free; /* allocation: where to look first, per owned prefix */
	int64_t lma_offset;  /* MAG: the clock of the LMA less our own, format of option 27 */
	uint16_t sequence;
};
