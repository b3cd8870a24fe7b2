// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "io/agent.h"
#include "io/locations.h"
#include "base/log.h"
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum {
	PERF_PAGES = 64,
	WAIT_MS = 200,
	SWEEPS_IN_IDLE = 4, /* of the whole table, in the time that makes an entry idle */
	SWEEP_TICKS_MIN = 5,
};

struct data_path {
	struct locations locations;
	uint32_t swept; /* buckets, of the sweep under way */
	int access, counters, events;
	const struct dlma_adjacency *adjacencies;
	struct dlma_clock *clock;
	struct perf_buffer *perf;
	struct ev_io perf_io;
	struct dlma_node node;
	int cpus;
};

static int open_map(const struct agent *a, const char *name)
{
	char path[DOMAIN_PATH_MAX + 32];
	int fd;

	snprintf(path, sizeof(path), "%s/maps/%s", a->conf.pin_dir, name);
	fd = bpf_obj_get(path);
	return fd < 0 ? -errno : fd;
}

static void *map_memory(const struct agent *a, const char *name, size_t len, int protection)
{
	int fd = open_map(a, name);
	void *p = fd < 0 ? MAP_FAILED : mmap(NULL, len, protection, MAP_SHARED, fd, 0);

	if (fd >= 0)
		close(fd);
	return p == MAP_FAILED ? NULL : p;
}

/* 0: filled by a loader of our layout; -EAGAIN: not yet; -EPROTO: another layout. */
static int look_for_loader(struct agent *a)
{
	uint32_t zero = 0;
	int fd = open_map(a, "node");
	int err = 0;

	if (fd == -ENOENT)
		return -EAGAIN;
	if (fd < 0)
		return fd;
	if (bpf_map_lookup_elem(fd, &zero, &a->path->node))
		err = -errno;
	close(fd);
	if (err || !a->path->node.version)
		return err ? err : -EAGAIN;
	return a->path->node.version == DLMA_ABI_VERSION ? 0 : -EPROTO;
}

static int wait_for_loader(struct agent *a)
{
	const struct timespec pause = {.tv_nsec = WAIT_MS * 1000000L};
	bool said = false;
	int err;

	while ((err = look_for_loader(a)) == -EAGAIN) {
		if (!said)
			log_info("waiting for the loader: no maps in %s yet; start: dlma-loader",
				a->conf.pin_dir);
		said = true;
		if (nanosleep(&pause, NULL))
			return -EINTR;
	}
	if (err == -EPROTO)
		log_error("the maps in %s have layout %u, this agent knows %u; install loader and "
			  "agent of the same version, see docs/upgrade.md",
			a->conf.pin_dir, a->path->node.version, DLMA_ABI_VERSION);
	else if (err)
		log_error("cannot use the maps in %s: %s", a->conf.pin_dir, strerror(-err));
	return err;
}

static int open_locations(struct agent *a)
{
	struct data_path *d = a->path;
	int map = open_map(a, "locations"), front = open_map(a, "front");
	int err = map < 0 ? map : front < 0 ? front : 0;

	if (!err)
		err = locations_open(&d->locations, map, front, d->clock, &d->node);
	else if (map >= 0)
		close(map);
	if (front >= 0)
		close(front);
	errno = -err;
	return err;
}

static int open_all(struct agent *a)
{
	struct data_path *d = a->path;

	d->access = open_map(a, "access");
	d->counters = open_map(a, "counters");
	d->events = open_map(a, "events");
	d->adjacencies =
		map_memory(a, "adjacencies", sizeof(*d->adjacencies) * DLMA_PEERS_MAX, PROT_READ);
	d->clock = map_memory(a, "clock", sizeof(*d->clock), PROT_READ | PROT_WRITE);
	d->cpus = libbpf_num_possible_cpus();
	if (d->clock && !open_locations(a) && d->access >= 0 && d->counters >= 0 &&
		d->events >= 0 && d->adjacencies && d->cpus > 0)
		return 0;
	log_error("cannot open the maps in %s: %s", a->conf.pin_dir, strerror(errno));
	return -EIO;
}

int maps_open(struct agent *a)
{
	int err;

	a->path = calloc(1, sizeof(*a->path));
	if (!a->path)
		return -ENOMEM;
	a->path->locations.map = a->path->access = a->path->counters = a->path->events = -1;
	err = wait_for_loader(a);
	return err ? err : open_all(a);
}

void maps_close(struct agent *a)
{
	struct data_path *d = a->path;
	int *fds[] = {&d->access, &d->counters, &d->events};

	if (!d)
		return;
	locations_close(&d->locations);
	perf_buffer__free(d->perf);
	for (size_t i = 0; i < sizeof(fds) / sizeof(*fds); i++)
		if (*fds[i] >= 0)
			close(*fds[i]);
	free(d);
}

static void on_sample(void *arg, int cpu, void *data, uint32_t size)
{
	struct agent *a = arg;
	struct event e = {.kind = EVENT_PACKET};

	(void)cpu;
	if (size < sizeof(e.packet))
		return;
	memcpy(&e.packet, data, sizeof(e.packet));
	if (e.packet.version == DLMA_ABI_VERSION)
		agent_event(a, &e);
}

/* The programs count what they could not report; the ring's own figure comes late or never. */
static void on_lost(void *arg, int cpu, unsigned long long count)
{
	(void)arg;
	(void)cpu;
	(void)count;
}

static void on_readable(struct ev_loop *loop, struct ev_io *io, int events)
{
	struct agent *a = io->data;

	(void)loop;
	(void)events;
	(void)perf_buffer__consume(a->path->perf);
}

int maps_listen(struct agent *a)
{
	struct data_path *d = a->path;

	d->perf = perf_buffer__new(d->events, PERF_PAGES, on_sample, on_lost, a, NULL);
	if (!d->perf) {
		int err = -errno;

		log_error("cannot open the perf ring: %s; CAP_PERFMON is needed, or "
			  "kernel.perf_event_paranoid below 1",
			strerror(-err));
		return err;
	}
	ev_io_init(&d->perf_io, on_readable, perf_buffer__epoll_fd(d->perf), EV_READ);
	d->perf_io.data = a;
	ev_io_start(a->loop, &d->perf_io);
	return 0;
}

void maps_tick(struct agent *a)
{
	uint32_t tick = (uint32_t)(agent_now().mono_ms / DLMA_TICK_MS);

	__atomic_store_n(&a->path->clock->tick, tick, __ATOMIC_RELAXED);
}

void maps_expect(struct agent *a, bool yes)
{
	__atomic_store_n(&a->path->clock->expecting, yes, __ATOMIC_RELAXED);
}

bool maps_expecting(const struct agent *a)
{
	return a->path->clock->expecting;
}

int maps_adjacency_index(const struct agent *a, const struct dlma_addr *peer)
{
	if (addr_equal(peer, &domain_self(&a->conf)->address))
		return DLMA_ADJACENCY_SELF;
	for (uint32_t i = 1; i < DLMA_PEERS_MAX; i++) {
		if (addr_equal(&a->path->adjacencies[i].peer, peer))
			return (int)i;
		if (addr_is_zero(&a->path->adjacencies[i].peer))
			break;
	}
	return -ENOENT;
}

const struct dlma_adjacency *maps_adjacency(
	const struct agent *a, uint32_t index, struct dlma_next_hop *ret_next_hop)
{
	const struct dlma_adjacency *adj;

	if (index >= DLMA_PEERS_MAX)
		return NULL;
	adj = &a->path->adjacencies[index];
	*ret_next_hop = adj->copy[adj->active & 1];
	return addr_is_zero(&adj->peer) ? NULL : adj;
}

static struct dlma_addr address_of_index(const struct agent *a, uint32_t index)
{
	if (index == DLMA_ADJACENCY_SELF)
		return domain_self(&a->conf)->address;
	return index < DLMA_PEERS_MAX ? a->path->adjacencies[index].peer : (struct dlma_addr){0};
}

/* The key is the HNP's address; its length follows from the superset. */
static struct dlma_prefix hnp_of_key(const struct agent *a, const struct dlma_addr *key)
{
	const struct domain_prefix *block = domain_block(&a->conf.domain, key);

	return prefix_make(*key, block ? block->hnp_len : 128);
}

/* -ENOENT after the last one. */
static int next_key(int fd, struct dlma_addr *key, bool *first)
{
	int err = bpf_map_get_next_key(fd, *first ? NULL : key, key) ? -errno : 0;

	*first = false;
	return err;
}

static void adopt_location(
	void *arg, const struct dlma_addr *key, const struct dlma_location *location)
{
	struct event e = {.kind = EVENT_ADOPT_LOCATION};
	struct agent *a = arg;

	e.adopt_location.hnp = hnp_of_key(a, key);
	e.adopt_location.kind = location->kind;
	e.adopt_location.target = address_of_index(a, location->adjacency);
	agent_event(a, &e);
}

static int adopt_locations(struct agent *a)
{
	struct locations *t = &a->path->locations;
	int err = locations_adopt(t);

	if (err)
		log_warn("the front table stays out of use: %s", strerror(-err));
	err = locations_each(t, adopt_location, a);
	if (err)
		log_error("cannot read the locations: %s", strerror(-err));
	return err;
}

static void on_idle(void *arg, const struct dlma_addr *key, const struct dlma_location *location)
{
	struct event e = {.kind = EVENT_USE};
	struct agent *a = arg;

	e.use.hnp = hnp_of_key(a, key);
	e.use.idle_ms = (uint64_t)(a->path->clock->tick - location->used) * DLMA_TICK_MS;
	agent_event(a, &e);
}

void maps_sweep(struct agent *a)
{
	struct data_path *d = a->path;
	uint32_t idle = a->conf.domain.timers.cache_idle_ms / DLMA_TICK_MS;
	uint32_t ticks =
		idle / SWEEPS_IN_IDLE > SWEEP_TICKS_MIN ? idle / SWEEPS_IN_IDLE : SWEEP_TICKS_MIN;
	uint32_t slice = locations_buckets(&d->locations) / ticks + 1;

	locations_sweep(&d->locations, d->swept, slice, DLMA_LOCATION_CACHED, idle, on_idle, a);
	d->swept += slice;
	if (d->swept >= locations_buckets(&d->locations))
		d->swept = 0;
}

static int adopt_access(struct agent *a)
{
	struct dlma_addr key = {0};
	bool first = true;
	int err = 0;

	while (!err && !(err = next_key(a->path->access, &key, &first))) {
		struct event e = {.kind = EVENT_ADOPT_ACCESS};
		struct dlma_access entry;

		if (bpf_map_lookup_elem(a->path->access, &key, &entry)) {
			err = -errno;
			break;
		}
		e.adopt_access.hnp = hnp_of_key(a, &key);
		e.adopt_access.ifindex = entry.ifindex;
		memcpy(e.adopt_access.mac, entry.mn_mac, sizeof(entry.mn_mac));
		err = agent_post(a, &e);
	}
	if (err == -ENOENT)
		return 0;
	log_error("cannot read the MNs of the access links: %s", strerror(-err));
	return err;
}

int maps_adopt(struct agent *a)
{
	int err = adopt_locations(a);

	return err ? err : adopt_access(a);
}

bool maps_location(const struct agent *a, const struct dlma_prefix *hnp, struct dlma_location *ret)
{
	return locations_get(&a->path->locations, &hnp->addr, ret);
}

bool maps_access(const struct agent *a, const struct dlma_prefix *hnp, struct dlma_access *ret)
{
	return !bpf_map_lookup_elem(a->path->access, &hnp->addr, ret);
}

uint32_t maps_locations_used(const struct agent *a)
{
	return a->path->locations.count;
}

/* An entry that only changes its target stays as idle as it was. */
int maps_put_location(struct agent *a, const struct effect *e)
{
	struct data_path *d = a->path;
	struct dlma_location old,
		l = {.kind = e->location.kind, .flags = e->location.flags, .used = d->clock->tick};
	int index = maps_adjacency_index(a, &e->location.target);

	if (index < 0)
		return index;
	l.adjacency = (uint16_t)index;
	if (maps_location(a, &e->location.hnp, &old))
		l.used = old.used;
	return locations_put(&d->locations, &e->location.hnp.addr, &l);
}

int maps_del_location(struct agent *a, const struct dlma_prefix *hnp)
{
	return locations_del(&a->path->locations, &hnp->addr);
}

/* Of two that differ in their marks of use only, none needs to be written. */
static bool is_same_access(
	const struct agent *a, const struct dlma_prefix *hnp, const struct dlma_access *entry)
{
	struct dlma_access old;

	if (!maps_access(a, hnp, &old))
		return false;
	old.used = entry->used;
	return !memcmp(&old, entry, sizeof(old));
}

int maps_put_access(struct agent *a, const struct effect *e)
{
	struct dlma_access entry = {
		.ifindex = e->access.ifindex,
		.used = a->path->clock->tick,
		.direct = e->access.direct,
		.mtu = access_mtu(a, e->access.ifindex),
	};
	int index = maps_adjacency_index(a, &e->access.uplink);

	if (index < 0)
		return index;
	entry.uplink = (uint32_t)index;
	memcpy(entry.mn_mac, e->access.mac, sizeof(entry.mn_mac));
	memcpy(entry.own_mac, e->access.own_mac, sizeof(entry.own_mac));
	if (is_same_access(a, &e->access.hnp, &entry))
		return 0;
	return bpf_map_update_elem(a->path->access, &e->access.hnp.addr, &entry, BPF_ANY) ? -errno
											  : 0;
}

void maps_set_access_mtu(struct agent *a, uint32_t ifindex, uint32_t mtu)
{
	struct dlma_addr key = {0};
	bool first = true;

	while (!next_key(a->path->access, &key, &first)) {
		struct dlma_access entry;

		if (bpf_map_lookup_elem(a->path->access, &key, &entry) ||
			entry.ifindex != ifindex || entry.mtu == mtu)
			continue;
		entry.mtu = mtu;
		(void)bpf_map_update_elem(a->path->access, &key, &entry, BPF_EXIST);
	}
}

int maps_del_access(struct agent *a, const struct dlma_prefix *hnp)
{
	return bpf_map_delete_elem(a->path->access, &hnp->addr) ? -errno : 0;
}

uint64_t maps_idle_ms(const struct agent *a, const struct dlma_prefix *hnp)
{
	struct dlma_location l;

	if (!maps_location(a, hnp, &l))
		return UINT64_MAX;
	return (uint64_t)(a->path->clock->tick - l.used) * DLMA_TICK_MS;
}

int maps_counters(const struct agent *a, struct dlma_counter ret[DLMA_PACKET_REASON_COUNT])
{
	struct dlma_counters *cpus = calloc((size_t)a->path->cpus, sizeof(*cpus));
	uint32_t zero = 0;
	int err = cpus ? 0 : -ENOMEM;

	memset(ret, 0, DLMA_PACKET_REASON_COUNT * sizeof(*ret));
	if (!err && bpf_map_lookup_elem(a->path->counters, &zero, cpus))
		err = -errno;
	for (int cpu = 0; !err && cpu < a->path->cpus; cpu++)
		for (int i = 0; i < DLMA_PACKET_REASON_COUNT; i++) {
			ret[i].packets += cpus[cpu].of[i].packets;
			ret[i].bytes += cpus[cpu].of[i].bytes;
		}
	free(cpus);
	return err;
}
