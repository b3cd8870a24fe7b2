/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the laboratory's own BPF programs share. They know nothing of the product. */
#pragma once

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <linux/ipv6.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

enum { AF_INET6_NUMBER = 10 };

struct frame {
	struct ethhdr eth;
	struct ipv6hdr ip6;
} __attribute__((packed));

char LICENSE[] SEC("license") = "Dual BSD/GPL";
