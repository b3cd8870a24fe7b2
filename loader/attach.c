// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "loader.h"
#include "base/log.h"
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fnmatch.h>
#include <linux/if_link.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
	TCX_INGRESS = 46, /* BPF_TCX_INGRESS, newer than libbpf 1.1 */
	CLSACT_PRIORITY = 100,
	CLSACT_HANDLE = 1,
};

struct method {
	const char *name;
	/* Attaches, or replaces the program of an attachment that is there. 0 or -errno. */
	int (*attach)(struct loader *l, const struct netlink_link *link, enum program_side side);
	/* Takes away an attachment of this method, if there is one. */
	void (*release)(struct loader *l, const struct netlink_link *link);
};

/*
 * One pinned link an interface and method, so that one can take over from the other. A bpffs takes
 * no dots; an interface name has no colons.
 */
static int link_pin(const struct loader *l, const struct netlink_link *link, const char *suffix,
	char ret_path[DOMAIN_PATH_MAX])
{
	char name[NETLINK_NAME_MAX + 16];

	snprintf(name, sizeof(name), "%s:%s", link->name, suffix);
	for (char *dot = name; (dot = strchr(dot, '.'));)
		*dot = ':';
	return pin_path(&l->conf, "links", name, ret_path);
}

static uint32_t link_ifindex(int fd)
{
	struct bpf_link_info info = {0};
	uint32_t len = sizeof(info);

	if (bpf_obj_get_info_by_fd(fd, &info, &len))
		return 0;
	return info.xdp.ifindex; /* the first word for TCX links as well */
}

/*
 * An attachment made earlier gets the new program in one step. -ENOENT: there is none, or it
 * belonged to an interface that is gone (then the pin goes too).
 */
static int link_replace(const char *path, uint32_t ifindex, int program)
{
	int fd = bpf_obj_get(path), err = 0;

	if (fd < 0)
		return -ENOENT;
	if (link_ifindex(fd) != ifindex || bpf_link_update(fd, program, NULL)) {
		unlink(path);
		err = -ENOENT;
	}
	close(fd);
	return err;
}

static int link_attach(struct loader *l, const struct netlink_link *link, const char *suffix,
	int program, int type, uint32_t flags)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = flags);
	char path[DOMAIN_PATH_MAX];
	int fd, err = link_pin(l, link, suffix, path);

	if (err)
		return err;
	err = link_replace(path, link->ifindex, program);
	if (err != -ENOENT)
		return err;
	fd = bpf_link_create(program, (int)link->ifindex, (enum bpf_attach_type)type, &opts);
	if (fd < 0)
		return -errno;
	err = bpf_obj_pin(fd, path) ? -errno : 0;
	close(fd);
	return err;
}

static void link_release(struct loader *l, const struct netlink_link *link, const char *suffix)
{
	char path[DOMAIN_PATH_MAX];

	if (!link_pin(l, link, suffix, path))
		(void)unlink(path);
}

static int attach_program_link(struct loader *l, const struct netlink_link *link,
	enum object_kind kind, enum program_side side, const char *suffix, int type, uint32_t flags)
{
	struct bpf_object *object = object_get(l, kind);

	if (!object)
		return -ECANCELED;
	return link_attach(l, link, suffix, object_program(object, side), type, flags);
}

static int attach_xdp_link(
	struct loader *l, const struct netlink_link *link, enum program_side side)
{
	return attach_program_link(l, link, OBJECT_XDP, side, "xdp", BPF_XDP, XDP_FLAGS_DRV_MODE);
}

static void release_xdp_link(struct loader *l, const struct netlink_link *link)
{
	link_release(l, link, "xdp");
}

static int attach_xdp_generic(
	struct loader *l, const struct netlink_link *link, enum program_side side)
{
	return attach_program_link(
		l, link, OBJECT_XDP, side, "xdpgeneric", BPF_XDP, XDP_FLAGS_SKB_MODE);
}

static void release_xdp_generic(struct loader *l, const struct netlink_link *link)
{
	link_release(l, link, "xdpgeneric");
}

static int attach_tcx(struct loader *l, const struct netlink_link *link, enum program_side side)
{
	return attach_program_link(l, link, OBJECT_TC, side, "tcx", TCX_INGRESS, 0);
}

static void release_tcx(struct loader *l, const struct netlink_link *link)
{
	link_release(l, link, "tcx");
}

static int attach_clsact(struct loader *l, const struct netlink_link *link, enum program_side side)
{
	LIBBPF_OPTS(
		bpf_tc_hook, hook, .ifindex = (int)link->ifindex, .attach_point = BPF_TC_INGRESS);
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = CLSACT_HANDLE, .priority = CLSACT_PRIORITY,
		.flags = BPF_TC_F_REPLACE);
	struct bpf_object *object = object_get(l, OBJECT_TC);
	int err;

	if (!object)
		return -ECANCELED;
	err = bpf_tc_hook_create(&hook);
	if (err && err != -EEXIST)
		return err;
	opts.prog_fd = object_program(object, side);
	return bpf_tc_attach(&hook, &opts);
}

static void release_clsact(struct loader *l, const struct netlink_link *link)
{
	LIBBPF_OPTS(
		bpf_tc_hook, hook, .ifindex = (int)link->ifindex, .attach_point = BPF_TC_INGRESS);
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = CLSACT_HANDLE, .priority = CLSACT_PRIORITY);

	(void)l;
	if (!bpf_tc_query(&hook, &opts)) {
		opts.flags = 0;
		opts.prog_fd = 0;
		opts.prog_id = 0;
		(void)bpf_tc_detach(&hook, &opts);
	}
}

static const struct method methods[ATTACH_METHOD_COUNT] = {
	[ATTACH_NONE] = {"none", NULL, NULL},
	[ATTACH_XDP_DISPATCHER] = {"xdp, libxdp dispatcher", dispatcher_attach, dispatcher_release},
	[ATTACH_XDP_LINK] = {"xdp", attach_xdp_link, release_xdp_link},
	[ATTACH_XDP_GENERIC] = {"xdp-generic", attach_xdp_generic, release_xdp_generic},
	[ATTACH_TCX] = {"tc, tcx", attach_tcx, release_tcx},
	[ATTACH_CLSACT] = {"tc, clsact", attach_clsact, release_clsact},
};

/* Methods to try, best first. */
static const enum attach_method by_hook[][ATTACH_METHOD_COUNT] = {
	[DOMAIN_HOOK_AUTO] = {ATTACH_XDP_DISPATCHER, ATTACH_XDP_LINK, ATTACH_TCX, ATTACH_CLSACT},
	[DOMAIN_HOOK_XDP] = {ATTACH_XDP_DISPATCHER, ATTACH_XDP_LINK},
	[DOMAIN_HOOK_XDP_GENERIC] = {ATTACH_XDP_GENERIC},
	[DOMAIN_HOOK_TC] = {ATTACH_TCX, ATTACH_CLSACT},
};

/*
 * Virtual interfaces carry packets with partial checksums and GSO packets, which only TC sees
 * whole; hardware gives XDP what was on the wire.
 */
static enum domain_hook hook_for(
	const struct loader *l, const struct netlink_link *link, const struct domain_interface *i)
{
	enum domain_hook hook =
		l->hook_override >= 0 ? (enum domain_hook)l->hook_override : i->hook;

	if (!strcmp(link->name, DLMA_HOLD_NAME) || (hook == DOMAIN_HOOK_AUTO && *link->kind))
		return DOMAIN_HOOK_TC;
	return hook;
}

static void release_others(
	struct loader *l, const struct netlink_link *link, enum attach_method keep)
{
	for (int m = 1; m < ATTACH_METHOD_COUNT; m++)
		if (m != (int)keep)
			methods[m].release(l, link);
}

static bool has_link(const struct loader *l, const struct netlink_link *link)
{
	char path[DOMAIN_PATH_MAX];

	return !link_pin(l, link, "xdp", path) && !access(path, F_OK);
}

static const char *why_not(
	const struct loader *l, const struct netlink_link *link, enum attach_method method, int err)
{
	if (err == -EBUSY)
		return has_link(l, link) ? "an earlier loader's link is in its place"
					 : "another program is attached";
	/* What the kernel's verifier says is clearer than the error that it returns. */
	if (method == ATTACH_XDP_DISPATCHER && err == -EINVAL && *object_verdict())
		return object_verdict();
	return strerror(-err);
}

/* The first reason is that of the best method: the one worth telling. */
static void note_failure(struct attachment *a, enum attach_method method, const char *why)
{
	if (!*a->note)
		snprintf(a->note, sizeof(a->note), "no %s: %s", methods[method].name, why);
}

int attach_interface(struct loader *l, const struct netlink_link *link,
	const struct domain_interface *i, struct attachment *ret)
{
	const enum attach_method *try = by_hook[hook_for(l, link, i)];
	struct attachment a = {
		.ifindex = link->ifindex,
		.side = i->access ? PROGRAM_ACCESS : PROGRAM_NETWORK,
	};
	int err = -EOPNOTSUPP;

	memcpy(a.name, link->name, sizeof(a.name));
	for (; *try != ATTACH_NONE; try++) {
		err = methods[*try].attach(l, link, a.side);
		if (!err)
			break;
		note_failure(&a, *try, why_not(l, link, *try, err));
	}
	if (err)
		log_error("%s: cannot attach (%s); choose another hook for it: auto, xdp, "
			  "xdp-generic or tc",
			link->name, *a.note ? a.note : "see above");
	a.method = *try;
	if (!err)
		release_others(l, link, a.method);
	*ret = a;
	return err;
}

static void detach_link(const struct netlink_link *link, void *arg)
{
	struct loader *l = arg;

	if (attach_wanted(&l->conf, link->name))
		release_others(l, link, ATTACH_NONE);
}

void attach_detach_all(struct loader *l)
{
	(void)netlink_links(l->netlink, detach_link, l);
}

const char *attach_method_name(enum attach_method method)
{
	return methods[method].name;
}

const struct domain_interface *attach_wanted(const struct node_conf *conf, const char *name)
{
	static const struct domain_interface hold = {.match = DLMA_HOLD_NAME};

	if (!strcmp(name, DLMA_HOLD_NAME))
		return &hold;
	for (uint32_t i = 0; i < conf->interface_count; i++)
		if (!fnmatch(conf->interfaces[i].match, name, 0))
			return &conf->interfaces[i];
	return NULL;
}
