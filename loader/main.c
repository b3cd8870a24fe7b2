// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* dlma-loader: loads the programs, attaches them and keeps the adjacencies of one node. */
#include "loader.h"
#include "base/conf.h"
#include "base/log.h"
#include "base/privilege.h"
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

enum {
	CONFIRM_MS =
		10000,	/* how often neighbours are confirmed; well below their reachable time */
	SETTLE_MS = 20, /* changes of the network are looked at together */
};

static const char usage[] =
	"usage: dlma-loader [--hook HOOK] [--verbose] NODE.conf\n"
	"       dlma-loader --check NODE.conf    only check the configuration\n"
	"       dlma-loader --detach NODE.conf   take the programs and their maps away\n"
	"       dlma-loader --export FILE NODE.conf\n"
	"                                        write down what the maps hold, for another "
	"version\n"
	"       dlma-loader [--hook HOOK] [--verbose] --replace FILE NODE.conf\n"
	"                                        take the place of another version's programs and "
	"maps\n"
	"HOOK: auto, xdp, xdp-generic, tc; instead of what NODE.conf says.\n"
	"The data path stays when the loader ends; --detach is what removes it.\n"
	"Exit: 0 done, 1 failed, 2 wrong usage or configuration.\n";

enum mode { MODE_RUN, MODE_CHECK, MODE_DETACH, MODE_EXPORT, MODE_REPLACE };

struct options {
	enum mode mode;
	int hook;
	const char *file;
	const char *handover; /* with MODE_EXPORT and MODE_REPLACE */
};

static int hook_parse(const char *name)
{
	static const char *const names[] = {
		[DOMAIN_HOOK_AUTO] = "auto",
		[DOMAIN_HOOK_XDP] = "xdp",
		[DOMAIN_HOOK_XDP_GENERIC] = "xdp-generic",
		[DOMAIN_HOOK_TC] = "tc",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (!strcmp(name, names[i]))
			return (int)i;
	return -1;
}

static void options_handover(struct options *o, enum mode mode)
{
	o->mode = mode;
	o->handover = optarg;
}

static int options_parse(int argc, char **argv, struct options *o)
{
	static const struct option known[] = {
		{"check", no_argument, NULL, 'c'},
		{"detach", no_argument, NULL, 'd'},
		{"export", required_argument, NULL, 'e'},
		{"replace", required_argument, NULL, 'r'},
		{"hook", required_argument, NULL, 'k'},
		{"verbose", no_argument, NULL, 'v'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	int c;

	while ((c = getopt_long(argc, argv, "vh", known, NULL)) >= 0) {
		if (c == 'c')
			o->mode = MODE_CHECK;
		else if (c == 'd')
			o->mode = MODE_DETACH;
		else if (c == 'e' || c == 'r')
			options_handover(o, c == 'e' ? MODE_EXPORT : MODE_REPLACE);
		else if (c == 'v')
			log_set_level(LOG_LEVEL_DEBUG);
		else if (c == 'h')
			exit(fputs(usage, stdout) < 0);
		else if (c != 'k' || (o->hook = hook_parse(optarg)) < 0)
			return -EINVAL;
	}
	if (optind != argc - 1)
		return -EINVAL;
	o->file = argv[optind];
	return 0;
}

static int privileges_check(void)
{
	static const struct privilege wanted[] = {
		{CAP_BPF, "load BPF programs"},
		{CAP_NET_ADMIN, "attach programs to interfaces"},
		{CAP_PERFMON, "load programs that read packet data through maps"},
	};

	return privilege_check(wanted, sizeof(wanted) / sizeof(*wanted));
}

static struct attachment *attached_find(struct loader *l, uint32_t ifindex)
{
	for (uint32_t i = 0; i < l->attached_count; i++)
		if (l->attached[i].ifindex == ifindex)
			return &l->attached[i];
	return NULL;
}

static void attached_forget(struct loader *l, const struct netlink_link *link)
{
	struct attachment *a = attached_find(l, link->ifindex);

	if (!a)
		return;
	log_info("%s is gone", a->name);
	if (a->method == ATTACH_XDP_DISPATCHER)
		dispatcher_sweep(l, a->ifindex);
	*a = l->attached[--l->attached_count];
}

static void attached_add(struct loader *l, const struct attachment *a)
{
	struct attachment *grown =
		reallocarray(l->attached, l->attached_count + 1, sizeof(*l->attached));

	if (!grown) {
		log_error("out of memory");
		return;
	}
	l->attached = grown;
	l->attached[l->attached_count++] = *a;
	if (a->method == ATTACH_NONE)
		return;
	log_info("%s: attached as %s (%s)%s%s", a->name,
		a->side == PROGRAM_ACCESS ? "access link" : "network link",
		attach_method_name(a->method), *a->note ? "; " : "", a->note);
}

static void on_link(const struct netlink_link *link, void *arg)
{
	struct loader *l = arg;
	const struct domain_interface *i = attach_wanted(&l->conf, link->name);
	struct attachment a;

	if (link->deleted) {
		attached_forget(l, link);
		return;
	}
	if (!i || !link->ethernet || attached_find(l, link->ifindex))
		return;
	/* Also kept if it failed: not to be tried again for each change of the link. */
	(void)attach_interface(l, link, i, &a);
	attached_add(l, &a);
}

/* A setting that matches no interface is most likely a slip. */
static void warn_unmatched(const struct loader *l)
{
	for (uint32_t i = 0; i < l->conf.interface_count; i++) {
		const struct domain_interface *wanted = &l->conf.interfaces[i];
		bool found = false;

		for (uint32_t j = 0; j < l->attached_count; j++)
			found |= attach_wanted(&l->conf, l->attached[j].name) == wanted;
		if (!found)
			log_warn("no interface matches \"%s\" yet; it is attached when it comes",
				wanted->match);
	}
}

/* 0 or -ENOENT: to be adopted, or to be made; else -errno after a message. */
static int check_pins(struct loader *l)
{
	uint32_t version = 0;
	int err = pin_prepare(&l->conf);

	if (err)
		return err == -ENOENT ? -EIO : err;
	err = pin_version(&l->conf, &version);
	if (err == -EPROTO)
		log_error("the maps pinned in %s have layout %u, this loader knows %u; see "
			  "docs/upgrade.md: take them over with --export of the matching loader "
			  "and --replace of this one, or give them up with: dlma-loader --detach",
			l->conf.pin_dir, version, DLMA_ABI_VERSION);
	return err;
}

/* Everything that the programs need to know; they are not attached yet. */
static int prepare(struct loader *l)
{
	int err;

	hold_make();
	errors_open(l);
	/* Either object makes all maps; TC is what every kernel and interface can do. */
	if (!object_get(l, OBJECT_TC))
		return -ECANCELED;
	err = adjacency_assign(l);
	if (!err)
		err = fill_maps(l);
	return err ? err : adjacency_refresh(l, true);
}

static int started(struct loader *l)
{
	warn_unmatched(l);
	status_write(l);
	log_info("node %s: the data path is ready", domain_self(&l->conf)->name);
	return 0;
}

static int start(struct loader *l)
{
	int err = check_pins(l);

	if (err && err != -ENOENT)
		return err;
	log_info("node %s: %s the maps in %s", domain_self(&l->conf)->name,
		err ? "making" : "adopting", l->conf.pin_dir);
	err = prepare(l);
	if (!err)
		err = netlink_links(l->netlink, on_link, l);
	if (!err)
		err = fill_activate(l);
	return err ? err : started(l);
}

/*
 * In the place of another version's programs, whose maps are not looked at: new maps are filled
 * from words and put into service, and then each interface changes over in one step. So there is no
 * moment in which a packet meets neither.
 */
static int replace(struct loader *l, const char *handover)
{
	int err = pin_prepare(&l->conf);

	if (!err)
		err = pin_begin_anew(&l->conf);
	if (!err)
		err = prepare(l);
	if (!err)
		err = handover_read(l, handover);
	if (!err)
		err = fill_activate(l);
	if (!err)
		err = netlink_links(l->netlink, on_link, l);
	if (!err)
		err = pin_take_place(&l->conf);
	return err ? err : started(l);
}

static int export(struct loader *l, const char *handover)
{
	int err = check_pins(l);

	if (err == -ENOENT)
		log_error("nothing is pinned in %s", l->conf.pin_dir);
	return err ? err : handover_write(l, handover);
}

static int signals_open(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC);
}

uint64_t clock_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void refresh(struct loader *l, bool confirm)
{
	uint32_t before = l->unresolved;
	int err = adjacency_refresh(l, confirm);

	if (err)
		log_warn("cannot read the kernel's routes and neighbours: %s, trying again",
			strerror(-err));
	if (before != l->unresolved)
		log_info("%u of %u peers without a resolved next hop", l->unresolved,
			l->adjacency_count - 1);
	status_write(l);
}

/* What run() listens to. */
enum { ON_SIGNAL, ON_NETWORK, ON_ERROR, ON_COUNT };

/* One turn: waits for something to happen, at most until it is time to look. */
static bool turn(struct loader *l, struct netlink *watch, struct pollfd *on, uint64_t look_at)
{
	uint64_t now = clock_ms();
	int n = poll(on, ON_COUNT, now < look_at ? (int)(look_at - now) : 0);

	if (n <= 0)
		return true;
	if (on[ON_SIGNAL].revents)
		return false;
	if (on[ON_ERROR].revents)
		errors_read(l);
	if (on[ON_NETWORK].revents) {
		poll(NULL, 0, SETTLE_MS);
		if (netlink_read(watch, on_link, l) > 0)
			refresh(l, false);
	}
	return true;
}

static int run(struct loader *l)
{
	struct netlink *watch = netlink_watch(true);
	struct pollfd on[ON_COUNT] = {{.fd = signals_open(), .events = POLLIN}};
	uint64_t confirm_at = clock_ms() + CONFIRM_MS;

	if (!watch || on[ON_SIGNAL].fd < 0) {
		log_error("cannot watch the network: %s", strerror(errno));
		netlink_close(watch);
		return -errno;
	}
	on[ON_NETWORK] = (struct pollfd){.fd = netlink_fd(watch), .events = POLLIN};
	on[ON_ERROR] = (struct pollfd){.fd = l->errors.fd, .events = POLLIN};
	/* What changed between the first look and the watch. */
	(void)netlink_links(l->netlink, on_link, l);
	refresh(l, false);
	while (turn(l, watch, on, confirm_at)) {
		if (clock_ms() < confirm_at)
			continue;
		refresh(l, true);
		confirm_at = clock_ms() + CONFIRM_MS;
	}
	log_info("stopping; the data path stays attached");
	netlink_close(watch);
	close(on[ON_SIGNAL].fd);
	return 0;
}

static int detach(struct loader *l)
{
	int err = pin_prepare(&l->conf);

	if (err)
		return err;
	attach_detach_all(l);
	dispatcher_sweep(l, 0);
	hold_remove();
	pin_remove_all(&l->conf);
	log_info("node %s: detached", domain_self(&l->conf)->name);
	return 0;
}

static int run_mode(struct loader *l, const struct options *o)
{
	int err = privileges_check();

	if (err)
		return err;
	l->netlink = netlink_open();
	if (!l->netlink) {
		log_error("cannot open a netlink socket: %s", strerror(errno));
		return -errno;
	}
	if (o->mode == MODE_DETACH)
		return detach(l);
	if (o->mode == MODE_EXPORT)
		return export(l, o->handover);
	err = o->mode == MODE_REPLACE ? replace(l, o->handover) : start(l);
	return err ? err : run(l);
}

int main(int argc, char **argv)
{
	struct options o = {.hook = -1};
	static struct loader l = {.errors = {.fd = -1, .relay_fd = -1}};
	int err;

	if (options_parse(argc, argv, &o)) {
		fputs(usage, stderr);
		return 2;
	}
	if (conf_load(o.file, &l.conf, stderr))
		return 2;
	object_quiet();
	l.hook_override = o.hook;
	err = o.mode == MODE_CHECK ? 0 : run_mode(&l, &o);
	if (err && !log_said_error())
		log_error("cannot go on: %s", strerror(-err));
	errors_close(&l);
	object_done(&l);
	netlink_close(l.netlink);
	free(l.attached);
	conf_done(&l.conf);
	return err ? 1 : 0;
}
