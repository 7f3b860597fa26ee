/* SPDX-License-Identifier: BSD-3-Clause */
/* See needs.h. */
#include "needs.h"
#include "loaded.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

/*
 * What a kernel may lack. A helper stands for all that is older: programs on interfaces by
 * bpf_link (5.9), compare and swap (5.12). What a kernel can be built without has its own line.
 */
static const struct {
	const char *name;
	enum bpf_func_id helper; /* or else: */
	enum bpf_map_type map;
	uint32_t map_flags;
} needed[] = {
	{.name = "bpf_xdp_load_bytes (Linux 5.18)", .helper = BPF_FUNC_xdp_load_bytes},
	{.name = "bpf_xdp_get_buff_len (Linux 5.18)", .helper = BPF_FUNC_xdp_get_buff_len},
	{.name = "bpf_ktime_get_coarse_ns (Linux 5.11)", .helper = BPF_FUNC_ktime_get_coarse_ns},
	{.name = "bpf_ktime_get_boot_ns (Linux 5.8)", .helper = BPF_FUNC_ktime_get_boot_ns},
	{.name = "arrays that can be mapped (Linux 5.5)",
	 .map = BPF_MAP_TYPE_ARRAY,
	 .map_flags = BPF_F_MMAPABLE},
	{.name = "maps of AF_XDP sockets (Linux 5.3, with CONFIG_XDP_SOCKETS)",
	 .map = BPF_MAP_TYPE_XSKMAP},
};

static int has_map(enum bpf_map_type type, uint32_t flags)
{
	LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = flags);
	int map = bpf_map_create(type, "sluice_probe", sizeof(uint32_t), sizeof(uint32_t), 1,
				 &options);

	if (map >= 0)
		close(map);
	return map >= 0 ? 1 : map == -EPERM ? map : 0;
}

int needs_check(struct twin_error *error)
{
	for (size_t i = 0; i < sizeof needed / sizeof *needed; i++) {
		int has = needed[i].helper ? libbpf_probe_bpf_helper(BPF_PROG_TYPE_XDP,
								       needed[i].helper, NULL)
					     : has_map(needed[i].map, needed[i].map_flags);

		if (has < 0)
			return twin_fail(error, has, "cannot ask the kernel for BPF");
		if (has == 0) {
			snprintf(error->message, sizeof error->message,
				 "this kernel lacks what the twin needs: %s", needed[i].name);
			return -EOPNOTSUPP;
		}
	}
	return 0;
}
