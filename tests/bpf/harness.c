// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "harness_parts.h"
#include "dlma_tc.skel.h"
#include "dlma_xdp.skel.h"
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <linux/pkt_cls.h>
#include <sched.h>
#include <unistd.h>

enum {
	RING_PAGES = 8,
	CPUS_MAX = 1024,
	META_MAX = 256,
};

const char *const hook_names[HOOK_COUNT] = {"xdp", "tc"};
const char *const program_names[SIDE_COUNT] = {"dlma_network", "dlma_access"};

static const char *const map_names[MAP_COUNT] = {"node", "peers", "peer_index", "owners",
	"adjacencies", "clock", "locations", "front", "access", "counters", "gate", "events"};

/* Nothing is shared with the programs of this machine, and a small hash map is a fast one. */
static int privatise(struct bpf_object *object)
{
	struct bpf_map *m;
	int err = 0;

	bpf_object__for_each_map(m, object)
	{
		enum bpf_map_type type = bpf_map__type(m);

		err = err ?: bpf_map__set_pin_path(m, NULL);
		if (type == BPF_MAP_TYPE_HASH)
			err = err ?: bpf_map__set_max_entries(m, HASH_MAX);
		if (!strcmp(bpf_map__name(m), "front"))
			err = err ?: bpf_map__set_max_entries(m, 1 << FRONT_BITS);
	}
	return err;
}

static struct bpf_object *object_open(enum hook hook)
{
	size_t size;
	const void *bytes =
		hook == HOOK_XDP ? dlma_xdp_bpf__elf_bytes(&size) : dlma_tc_bpf__elf_bytes(&size);
	struct bpf_object *object = bpf_object__open_mem(bytes, size, NULL);

	if (object && privatise(object)) {
		bpf_object__close(object);
		return NULL;
	}
	return object;
}

int rig_verify(enum hook hook, char *log, size_t size, enum side side)
{
	struct bpf_object *object = object_open(hook);
	struct bpf_program *p;
	int err = object ? 0 : -errno;

	if (err)
		return err;
	bpf_object__for_each_program(p, object)
	{
		bool wanted = !strcmp(bpf_program__name(p), program_names[side]);

		err = err ?: bpf_program__set_autoload(p, wanted);
		if (wanted)
			err = err ?: bpf_program__set_log_level(p, 4);
		if (wanted)
			err = err ?: bpf_program__set_log_buf(p, log, size);
	}
	err = err ?: bpf_object__load(object);
	bpf_object__close(object);
	return err;
}

static int find_all(struct rig *r)
{
	for (int i = 0; i < MAP_COUNT; i++) {
		r->map[i] = bpf_object__find_map_fd_by_name(r->object, map_names[i]);
		if (r->map[i] < 0)
			return r->map[i];
	}
	for (int i = 0; i < SIDE_COUNT; i++) {
		struct bpf_program *p =
			bpf_object__find_program_by_name(r->object, program_names[i]);

		r->program[i] = p ? bpf_program__fd(p) : -ENOENT;
		if (r->program[i] < 0)
			return r->program[i];
	}
	return 0;
}

/* The counters and events are per CPU: stay on one. */
static int stay(struct rig *r)
{
	cpu_set_t set;

	r->cpu = sched_getcpu();
	CPU_ZERO(&set);
	CPU_SET(r->cpu, &set);
	return r->cpu < 0 || sched_setaffinity(0, sizeof(set), &set) ? -errno : 0;
}

static enum bpf_perf_event_ret on_event(void *to, int cpu, struct perf_event_header *header)
{
	struct rig *r = to;
	const struct {
		struct perf_event_header header;
		uint32_t size;
		uint8_t data[];
	} *sample = (const void *)header;
	struct outcome *o = r->outcome;

	(void)cpu;
	if (header->type != PERF_RECORD_SAMPLE || !o)
		return LIBBPF_PERF_EVENT_CONT;
	if (o->event_count < EVENTS_MAX && sample->size >= sizeof(struct dlma_event))
		memcpy(&o->events[o->event_count], sample->data, sizeof(struct dlma_event));
	o->event_count++;
	return LIBBPF_PERF_EVENT_CONT;
}

static int reader_open(struct rig *r)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.config = PERF_COUNT_SW_BPF_OUTPUT,
		.sample_type = PERF_SAMPLE_RAW,
		.sample_period = 1,
		.wakeup_events = 1 << 20,
	};
	int key = r->cpu;
	LIBBPF_OPTS(perf_buffer_raw_opts, opts, .cpu_cnt = 1, .cpus = &r->cpu, .map_keys = &key);

	r->reader = perf_buffer__new_raw(r->map[MAP_EVENTS], RING_PAGES, &attr, on_event, r, &opts);
	return r->reader ? 0 : -errno;
}

int rig_set_reader(struct rig *r, enum reader reader)
{
	r->asleep = reader == READER_ASLEEP;
	if (reader != READER_GONE)
		return r->reader ? 0 : reader_open(r);
	perf_buffer__free(r->reader);
	r->reader = NULL;
	return 0;
}

/* Whether this kernel takes a context along with a frame. */
static int probe(struct rig *r)
{
	struct frame f = {.len = 64};
	struct outcome o;

	return rig_run(r, SIDE_NETWORK, r->links.ifindex[LINK_CORE], &f, &o);
}

static int rig_start(struct rig *r, const char **ret_missing)
{
	int err;

	*ret_missing = NULL;
	r->object = object_open(r->hook);
	err = r->object ? bpf_object__load(r->object) : -errno;
	if (err == -EPERM)
		*ret_missing = "the right to load BPF programs (run as root)";
	err = err ?: find_all(r) ?: rig_fill_open(r);
	if (err)
		return err;
	*ret_missing = "perf events of BPF programs";
	err = stay(r) ?: reader_open(r);
	if (err)
		return err;
	*ret_missing = links_open(&r->links);
	if (*ret_missing)
		return -ENODEV;
	*ret_missing = "BPF_PROG_TEST_RUN with a context";
	return probe(r);
}

struct rig *rig_open(enum hook hook, const char **ret_missing)
{
	struct rig *r = calloc(1, sizeof(*r));
	int err;

	*ret_missing = "memory";
	if (!r)
		return NULL;
	r->hook = hook;
	r->links = LINKS_CLOSED;
	r->locations.map = -1;
	r->cpus = libbpf_num_possible_cpus();
	r->scratch = calloc((size_t)r->cpus, sizeof(struct dlma_gate));
	err = r->scratch ? rig_start(r, ret_missing) : -ENOMEM;
	if (!err) {
		*ret_missing = NULL;
		return r;
	}
	rig_close(r);
	errno = -err;
	return NULL;
}

void rig_close(struct rig *r)
{
	if (!r)
		return;
	rig_fill_close(r);
	links_close(&r->links);
	perf_buffer__free(r->reader);
	bpf_object__close(r->object);
	free(r->scratch);
	free(r);
}

const uint32_t *rig_ifindex(const struct rig *r)
{
	return r->links.ifindex;
}

const struct links *rig_links(const struct rig *r)
{
	return &r->links;
}

int rig_program(const struct rig *r, enum side side)
{
	return r->program[side];
}

/* Sums of all CPUs. */
static int read_counters(struct rig *r, struct dlma_counter ret[DLMA_COUNTERS_MAX])
{
	const struct dlma_counters *values = r->scratch;
	uint32_t zero = 0;

	if (bpf_map_lookup_elem(r->map[MAP_COUNTERS], &zero, r->scratch))
		return -errno;
	memset(ret, 0, DLMA_COUNTERS_MAX * sizeof(*ret));
	for (int cpu = 0; cpu < r->cpus; cpu++)
		for (uint32_t i = 0; i < DLMA_COUNTERS_MAX; i++) {
			ret[i].packets += values[cpu].of[i].packets;
			ret[i].bytes += values[cpu].of[i].bytes;
		}
	return 0;
}

int rig_take_counters(struct rig *r, struct dlma_counter ret[DLMA_COUNTERS_MAX])
{
	struct dlma_counter now[DLMA_COUNTERS_MAX];
	int err = read_counters(r, now);

	for (int i = 0; !err && i < DLMA_COUNTERS_MAX; i++) {
		ret[i].packets = now[i].packets - r->counters[i].packets;
		ret[i].bytes = now[i].bytes - r->counters[i].bytes;
		r->counters[i] = now[i];
	}
	return err;
}

void rig_take_events(struct rig *r, struct outcome *ret)
{
	r->outcome = ret;
	if (r->reader && !r->asleep)
		perf_buffer__consume(r->reader);
	r->outcome = NULL;
}

static void judge_xdp(uint32_t action, uint32_t ifindex, struct outcome *o)
{
	o->verdict = action == XDP_PASS				  ? VERDICT_PASS
		     : action == XDP_DROP			  ? VERDICT_DROP
		     : action == XDP_TX || action == XDP_REDIRECT ? VERDICT_SEND
								  : VERDICT_STRANGE;
	if (o->verdict == VERDICT_SEND)
		o->to = action == XDP_TX ? ifindex : (uint32_t)TO_ELSEWHERE;
}

static void judge_tc(uint32_t action, struct outcome *o)
{
	o->verdict = action == (uint32_t)TC_ACT_UNSPEC ? VERDICT_PASS
		     : action == TC_ACT_SHOT	       ? VERDICT_DROP
		     : action == TC_ACT_REDIRECT       ? VERDICT_SEND
						       : VERDICT_STRANGE;
}

static void use_context(
	struct rig *r, struct bpf_test_run_opts *opts, struct xdp_md *md, struct __sk_buff *skb)
{
	opts->ctx_in = r->hook == HOOK_XDP ? (void *)md : (void *)skb;
	opts->ctx_size_in = r->hook == HOOK_XDP ? sizeof(*md) : sizeof(*skb);
}

int rig_run_behind(struct rig *r, enum side side, uint32_t ifindex, const struct frame *in,
	uint32_t meta, struct outcome *ret)
{
	uint8_t bytes[META_MAX + FRAME_MAX] = {0};
	struct xdp_md md = {.ingress_ifindex = ifindex, .data = meta, .data_end = meta + in->len};
	struct __sk_buff skb = {.ifindex = ifindex};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = bytes, .data_size_in = meta + in->len,
		.data_out = ret->out.bytes, .data_size_out = sizeof(ret->out.bytes), .repeat = 1);

	memcpy(bytes + meta, in->bytes, in->len);
	use_context(r, &opts, &md, &skb);
	ret->to = 0;
	ret->event_count = 0;
	if (bpf_prog_test_run_opts(r->program[side], &opts))
		return -errno;
	ret->out.len = opts.data_size_out;
	if (r->hook == HOOK_XDP)
		judge_xdp(opts.retval, ifindex, ret);
	else
		judge_tc(opts.retval, ret);
	rig_take_events(r, ret);
	return rig_take_counters(r, ret->counted);
}

int rig_run(struct rig *r, enum side side, uint32_t ifindex, const struct frame *in,
	struct outcome *ret)
{
	return rig_run_behind(r, side, ifindex, in, 0, ret);
}
