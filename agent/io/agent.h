/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Everything around the core that touches the world. One loop turn: what came in is turned into
 * events, the core answers with effects, and at the end of the turn the store is committed once
 * and only then the messages leave. So one fsync serves many, and nothing is acknowledged that a
 * crash could take back.
 */
#pragma once

#include "base/netlink.h"
#include "core/state.h"
#include "io/outbox.h"
#include "io/store.h"
#include <ev.h>
#include <jansson.h>

enum { AGENT_ACCESS_MAX = ACCESS_LINKS_MAX, AGENT_CLIENTS_MAX = 64, UNWRITTEN_MAX = 64 };

struct agent;

/* An access link of this MAG. */
struct access_port {
	struct ev_io io;
	struct agent *agent;
	uint32_t ifindex; /* 0: slot free */
	uint32_t mtu;
	int fd;
};

struct data_path;    /* maps.c */
struct control;	     /* control.c */
struct waiting_room; /* hold.c */

/* Changes of the maps that wait; see unwritten.c. */
struct unwritten {
	struct effect list[UNWRITTEN_MAX];
	uint32_t count;
};

struct agent {
	const char *conf_path;
	struct node_conf conf;
	struct profiles *profiles;
	struct core *core;
	struct effects effects;
	struct ev_loop *loop;
	struct ev_timer deadline;
	struct ev_prepare turn_end;
	struct ev_timer tick;
	struct ev_io mh_io;
	struct ev_io link_io;
	struct ev_signal term, interrupt, hangup;
	struct netlink *questions, *watch;
	struct data_path *path;
	struct store *store;
	struct control *control;
	struct outbox *outbox;
	struct waiting_room *hold; /* NULL: there is none */
	struct access_port ports[AGENT_ACCESS_MAX];
	struct unwritten unwritten;
	struct event *posted; /* to be handled after the effects under way */
	uint32_t posted_count, posted_cap;
	uint64_t started_ms;
	int mh_fd;
	bool ready;
};

/* agent.c */
void agent_event(struct agent *a, const struct event *e);
/* Handles an event after the one under way; a copy is taken. 0 or -ENOMEM. */
int agent_post(struct agent *a, const struct event *e);
struct moment agent_now(void);
/* Sets everything up, runs until a signal, and cleans up. Returns an exit status. */
int agent_run(struct agent *a);

/* memory.c: libev, and OpenSSL until memory_relent(), wait for memory or end the agent. */
void memory_insist(void);
void memory_relent(void);

/* mhsock.c: Mobility Headers, IPv6 protocol 135. 0 or -errno after a message. */
int mhsock_open(struct agent *a);
void mhsock_close(struct agent *a);
void mhsock_send(struct agent *a, const struct effect *e);

/* access.c: access links. */
int access_open(struct agent *a);
void access_close(struct agent *a);
void access_send(struct agent *a, const struct effect *e);
/* MTU of an access link; 0 if it is none. */
uint32_t access_mtu(const struct agent *a, uint32_t ifindex);

/* maps.c: the pinned maps. */
/* Waits for the loader to have filled them. 0, -EINTR on a signal, or -errno after a message. */
int maps_open(struct agent *a);
void maps_close(struct agent *a);
/* Hears the events of the perf ring from now on. */
int maps_listen(struct agent *a);
/* Gives the core what earlier runs left in the maps. 0 or -errno. */
int maps_adopt(struct agent *a);
/* These: 0 or -errno. */
int maps_put_location(struct agent *a, const struct effect *e);
int maps_del_location(struct agent *a, const struct dlma_prefix *hnp);
int maps_put_access(struct agent *a, const struct effect *e);
/* The access link of some MNs has another MTU now. */
void maps_set_access_mtu(struct agent *a, uint32_t ifindex, uint32_t mtu);
int maps_del_access(struct agent *a, const struct dlma_prefix *hnp);
/* Time since the last packet for a HNP; UINT64_MAX if the map has no entry. */
uint64_t maps_idle_ms(const struct agent *a, const struct dlma_prefix *hnp);
void maps_tick(struct agent *a);
/* Tells the core of cached locations that nobody has used, a part of the table at a time. */
void maps_sweep(struct agent *a);
/* Whether packets for unknown HNPs may wait. */
void maps_expect(struct agent *a, bool yes);
bool maps_expecting(const struct agent *a);
/* Packets and bytes by reason, over all CPUs. */
int maps_counters(const struct agent *a, struct dlma_counter ret[DLMA_PACKET_REASON_COUNT]);
/* What the data path has for an address; false if nothing. */
bool maps_location(const struct agent *a, const struct dlma_prefix *hnp, struct dlma_location *ret);
bool maps_access(const struct agent *a, const struct dlma_prefix *hnp, struct dlma_access *ret);
/* The slot of a peer; NULL if there is none. *ret_next_hop is a copy of the active one. */
const struct dlma_adjacency *maps_adjacency(
	const struct agent *a, uint32_t index, struct dlma_next_hop *ret_next_hop);
int maps_adjacency_index(const struct agent *a, const struct dlma_addr *peer);
uint32_t maps_locations_used(const struct agent *a);

/*
 * unwritten.c: puts or deletes a location or an access entry. 0, -E2BIG: no room, -ENOENT: the
 * peer or the entry is not there; -EAGAIN: it will be tried again; or another -errno.
 */
int unwritten_write(struct agent *a, const struct effect *e);
void unwritten_retry(struct agent *a);

/* hold.c: packets for MNs between two MAGs. */
int hold_open(struct agent *a);
void hold_close(struct agent *a);
/*
 * Something has changed for a HNP: its packets go back, on their way or to be dropped; but only
 * by hold_flush(), when the messages about that change have left: packets must not overtake them.
 */
void hold_release(struct agent *a, const struct dlma_prefix *hnp);
/* Nothing is expected any more: so do all that had no location. */
void hold_release_unknown(struct agent *a);
void hold_flush(struct agent *a);
/* Those that have waited for too long go back at once. */
void hold_expire(struct agent *a);
uint32_t hold_count(const struct agent *a);

/* crypto.c */
int crypto_mac(enum auth_algorithm algorithm, const uint8_t *key, size_t key_len,
	const struct auth_chunk *chunks, size_t count, uint8_t ret_mac[32]);

/* report.c: the core's words, for people and for programs. */
void report_show(struct agent *a, const struct report *r);

/* control.c: the socket of dlmactl. */
int control_open(struct agent *a);
void control_close(struct agent *a);
/* One line to everybody who watches. */
void control_publish(struct agent *a, json_t *line);

/* view.c: the answers to dlmactl, as JSON. NULL: no such request. */
json_t *view_answer(struct agent *a, const char *request);

/* reload.c: the keys of the configuration file again. 0, or negative errno after lines that say
 * why. */
int reload(struct agent *a, FILE *errors);
json_t *reload_answer(struct agent *a, const char *argument);

/* explain.c: what would happen here to a packet for an address. */
json_t *explain_answer(struct agent *a, const char *argument);
