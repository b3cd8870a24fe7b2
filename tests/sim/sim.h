/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * One seed at work: production cores that exchange encoded messages, production data paths that
 * exchange packets, MNs, CNs, and what goes wrong. Virtual time; nothing but the seed decides.
 *
 *	plan.c configure.c  what the seed means
 *	queue.c run.c       the order of events, the phases of a run
 *	node.c wire.c       a node: turns, effects, store, crashes; messages on their way
 *	path.c traffic.c    packets on their way, the waiting room
 *	mobile.c faults.c   MNs; incidents
 *	check.c promise.c   what must hold
 *	chart.c counters.c  the same, for people
 */
#pragma once

#include "core/state.h"
#include "path.h"
#include "plan.h"
#include "queue.h"

enum {
	NOWHERE = -1,
	ACCESS_IFINDEX = PATH_ACCESS,
	TRIPS_MAX = 10, /* tunnels that a packet may cross; see traffic.c */
};

enum sim_kind {
	SIM_MESSAGE, /* to a node; struct letter */
	SIM_TIMER,
	SIM_COMMIT,
	SIM_PACKET,  /* at a node; struct trip */
	SIM_HOLD,    /* packets have waited long enough */
	SIM_START,   /* a node starts again */
	SIM_MOVE,    /* of a MN */
	SIM_SOLICIT, /* since the move of that number */
	SIM_ANSWER,  /* of a MN to a Neighbor Solicitation */
	SIM_NOTICE,  /* a MAG hears that a MN has left; the MN is `what` */
	SIM_LOOK,    /* whether promises begin */
	SIM_SEND,    /* traffic */
	SIM_INCIDENT,
	SIM_HEAL, /* the end of a partition or of a clock's step */
};

/* A Mobility Header on its way. */
struct letter {
	struct letter *next; /* in an outbox, or among the free */
	uint16_t from, len;
	uint16_t to;	/* node, or PATH_NODES_MAX + MN on an access link: then it is a frame */
	int16_t mobile; /* that it is about; or NOWHERE */
	uint32_t move;	/* of that MN, when it was sent */
	uint8_t bytes[EFFECT_BYTES_MAX];
};

/* A packet on its way. */
struct trip {
	struct trip *next; /* in a waiting room, or among the free */
	struct path_frame frame;
	uint64_t number;
	uint64_t since_us;		  /* in the waiting room */
	uint32_t came_in;		  /* where, before that */
	uint32_t promise, sender_promise; /* when the packet was sent; 0: none */
	int16_t mobile, sender;		  /* MNs; or NOWHERE: a CN */
	uint8_t tunnels;
	bool bypass; /* it went to a MAG that somebody had named */
};

struct stored {
	bool there;
	struct record record;
};

enum node_state {
	NODE_UP,
	NODE_DEAD, /* no agent; the data path goes on */
	NODE_OFF,  /* nothing goes on */
};

struct node {
	struct core *core;
	struct path_node path;
	enum node_state state;
	uint64_t timer_us; /* of the SIM_TIMER that counts; UINT64_MAX: none */
	uint64_t boot_us;  /* of its monotonic clock, before the beginning of time */
	int64_t skew_us;   /* of its wall clock */
	uint32_t epoch, restart_counter;
	uint32_t locations_used;
	uint32_t key_first, key_second; /* generations */
	bool expecting;
	/* Of the turn under way, or of the commit that is. */
	struct letter *outbox, **outbox_end;
	bool committing;
	bool dying;	      /* before its next commit */
	uint16_t written[64]; /* slots */
	uint32_t written_count;
	struct stored journal[PATH_SLOTS_MAX];
	struct stored store[PATH_SLOTS_MAX];
	/* The waiting room. */
	struct trip *held, **held_end;
	uint32_t held_count;
	/* Who stands behind the target of a learnt entry: a rule of who may change it (check.c). */
	uint16_t behind[PATH_SLOTS_MAX];
	bool bound[PATH_SLOTS_MAX]; /* the MN was bound here once */
	bool claimed[MOBILES_MAX];  /* the node asked for the MN once */
};

struct mobile {
	int at, before; /* MAG; or NOWHERE */
	int slot;	/* of its HNP, as the router advertisements say; or NOWHERE */
	bool heard;	/* a router advertisement, since it came here */
	uint32_t moves;
	uint64_t moved_us;
	uint32_t promise;  /* number of the promise that holds; 0: none (promise.c) */
	uint32_t soft;	   /* bits of nodes with a stale location that names a MAG */
	uint32_t accepted; /* likewise, of a handover that is not over yet */
	bool orderly;	   /* it moved from where it was promised delivery */
	bool right;	   /* all tables are, for it */
	uint64_t right_us;
	uint64_t shown_us;	     /* it has shown itself since its last move; 0: not yet */
	uint32_t flying, flying_old; /* messages about it, sent since its last move, and before */
	uint64_t refused_us;	     /* until then it has no service, and that is right */
};

/* Steps of the histogram of how long moves took. */
enum { TIME_STEP_US = 5000, TIME_STEPS = 20000 };

struct sim_counters {
	struct sim_sums { /* uint64_t only */
		uint64_t handovers, messages, lost, doubled, packets, delivered, waited, promised;
		uint64_t kills, reboots, partitions, steps, rotations, rogues, revocations;
	} sums;
	uint32_t times[TIME_STEPS]; /* from when a MN shows itself until all tables are right */
	uint64_t settled_us;	    /* the same, from the end of all faults; the longest */
	uint64_t clean_permille;    /* the same, of a move without faults, in 2 RTT + 1 RTO */
	uint64_t tunnels;	    /* most that one packet crossed */
};

struct sim {
	struct plan plan;
	struct plan_conf conf;
	struct profiles *profiles;
	struct random random;
	struct queue queue;
	struct effects effects;
	uint64_t now_us;
	struct node nodes[PATH_NODES_MAX];
	struct mobile mobiles[MOBILES_MAX];
	int16_t owner_of_slot[PATH_SLOTS_MAX]; /* MN; or NOWHERE */
	bool cut[PATH_NODES_MAX][PATH_NODES_MAX];
	struct letter *free_letters;
	struct trip *free_trips;
	uint64_t moves_left;
	uint64_t faults_end_us; /* 0: they are still on */
	uint64_t killed_us;	/* the last agent */
	uint32_t promises;
	uint64_t next_packet;
	/* Entries changed in the turn under way. */
	struct touched {
		uint16_t slot, node;
		struct dlma_location was;
	} touched[64];
	uint32_t touched_count;
	bool failed;
	char failure[512];
	int failed_slot;
	bool chart;	    /* print what happens */
	bool chart_packets; /* packets, queries and errors too */
	bool chart_last;    /* keep the last lines, until chart_flush() */
	int chart_mobile;   /* only what is about this MN, or NOWHERE */
	struct sim_counters counters;
};

/* run.c */
/* Runs a seed to its end. False: something did not hold, and s->failure says what. */
bool sim_run(struct sim *s, uint64_t seed, const struct plan_options *o);
/* Frees what the runs have allocated. */
void sim_done(struct sim *s);
/* Something does not hold. `slot` is the HNP that it is about, or NOWHERE. */
__attribute__((format(printf, 3, 4))) void sim_fail(
	struct sim *s, int slot, const char *format, ...);
void sim_at(struct sim *s, uint64_t delay_us, enum sim_kind kind, uint16_t where, void *what);

/* node.c */
void node_start(struct sim *s, uint16_t n);
/* The agent ends: what it had not committed is lost, and what it had not sent. */
void node_kill(struct sim *s, uint16_t n);
/* The machine ends: so are its maps; with `disk`, the store too. */
void node_off(struct sim *s, uint16_t n, bool disk);
void node_event(struct sim *s, uint16_t n, const struct event *e);
void node_timer(struct sim *s, uint16_t n, uint64_t at_us);
void node_committed(struct sim *s, uint16_t n);
struct moment node_now(const struct sim *s, uint16_t n);
void node_free(struct sim *s, uint16_t n);
static inline const struct core_state *node_core(const struct sim *s, uint16_t n)
{
	return core_state(s->nodes[n].core);
}

/* wire.c */
auth_mac_fn wire_mac;
struct letter *wire_letter(struct sim *s);
void wire_send(struct sim *s, struct letter *l);
void wire_arrive(struct sim *s, struct letter *l);
void wire_free(struct sim *s, struct letter *l);

/* traffic.c */
void traffic_next(struct sim *s);
/* A packet of a CN next to an LMA. */
void traffic_native(struct sim *s, uint16_t lma, int mobile);
/* A packet from one MN to another; `to` may be NOWHERE: to a CN. */
void traffic_from_mobile(struct sim *s, int from, int to);
void traffic_arrive(struct sim *s, uint16_t n, struct trip *t);
/* Packets leave the waiting room: for one HNP, for what is unknown no more, or by age. */
void traffic_release(struct sim *s, uint16_t n, int slot);
void traffic_release_unknown(struct sim *s, uint16_t n);
void traffic_expire(struct sim *s, uint16_t n);
void traffic_drop_held(struct sim *s, uint16_t n);
void traffic_free(struct sim *s, struct trip *t);

/* mobile.c */
void mobile_start(struct sim *s);
void mobile_move(struct sim *s, int m);
void mobile_solicit(struct sim *s, int m, uintptr_t move);
void mobile_answer(struct sim *s, int m);
void mobile_frame(struct sim *s, uint16_t mag, uint16_t mobile, const uint8_t *bytes);
void mobile_left(struct sim *s, uint16_t mag, int m);
struct dlma_addr mobile_hoa(const struct sim *s, int m);

/* faults.c */
void faults_start(struct sim *s);
void faults_incident(struct sim *s);
void faults_heal(struct sim *s, uint16_t where, void *what);
/* The end of all that goes wrong. */
void faults_end(struct sim *s);

/* check.c */
/* After a turn: what it touched. It was caused by a message of `sender`; NOWHERE: by none. */
void check_turn(struct sim *s, int sender);
/*
 * All tables are right for all MNs; nothing of where they were is left; and, when the MNs have
 * gone, nothing at all.
 */
void check_right(struct sim *s, bool mended);
void check_settled(struct sim *s);
void check_empty(struct sim *s);

/* promise.c */
/*
 * Whether a packet for this MN that enters anywhere gets there; else says why not. `mended`: it is
 * good enough if it is lost, and the next one gets there.
 */
bool promise_kept(struct sim *s, int m, bool mended, char *ret_why, size_t cap);
/* Why no promise begins, though everything is as it should be; NULL if one does. */
const char *promise_delayed(const struct sim *s, int m);
void promise_check(struct sim *s, int m);
/* From time to time. */
void promise_look(struct sim *s, int m);
/* The binding that a node has for a MN, in whatever state. */
const struct binding *sim_binding(const struct sim *s, uint16_t n, int m);
/* So that entries which it adopted may still be there. */
bool sim_killed_lately(const struct sim *s);
/* Whether others told it where a HNP is. */
bool sim_is_learnt(const struct sim *s, uint16_t n, int slot);
/* Whether it knows the MN as a MAG. */
bool sim_attached(const struct sim *s, uint16_t n, int m);
/* The MN moves, or a fault takes the promise back. */
void promise_end(struct sim *s, int m);
void promise_end_all(struct sim *s);

/* chart.c */
void chart_message(
	const struct sim *s, const struct letter *l, const char *fate, uint64_t delay_us);
void chart_location(const struct sim *s, uint16_t n, int slot, const struct dlma_location *l);
void chart_access(const struct sim *s, uint16_t n, int slot, bool there);
void chart_packet(const struct sim *s, const struct trip *t, uint16_t n, const char *what);
void chart_report(const struct sim *s, uint16_t n, const struct report *r);
__attribute__((format(printf, 3, 4))) void chart_note(
	const struct sim *s, int m, const char *format, ...);
/* Prints the lines that were kept. */
void chart_flush(const struct sim *s);

/* counters.c */
void counters_note_time(uint32_t *histogram, uint64_t us);
void counters_add(struct sim_counters *a, const struct sim_counters *b);
void counters_print(
	const struct sim_counters *c, uint64_t seeds, unsigned int failures, double seconds);
/* For programs: a name and a number per line. */
bool counters_write(const struct sim_counters *c, unsigned int failures, const char *path);
