// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "wire.h"
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_link.h>
#include <stdlib.h>
#include <unistd.h>

enum { DEADLINE_MS = 5000 };

struct wire {
	int link[LINK_COUNT]; /* BPF links of XDP; TC's go with the interface */
};

static int attach_xdp(struct wire *w, int program, uint32_t ifindex, enum link link)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = XDP_FLAGS_DRV_MODE);

	w->link[link] = bpf_link_create(program, (int)ifindex, BPF_XDP, &opts);
	return w->link[link] < 0 ? -errno : 0;
}

static int attach_tc(int program, uint32_t ifindex)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)ifindex, .attach_point = BPF_TC_INGRESS);
	LIBBPF_OPTS(bpf_tc_opts, opts, .prog_fd = program, .handle = 1, .priority = 1);
	int err = bpf_tc_hook_create(&hook);

	return err ? err : bpf_tc_attach(&hook, &opts);
}

static enum side side_of(enum link link)
{
	return link == LINK_ACCESS || link == LINK_ACCESS2 ? SIDE_ACCESS : SIDE_NETWORK;
}

struct wire *wire_open(const struct rig *r, enum hook hook, const char **ret_missing)
{
	struct wire *w = calloc(1, sizeof(*w));
	int err = 0;

	*ret_missing = "memory";
	if (!w)
		return NULL;
	memset(w->link, -1, sizeof(w->link));
	for (unsigned int i = LINK_CORE; !err && i < LINK_COUNT; i++) {
		int program = rig_program(r, side_of(i));
		uint32_t ifindex = rig_ifindex(r)[i];

		err = hook == HOOK_XDP ? attach_xdp(w, program, ifindex, i)
				       : attach_tc(program, ifindex);
	}
	if (!err)
		return w;
	wire_close(w);
	*ret_missing = hook == HOOK_XDP ? "native XDP on a tap" : "clsact and BPF filters";
	errno = -err;
	return NULL;
}

void wire_close(struct wire *w)
{
	if (!w)
		return;
	for (unsigned int i = LINK_CORE; i < LINK_COUNT; i++)
		if (w->link[i] >= 0)
			close(w->link[i]);
	free(w);
}

/*
 * The class of the reason that a frame was counted under; what the kernel is to send passes. So may
 * an answer; one that we send is on its link before the frame's sender goes on.
 */
static enum dlma_class class_of(const struct outcome *o)
{
	if (o->counted[DLMA_PACKET_tunnel_kernel].packets ||
		o->counted[DLMA_PACKET_too_big_told].packets)
		return DLMA_PASS;
	for (int i = 0; i < DLMA_PACKET_REASON_COUNT; i++)
		if (o->counted[i].packets && dlma_packet_texts[i].class != DLMA_NOTE)
			return dlma_packet_texts[i].class;
	return DLMA_NOTE;
}

static int collect(const struct rig *r, struct outcome *ret, struct frame *frames, int max)
{
	int count = 0;

	for (unsigned int i = LINK_CORE; i < LINK_COUNT; i++)
		while (count < max && !links_receive(rig_links(r), i, &frames[count])) {
			count++;
			ret->to = rig_ifindex(r)[i];
		}
	return count;
}

int wire_run(struct rig *r, enum link from, const struct frame *in, const struct segmentation *how,
	struct outcome *ret, struct frame *ret_frames, int max)
{
	int err = links_send(rig_links(r), from, in, how), count;
	enum dlma_class class;

	if (err)
		return err;
	ret->event_count = 0;
	rig_take_events(r, ret);
	err = rig_take_counters(r, ret->counted);
	if (err)
		return err;
	class = class_of(ret);
	/* What must not come out would come with the next frame: then there are two. */
	if (class == DLMA_FORWARD && links_wait(rig_links(r), DEADLINE_MS))
		return -ETIMEDOUT;
	count = collect(r, ret, ret_frames, max);
	ret->verdict = count ? VERDICT_SEND : class == DLMA_PASS ? VERDICT_PASS : VERDICT_DROP;
	if (count)
		ret->out = ret_frames[0];
	return count;
}
