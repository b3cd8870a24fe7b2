/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The loader: loads the programs, pins maps and links, keeps the interfaces attached and the
 * adjacencies ready. It may die at any time; what it pinned goes on working, and the next loader
 * adopts it. Everything below PIN_DIR belongs to one node:
 *
 *	maps/NAME      the maps of include/dlma/abi.h
 *	next/NAME      those of another layout, while they take the place of the former ones
 *	links/IFNAME   the attachment of an interface (a BPF link)
 *	progs/NAME     programs behind attachments that are no BPF links
 */
#pragma once

#include "base/netlink.h"
#include "dlma/domain.h"
#include "wire/icmp.h"

struct bpf_object;

enum { LOADER_NOTE_MAX = 160 };

/* Which of the two programs of an object. */
enum program_side { PROGRAM_NETWORK, PROGRAM_ACCESS };

enum attach_method {
	ATTACH_NONE,
	ATTACH_XDP_DISPATCHER, /* libxdp, beside other XDP programs */
	ATTACH_XDP_LINK,
	ATTACH_XDP_GENERIC,
	ATTACH_TCX,
	ATTACH_CLSACT,
	ATTACH_METHOD_COUNT,
};

struct attachment {
	uint32_t ifindex;
	char name[NETLINK_NAME_MAX];
	enum program_side side;
	enum attach_method method;
	char note[LOADER_NOTE_MAX]; /* why not a better method; empty if none is better */
};

/* ICMPv6 errors from inside our tunnels; the counters are for dlmactl. */
struct errors {
	int fd;				   /* -1: not to be heard */
	int relay_fd;			   /* -1: none relayed */
	struct icmp_path *path;		   /* by adjacency; NULL: nothing can be learnt */
	uint16_t link_mtu[DLMA_PEERS_MAX]; /* by adjacency: of the first link and of the route */
	uint64_t learned, relayed, ignored;
	uint64_t relays_since_ms;
	uint32_t relays; /* since then */
};

#define ERRORS_CLOSED                    \
	(struct errors)                  \
	{                                \
		.fd = -1, .relay_fd = -1 \
	}

struct loader {
	struct node_conf conf;
	int hook_override;	      /* enum domain_hook from the command line, or -1 */
	struct netlink *netlink;      /* questions */
	struct bpf_object *object[2]; /* loaded when first needed: XDP, TC */
	struct attachment *attached;
	uint32_t attached_count;
	struct dlma_adjacency *adjacency; /* mapped from the pinned map */
	uint32_t adjacency_count;	  /* slots taken, slot 0 included */
	uint32_t unresolved;		  /* of these, without a next hop */
	struct errors errors;
	int dispatcher_err; /* why this kernel does not do it; 0: not known yet */
};

/* pin.c: the directories, their lock and their layout version. */

/* Makes PIN_DIR, mounting a bpffs where there is none, and takes the node's lock. 0 or -errno. */
int pin_prepare(const struct node_conf *conf);
/* -ENOENT: nothing pinned yet; 0: ours to adopt; -EPROTO: another layout, *ret_version has it. */
int pin_version(const struct node_conf *conf, uint32_t *ret_version);
/* Path of an entry; `kind` is "maps", "links" or "progs". Returns -ENAMETOOLONG or 0. */
int pin_path(const struct node_conf *conf, const char *kind, const char *name, char *ret_path);
/* Opens a pinned map or link. Returns the descriptor or -errno. */
int pin_open(const struct node_conf *conf, const char *kind, const char *name);
/*
 * From now on "maps" are new ones, beside those that are pinned, until pin_take_place() puts them
 * in their place. 0 or -errno after a message.
 */
int pin_begin_anew(const struct node_conf *conf);
int pin_take_place(const struct node_conf *conf);
/* Removes a directory of pins. */
void pin_remove_directory(const char *path);
/* Removes every pin of the node and its directories. */
void pin_remove_all(const struct node_conf *conf);

/* object.c: the two BPF objects. */

enum object_kind { OBJECT_XDP, OBJECT_TC };

/* Opens an object, its maps bound to the pins; not loaded yet. NULL after a message. */
struct bpf_object *object_open(const struct loader *l, enum object_kind kind);
/* The loaded object, loading it at the first call. NULL after a message. */
struct bpf_object *object_get(struct loader *l, enum object_kind kind);
/* Frees both; what is pinned stays. */
void object_done(struct loader *l);
/* Descriptor of a program of a loaded object, or -errno. */
int object_program(const struct bpf_object *object, enum program_side side);
const char *object_program_name(enum program_side side);
/* Only with --verbose does libbpf speak itself. */
void object_quiet(void);
/* First line of what the verifier said of the program that it refused last; "" if none. */
const char *object_verdict(void);

/* attach.c: interfaces. */

/*
 * Attaches, or replaces what an earlier loader attached. 0, or -errno after a message; *ret is
 * filled in any case, with ATTACH_NONE if no method worked.
 */
int attach_interface(struct loader *l, const struct netlink_link *link,
	const struct domain_interface *i, struct attachment *ret);
/* Takes away everything that this node ever attached, of this or an earlier run. */
void attach_detach_all(struct loader *l);
const char *attach_method_name(enum attach_method method);
/* The setting that matches an interface's name, or NULL. */
const struct domain_interface *attach_wanted(const struct node_conf *conf, const char *name);

/* dispatcher.c: libxdp, with which other XDP programs can stand beside ours. */

/* As an attachment method, see attach.c. */
int dispatcher_attach(struct loader *l, const struct netlink_link *link, enum program_side side);
void dispatcher_release(struct loader *l, const struct netlink_link *link);
/*
 * libxdp pins what it attaches, and leaves that behind when an interface vanishes: removes these
 * pins, as far as they are those of this node; `ifindex` 0: of all interfaces.
 */
void dispatcher_sweep(const struct loader *l, uint32_t ifindex);

/* fill.c: what the programs know of the domain. */

/* Writes peers and owners; takes away what the configuration no longer has. 0 or -errno. */
int fill_maps(struct loader *l);
/*
 * Writes the node itself, last: before, the programs pass everything on, and the agent waits. So
 * an agent that is ready has a data path.
 */
int fill_activate(struct loader *l);

/* adjacency.c: next hops. */

/* Gives every peer a slot, keeping those of an earlier run. 0 or -errno after a message. */
int adjacency_assign(struct loader *l);
/* Slot of an address; DLMA_ADJACENCY_SELF for our own, or -ENOENT. */
int adjacency_find(const struct loader *l, const struct dlma_addr *address);
/* Brings all next hops up to date; `confirm` also has the kernel confirm the neighbours. */
int adjacency_refresh(struct loader *l, bool confirm);

/* The path of a peer has become narrower: only its MTU changes, at once. */
void adjacency_lower(struct loader *l, uint32_t slot);

/* errors.c: ICMPv6 errors from inside our tunnels. */

/* Without CAP_NET_RAW the node does without, after a message. */
void errors_open(struct loader *l);
void errors_close(struct loader *l);
/* Takes some of the messages that have come, or all. */
void errors_read(struct loader *l);

/* main.c */

/* CLOCK_MONOTONIC */
uint64_t clock_ms(void);

/* hold.c: the waiting room (DLMA_HOLD_NAME). */

/* Makes the tap and brings it up; without /dev/net/tun the node does without, after a message. */
void hold_make(void);
void hold_remove(void);

/* handover.c: what an agent has put into the maps, whatever their layout. */

/* Both return 0 or -errno after a message. */
int handover_write(struct loader *l, const char *path);
int handover_read(struct loader *l, const char *path);

/* status.c: RUN_DIR/loader.json, for dlmactl. */
void status_write(const struct loader *l);
