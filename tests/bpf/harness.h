/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The production objects with maps of their own, run frame by frame (BPF_PROG_TEST_RUN). Everything
 * belongs to the calling process: Criterion's tests each open their own rig.
 */
#pragma once

#include "links.h"

enum hook { HOOK_XDP, HOOK_TC, HOOK_COUNT };

/* Which program: that of interfaces to the network, or that of access links. */
enum side { SIDE_NETWORK, SIDE_ACCESS, SIDE_COUNT };

enum verdict {
	VERDICT_PASS,
	VERDICT_DROP,
	VERDICT_SEND,
	VERDICT_STRANGE, /* the program returned something else */
};

enum { EVENTS_MAX = 4 };

/* What became of one frame; of a run, or as it should be. */
struct outcome {
	enum verdict verdict;
	uint32_t to;	  /* VERDICT_SEND: ifindex, or TO_ELSEWHERE; 0 where it does not show */
	struct frame out; /* not for VERDICT_DROP */
	struct dlma_counter counted[DLMA_COUNTERS_MAX]; /* what was added */
	uint32_t event_count;
	struct dlma_event events[EVENTS_MAX];
};

enum { TO_ELSEWHERE = UINT32_MAX /* not the interface that it came from */ };

extern const char *const hook_names[HOOK_COUNT];
extern const char *const program_names[SIDE_COUNT];

/* How the programs come by a location; the result must be the same. */
enum front_mode {
	FRONT_FILLED,	/* from the front table, as an agent leaves it */
	FRONT_CROWDED,	/* from `locations`, since there was no room in it */
	FRONT_DOUBTFUL, /* likewise, as if each write had been cut short */
	FRONT_OUT, /* likewise, with the table out of service; peers have no short cut either */
	FRONT_MODES,
};

struct rig;

/*
 * Loads the object of a hook. On failure *ret_missing is the name of what this kernel or user
 * lacks, or NULL if the object is to blame; the error is errno's. rig_close(NULL) is allowed.
 */
struct rig *rig_open(enum hook hook, const char **ret_missing);

void rig_close(struct rig *r);

const uint32_t *rig_ifindex(const struct rig *r);

const struct links *rig_links(const struct rig *r);

int rig_program(const struct rig *r, enum side side);

/* Replaces the contents of all maps, and forgets the events and errors that were sent. 0 or -errno.
 */
int rig_fill(struct rig *r, const struct tables *t);

/* From the next rig_fill() on. */
void rig_set_front(struct rig *r, enum front_mode mode);

int rig_set_clock(struct rig *r, const struct dlma_clock *clock);

/* Forgets the ICMPv6 errors that were sent, whose limit goes by real time. 0 or -errno. */
int rig_forget_errors(struct rig *r);

/* Whether there is somebody to take events, and whether every run takes them. 0 or -errno. */
enum reader { READER_GONE, READER_ASLEEP, READER_AWAKE };
int rig_set_reader(struct rig *r, enum reader reader);

/* Runs a frame. 0, or the kernel's -errno if it does not take such a frame. */
int rig_run(struct rig *r, enum side side, uint32_t ifindex, const struct frame *in,
	struct outcome *ret);

/* As rig_run(), for an XDP frame behind `meta` octets of another program's metadata. */
int rig_run_behind(struct rig *r, enum side side, uint32_t ifindex, const struct frame *in,
	uint32_t meta, struct outcome *ret);

/* The events that the programs have sent by now. */
void rig_take_events(struct rig *r, struct outcome *ret);

/* What is in the counters since the rig was opened and was not yet in an outcome. */
int rig_take_counters(struct rig *r, struct dlma_counter ret[DLMA_COUNTERS_MAX]);

/* The `used` fields into the tables, whose entries must be those of rig_fill(). 0 or -errno. */
int rig_read_used(struct rig *r, struct tables *t);

/* Opens one program's object and loads it with a verifier log of statistics. 0 or -errno. */
int rig_verify(enum hook hook, char *log, size_t size, enum side side);
