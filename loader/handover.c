// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What an agent has put into the maps, in words that no layout changes: written by a loader that
 * knows the maps that are pinned, read by one that makes its own. So no program ever has to read
 * the layout of another version.
 */
#include "loader.h"
#include "base/addr.h"
#include "base/log.h"
#include <bpf/bpf.h>
#include <errno.h>
#include <inttypes.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { FORMAT = 1, TEXT_MAX = 512, WORD_MAX = 64 };

static const char *const kinds[] = {
	[DLMA_LOCATION_BINDING] = "binding",
	[DLMA_LOCATION_FORWARDING] = "forwarding",
	[DLMA_LOCATION_ANCHOR] = "anchor",
	[DLMA_LOCATION_CACHED] = "cached",
	[DLMA_LOCATION_HELD] = "held",
};

enum { KIND_COUNT = sizeof(kinds) / sizeof(*kinds) };

/* Whatever it changed during the handover would be lost. */
static bool agent_runs(const struct loader *l)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int n = snprintf(at.sun_path, sizeof(at.sun_path), "%s/agent.sock", l->conf.run_dir);
	bool runs = fd >= 0 && n < (int)sizeof(at.sun_path) &&
		    !connect(fd, (struct sockaddr *)&at, sizeof(at));

	if (fd >= 0)
		close(fd);
	if (runs)
		log_error("the agent of node %s runs; stop it first, the data path goes on",
			domain_self(&l->conf)->name);
	return runs;
}

static uint32_t tick_now(void)
{
	return (uint32_t)(clock_ms() / DLMA_TICK_MS);
}

/* Writing */

struct writer {
	const struct loader *l;
	FILE *f;
	uint32_t tick;
	uint32_t count;
};

static const char *target_name(const struct writer *w, uint32_t adjacency, char text[ADDR_TEXT_MAX])
{
	if (adjacency == DLMA_ADJACENCY_SELF)
		return "self";
	if (adjacency >= w->l->adjacency_count)
		return NULL;
	return addr_format(&w->l->adjacency[adjacency].peer, text);
}

static void write_location(struct writer *w, const struct dlma_addr *key, int fd)
{
	char hnp[ADDR_TEXT_MAX], text[ADDR_TEXT_MAX];
	struct dlma_location v;
	const char *target;

	if (bpf_map_lookup_elem(fd, key, &v))
		return;
	target = target_name(w, v.adjacency, text);
	if (!target || v.kind >= KIND_COUNT || !kinds[v.kind])
		return;
	fprintf(w->f, "location %s %s %u %s %u\n", addr_format(key, hnp), kinds[v.kind], v.flags,
		target, w->tick - v.used);
	w->count++;
}

static void write_access(struct writer *w, const struct dlma_addr *key, int fd)
{
	char hnp[ADDR_TEXT_MAX], text[ADDR_TEXT_MAX], mn[MAC_TEXT_MAX], own[MAC_TEXT_MAX];
	char interface[IF_NAMESIZE];
	struct dlma_access v;
	const char *uplink;

	if (bpf_map_lookup_elem(fd, key, &v) || !if_indextoname(v.ifindex, interface))
		return;
	uplink = target_name(w, v.uplink, text);
	if (!uplink)
		return;
	fprintf(w->f, "access %s %s %s %s %s %u %u %u\n", addr_format(key, hnp), interface,
		mac_format(v.mn_mac, mn), mac_format(v.own_mac, own), uplink, v.direct, v.mtu,
		w->tick - v.used);
	w->count++;
}

static int write_map(struct writer *w, const char *name,
	void (*write_entry)(struct writer *w, const struct dlma_addr *key, int fd))
{
	int fd = pin_open(&w->l->conf, "maps", name);
	struct dlma_addr key;
	bool first = true;

	if (fd < 0)
		return fd;
	while (!bpf_map_get_next_key(fd, first ? NULL : &key, &key)) {
		first = false;
		write_entry(w, &key, fd);
	}
	close(fd);
	return 0;
}

static int read_node(const struct loader *l, struct dlma_node *ret)
{
	int fd = pin_open(&l->conf, "maps", "node"), err = 0;
	uint32_t zero = 0;

	if (fd < 0)
		return fd;
	if (bpf_map_lookup_elem(fd, &zero, ret))
		err = -errno;
	close(fd);
	return err;
}

static int write_all(struct writer *w)
{
	struct dlma_node node;
	int err = read_node(w->l, &node);

	if (err)
		return err;
	fprintf(w->f, "dlma %d %s\n", FORMAT, domain_self(&w->l->conf)->name);
	fprintf(w->f, "label %" PRIu64 "\n", (uint64_t)node.label_key);
	err = write_map(w, "locations", write_location);
	if (!err)
		err = write_map(w, "access", write_access);
	fprintf(w->f, "end %u\n", w->count);
	return err ? err : fflush(w->f) || ferror(w->f) ? -EIO : 0;
}

int handover_write(struct loader *l, const char *path)
{
	struct writer w = {.l = l, .tick = tick_now()};
	int err = agent_runs(l) ? -EBUSY : adjacency_assign(l);

	if (err)
		return err;
	w.f = fopen(path, "we");
	if (!w.f)
		err = -errno;
	if (!err)
		err = write_all(&w);
	if (w.f && fclose(w.f) && !err)
		err = -errno;
	if (err)
		log_error("cannot write %s: %s", path, strerror(-err));
	else
		log_info("node %s: %u entries written to %s", domain_self(&l->conf)->name, w.count,
			path);
	return err;
}

/* Reading */

struct reader {
	struct loader *l;
	FILE *f;
	int locations, access;
	uint32_t tick;
	uint32_t count, left_out;
	bool ended;
};

/* -ENOENT: a node that the configuration does not have any more. */
static int find_target(const struct reader *r, const char *text)
{
	struct dlma_addr a;

	if (!strcmp(text, "self"))
		return DLMA_ADJACENCY_SELF;
	if (addr_parse(text, &a))
		return -EBADMSG;
	return adjacency_find(r->l, &a);
}

/* Entries that mean nothing any more are left out, and packets find the owner's way. */
static int take(
	struct reader *r, int fd, const struct dlma_addr *key, const void *value, int target)
{
	if (target == -ENOENT) {
		r->left_out++;
		return 0;
	}
	if (target < 0)
		return target;
	r->count++;
	return bpf_map_update_elem(fd, key, value, BPF_ANY) ? -errno : 0;
}

static int read_location(struct reader *r, const char *line)
{
	char hnp[WORD_MAX], kind[WORD_MAX], target[WORD_MAX];
	struct dlma_location v = {.kind = DLMA_LOCATION_NONE};
	unsigned int flags, idle;
	struct dlma_addr key;
	int index;

	if (sscanf(line, "location %63s %63s %u %63s %u", hnp, kind, &flags, target, &idle) != 5 ||
		addr_parse(hnp, &key))
		return -EBADMSG;
	for (uint8_t i = 0; i < KIND_COUNT; i++)
		if (kinds[i] && !strcmp(kinds[i], kind))
			v.kind = i;
	if (!v.kind)
		return -EBADMSG;
	index = find_target(r, target);
	v.flags = (uint8_t)flags;
	v.used = r->tick - idle;
	if (index >= 0)
		v.adjacency = (typeof(v.adjacency))index;
	return take(r, r->locations, &key, &v, index);
}

static int read_access(struct reader *r, const char *line)
{
	char hnp[WORD_MAX], interface[WORD_MAX], mn[WORD_MAX], own[WORD_MAX], uplink[WORD_MAX];
	struct dlma_access v = {0};
	unsigned int direct, mtu, idle;
	struct dlma_addr key;
	int index;

	if (sscanf(line, "access %63s %63s %63s %63s %63s %u %u %u", hnp, interface, mn, own,
		    uplink, &direct, &mtu, &idle) != 8 ||
		addr_parse(hnp, &key) || mac_parse(mn, v.mn_mac) || mac_parse(own, v.own_mac))
		return -EBADMSG;
	index = find_target(r, uplink);
	v.ifindex = if_nametoindex(interface);
	v.direct = direct;
	v.mtu = (typeof(v.mtu))mtu;
	v.used = r->tick - idle;
	if (index >= 0)
		v.uplink = (typeof(v.uplink))index;
	return take(r, r->access, &key, &v, v.ifindex ? index : -ENOENT);
}

/* Flows keep their labels, and so their paths: fill.c keeps the key that it finds. */
static int read_label(struct reader *r, const char *line)
{
	int fd = pin_open(&r->l->conf, "maps", "node"), err = 0;
	struct dlma_node node = {0};
	uint32_t zero = 0;
	uint64_t key;

	if (fd < 0)
		return fd;
	if (sscanf(line, "label %" SCNu64, &key) != 1)
		err = -EBADMSG;
	node.label_key = key;
	if (!err && bpf_map_update_elem(fd, &zero, &node, BPF_ANY))
		err = -errno;
	close(fd);
	return err;
}

static int read_line(struct reader *r, const char *line)
{
	unsigned int count;

	if (!strncmp(line, "location ", 9))
		return read_location(r, line);
	if (!strncmp(line, "access ", 7))
		return read_access(r, line);
	if (!strncmp(line, "label ", 6))
		return read_label(r, line);
	if (sscanf(line, "end %u", &count) != 1 || count != r->count + r->left_out)
		return -EBADMSG;
	r->ended = true;
	return 0;
}

static int check_head(struct reader *r, const char *path)
{
	char line[TEXT_MAX], name[WORD_MAX];
	int format;

	if (!fgets(line, sizeof(line), r->f) || sscanf(line, "dlma %d %63s", &format, name) != 2 ||
		format != FORMAT) {
		log_error("%s was not written by dlma-loader --export, or by a newer one", path);
		return -EBADMSG;
	}
	if (strcmp(name, domain_self(&r->l->conf)->name) != 0) {
		log_error(
			"%s is of node %s, this is %s", path, name, domain_self(&r->l->conf)->name);
		return -EINVAL;
	}
	return 0;
}

static int read_all(struct reader *r, const char *path)
{
	char line[TEXT_MAX];
	unsigned int number = 1;
	int err = check_head(r, path);

	if (err)
		return err;
	while (!err && !r->ended && fgets(line, sizeof(line), r->f)) {
		number++;
		err = read_line(r, line);
	}
	if (!err && r->ended)
		return 0;
	log_error("%s:%u: %s; write it again with dlma-loader --export", path, number,
		err && err != -EBADMSG ? strerror(-err) : "not a line of an export, or cut off");
	return err ? err : -EBADMSG;
}

/* Idle times are counted from the clock map, which the agent turns later on. */
static void set_clock(const struct reader *r)
{
	int fd = pin_open(&r->l->conf, "maps", "clock");
	struct dlma_clock clock = {.tick = r->tick};
	uint32_t zero = 0;

	if (fd < 0)
		return;
	(void)bpf_map_update_elem(fd, &zero, &clock, BPF_ANY);
	close(fd);
}

static int read_from(struct reader *r, const char *path)
{
	if (agent_runs(r->l))
		return -EBUSY;
	r->f = fopen(path, "re");
	if (!r->f) {
		int err = -errno;

		log_error("cannot read %s: %s", path, strerror(-err));
		return err;
	}
	if (r->locations < 0 || r->access < 0)
		return -ENOENT;
	set_clock(r);
	return read_all(r, path);
}

int handover_read(struct loader *l, const char *path)
{
	struct reader r = {.l = l,
		.locations = pin_open(&l->conf, "maps", "locations"),
		.access = pin_open(&l->conf, "maps", "access"),
		.tick = tick_now()};
	int err = read_from(&r, path);

	if (!err)
		log_info("node %s: took over %u entries, left out %u that mean nothing any more",
			domain_self(&l->conf)->name, r.count, r.left_out);
	if (r.f)
		fclose(r.f);
	if (r.locations >= 0)
		close(r.locations);
	if (r.access >= 0)
		close(r.access);
	return err;
}
