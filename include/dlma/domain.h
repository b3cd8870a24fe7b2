/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a node knows from its configuration: the domain, which is the same for every node in it,
 * and the node's own part. Plain data: agent/base/conf.c fills it, the core and the loader read
 * it, nobody changes it afterwards. Times are milliseconds.
 */
#pragma once

#include "dlma/abi.h"
#include <stdint.h>

enum domain_limits {
	DOMAIN_NAME_MAX = 32,	/* a node's name with its terminating zero */
	DOMAIN_MN_ID_MAX = 253, /* octets of a NAI (RFC 4283) */
	DOMAIN_PATH_MAX = 256,
	DOMAIN_KEY_MIN = 16, /* octets */
	DOMAIN_KEY_MAX = 64,
	DOMAIN_NO_NODE = 0xffff,
};

struct domain_node {
	char name[DOMAIN_NAME_MAX];
	struct dlma_addr address;
	uint32_t roles; /* enum dlma_role */
	uint16_t lma;	/* MAG: index of the LMA that it registers with; else DOMAIN_NO_NODE */
	bool has_backup;
	uint16_t backup; /* LMA: which one takes its MNs over */
};

/* A block of HoAs and the LMA that owns it: the H-LMA of every MN in it (draft 2.3). */
struct domain_prefix {
	struct dlma_prefix prefix;
	uint8_t hnp_len;       /* length of one MN's HNP in this block */
	uint16_t owner;	       /* index of the node */
	uint16_t *anchors;     /* LMAs that may be D-LMA of its MNs beside the owner; NULL: all */
	uint32_t anchor_count; /* of them */
};

/* Who may learn the proxy-CoA of a MN, and so bypass LMAs (draft 5.1.1, 5.4); each with those
 * before. */
enum domain_disclosure {
	DOMAIN_DISCLOSE_AS_DOMAIN, /* in a profile: what the domain says */
	DOMAIN_DISCLOSE_NONE,	   /* nobody but its own LMA */
	DOMAIN_DISCLOSE_LMA,	   /* other LMAs: they tunnel straight to the MAG */
	DOMAIN_DISCLOSE_MAG,	   /* other MAGs too */
};

/* Policy profile of a MN on one of its interfaces (RFC 5213 6.2). */
struct domain_mobile {
	char id[DOMAIN_MN_ID_MAX + 1]; /* NAI */
	uint8_t link_layer[6];
	uint16_t home; /* index of its H-LMA */
	bool allowed;  /* entitled to network-based mobility */
	bool has_hnp;  /* the HNP is fixed by the profile */
	enum domain_disclosure disclosure;
	struct dlma_prefix hnp;
};

struct domain_timers {
	uint32_t binding_lifetime_ms;	 /* asked for by a MAG */
	uint32_t cache_lifetime_ms;	 /* O-LMA: hard limit, refreshed while in use */
	uint32_t cache_idle_ms;		 /* O-LMA: forgotten after such a silence */
	uint32_t negative_ms;		 /* O-LMA: do not ask again after "no binding" */
	uint32_t forwarding_lifetime_ms; /* previous D-LMA; not below cache_lifetime_ms */
	uint32_t min_delay_before_bce_delete_ms;
	uint32_t hold_ms; /* D-LMA: packets wait so long for a MN that left its MAG; 0: never */
	uint32_t timestamp_validity_window_ms; /* MAG to LMA */
	uint32_t lma_timestamp_window_ms;      /* between LMAs */
	uint32_t initial_bindack_timeout_ms;
	uint32_t max_bindack_timeout_ms;
	uint32_t heartbeat_interval_ms;
	uint32_t missing_heartbeats_allowed;
	uint32_t stale_ms; /* O-LMA: how long a location serves whose owner does not answer */
	uint32_t router_lifetime_ms;  /* in the router advertisements of a MAG */
	uint32_t presence_timeout_ms; /* MAG: how long a MN may take to answer a probe */
};

struct domain {
	char name[DOMAIN_NAME_MAX];
	struct domain_node *nodes;
	struct domain_prefix *prefixes; /* longest first, so that the first match is the owner */
	struct domain_mobile *mobiles;
	struct dlma_superset superset[DLMA_SUPERSET_MAX]; /* longest prefix first */
	uint32_t node_count;
	uint32_t prefix_count;
	uint32_t mobile_count;
	uint32_t superset_count;
	uint32_t vendor_id; /* of our Vendor-Specific options; SMI private enterprise number */
	bool authentication;
	bool home_tracks_mag; /* the H-LMA knows the MAG too, and tunnels to it (draft 5.1.1) */
	bool ask_first; /* O-LMA: packets wait for the location instead of going to the owner */
	enum domain_disclosure disclosure;
	struct domain_timers timers;
};

enum domain_hook {
	DOMAIN_HOOK_AUTO,
	DOMAIN_HOOK_XDP,
	DOMAIN_HOOK_XDP_GENERIC,
	DOMAIN_HOOK_TC,
};

/* Interfaces of a node, by name; `match` is a shell pattern (fnmatch). */
struct domain_interface {
	char match[DOMAIN_NAME_MAX];
	enum domain_hook hook;
	bool access; /* MNs are on it (MAG) */
};

/* Secret shared with one peer under one SPI; the keys of both directions are derived from it. */
struct domain_key {
	uint16_t peer; /* index of the node */
	uint32_t spi;
	uint8_t secret[DOMAIN_KEY_MAX];
	uint8_t secret_len;
};

/* What becomes of registrations while the store cannot be written to. */
enum domain_store_failure {
	DOMAIN_STORE_REFUSE,   /* not acknowledged: nothing that was promised is ever lost */
	DOMAIN_STORE_CONTINUE, /* acknowledged all the same: a crash may lose them */
};

struct node_conf {
	struct domain domain;
	uint16_t self; /* index of this node in domain.nodes */
	struct domain_interface *interfaces;
	struct domain_key *keys; /* of a peer, the first one is used for sending */
	uint32_t interface_count;
	uint32_t key_count;
	uint32_t locations_max; /* entries of the locations map */
	uint32_t cache_max;	/* of these, how many may be cached locations */
	uint32_t access_max;
	enum domain_store_failure store_failure;
	/* What peers may do to this node; 0: as much as they like. */
	uint32_t bindings_per_mag;
	uint32_t anchors_per_lma;
	uint32_t moves_per_peer; /* MNs that a MAG or an LMA may gain in a second */
	uint32_t moves_per_mn;	 /* how often in a second each of them may gain the same one */
	char run_dir[DOMAIN_PATH_MAX];	 /* control sockets */
	char state_dir[DOMAIN_PATH_MAX]; /* the store */
	char pin_dir[DOMAIN_PATH_MAX];	 /* pinned maps, programs and links */
};

static inline const struct domain_node *domain_self(const struct node_conf *c)
{
	return &c->domain.nodes[c->self];
}

/* Whether the policy of any MN lets others learn its proxy-CoA. */
static inline bool domain_discloses(const struct domain *d)
{
	bool any = d->disclosure > DOMAIN_DISCLOSE_NONE;

	for (uint32_t i = 0; i < d->mobile_count; i++)
		any = any || d->mobiles[i].disclosure > DOMAIN_DISCLOSE_NONE;
	return any;
}

/* Whether an LMA may be the D-LMA of MNs with HoAs of a block (RFC 5213 4, draft 9). */
static inline bool domain_may_anchor(const struct domain_prefix *block, uint16_t node)
{
	if (!block->anchors || node == block->owner)
		return true;
	for (uint32_t i = 0; i < block->anchor_count; i++)
		if (block->anchors[i] == node)
			return true;
	return false;
}

/* Which LMA takes the MNs of this one over when it is drained or dead; DOMAIN_NO_NODE: none. */
static inline uint16_t domain_backup(const struct domain *d, uint16_t lma)
{
	return d->nodes[lma].has_backup ? d->nodes[lma].backup : DOMAIN_NO_NODE;
}

/* Whether a MAG may register MNs with an LMA: its own, the backup of that, and so on. */
static inline bool domain_may_register(const struct domain *d, uint16_t mag, uint16_t lma)
{
	uint16_t at = d->nodes[mag].roles & DLMA_ROLE_MAG ? d->nodes[mag].lma : DOMAIN_NO_NODE;

	for (uint32_t hops = 0; at != DOMAIN_NO_NODE && hops < d->node_count; hops++) {
		if (at == lma)
			return true;
		at = domain_backup(d, at);
	}
	return false;
}

/* The block of HoAs that an address lies in, the longest first; NULL outside of all. */
static inline const struct domain_prefix *domain_block(
	const struct domain *d, const struct dlma_addr *hoa)
{
	for (uint32_t i = 0; i < d->prefix_count; i++)
		if (prefix_contains(&d->prefixes[i].prefix, hoa))
			return &d->prefixes[i];
	return NULL;
}
