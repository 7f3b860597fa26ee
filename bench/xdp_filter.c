/* SPDX-License-Identifier: BSD-3-Clause */
/* See xdp_filter.h. */
#include "xdp_filter.h"
#include "traffic.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <stdio.h>
#include <stdlib.h>

enum { IF_SOURCE = 1 }; /* of a map's value: drop who has this as source; above are counts */

/* All its maps are to be pinned, where a running xdp-filter has its own: ours are not. */
static int forget_pins(struct bpf_object *filter)
{
	struct bpf_map *map;

	bpf_object__for_each_map(map, filter)
	{
		if (bpf_map__set_pin_path(map, NULL))
			return -1;
	}
	return 0;
}

/* A value for each CPU. */
static int block(int map, uint32_t blocked)
{
	int cpus = libbpf_num_possible_cpus();
	uint64_t *values = cpus > 0 ? calloc((size_t)cpus, sizeof *values) : NULL;
	int result = values ? 0 : -1;

	for (int i = 0; i < cpus && values; i++)
		values[i] = IF_SOURCE;
	for (uint32_t i = 0; i < blocked && result == 0; i++) {
		uint32_t address = htonl(traffic_address(traffic_blocked(i)));

		result = bpf_map_update_elem(map, &address, values, BPF_ANY);
	}
	free(values);
	return result;
}

static int load(struct bpf_object *filter, uint32_t blocked)
{
	struct bpf_map *map = bpf_object__find_map_by_name(filter, "filter_ipv4");

	if (!map || forget_pins(filter) || bpf_map__set_max_entries(map, blocked) ||
	    bpf_object__load(filter))
		return -1;
	return block(bpf_map__fd(map), blocked);
}

struct bpf_object *xdp_filter_open(const char *folder, const char *name, uint32_t blocked)
{
	struct bpf_object *filter;
	char path[512];

	snprintf(path, sizeof path, "%s/xdpfilt_%s.o", folder, name);
	filter = bpf_object__open_file(path, NULL);
	if (filter && load(filter, blocked) == 0)
		return filter;
	perror(path);
	xdp_filter_close(filter);
	return NULL;
}

void xdp_filter_close(struct bpf_object *filter)
{
	bpf_object__close(filter);
}

int xdp_filter_program(const struct bpf_object *filter)
{
	return bpf_program__fd(bpf_object__next_program(filter, NULL));
}
