// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * fill PINS TARGET COUNT: writes cached locations 0 to COUNT - 1 (bench_key()) into the maps that a
 * loader has pinned, as an agent does, which must not run. All lead to the peer TARGET.
 */
#include "node.h"
#include "io/locations.h"
#include "tests/tools/tool.h"
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <sys/mman.h>

static int pinned(const char *pins, const char *name)
{
	char path[512];
	int fd;

	snprintf(path, sizeof(path), "%s/maps/%s", pins, name);
	fd = bpf_obj_get(path);
	if (fd < 0)
		die("%s", path);
	return fd;
}

static void look_up(const char *pins, const char *name, const void *key, void *ret)
{
	if (bpf_map_lookup_elem(pinned(pins, name), key, ret))
		die("%s", name);
}

int main(int argc, char **argv)
{
	static struct dlma_node node;
	struct dlma_clock *clock;
	struct locations all;
	struct dlma_addr target;
	struct dlma_peer peer;
	uint32_t zero = 0, count;

	if (argc != 4 || inet_pton(AF_INET6, argv[2], &target) != 1)
		die("usage: fill PINS TARGET COUNT");
	count = (uint32_t)number_of(argv[3], "COUNT");
	look_up(argv[1], "node", &zero, &node);
	look_up(argv[1], "peers", &target, &peer);
	clock = mmap(NULL, sizeof(*clock), PROT_READ | PROT_WRITE, MAP_SHARED,
		pinned(argv[1], "clock"), 0);
	if (clock == MAP_FAILED)
		die("clock");
	if (locations_open(
		    &all, pinned(argv[1], "locations"), pinned(argv[1], "front"), clock, &node) ||
		locations_adopt(&all))
		die("opening the locations");
	for (uint32_t i = 0; i < count; i++) {
		struct dlma_addr key = bench_hnp(bench_key(i));
		struct dlma_location l = {.adjacency = (uint16_t)peer.adjacency,
			.kind = DLMA_LOCATION_CACHED,
			.used = clock->tick};
		int err = locations_put(&all, &key, &l);

		errno = -err;
		if (err)
			die("location %u", i);
	}
	return 0;
}
