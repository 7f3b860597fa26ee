/* SPDX-License-Identifier: BSD-3-Clause */
/* See hook.h. */
#include "hook.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/ethtool.h>
#include <linux/if_link.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

int hook_make(int program, unsigned interface)
{
	LIBBPF_OPTS(bpf_link_create_opts, native, .flags = XDP_FLAGS_DRV_MODE);
	LIBBPF_OPTS(bpf_link_create_opts, generic, .flags = XDP_FLAGS_SKB_MODE);
	int link = bpf_link_create(program, (int)interface, BPF_XDP, &native);

	/* Drivers have many words for what they cannot do, and few for what nobody may. */
	if (link < 0 && link != -EBUSY && link != -EEXIST && link != -EPERM && link != -ENODEV)
		link = bpf_link_create(program, (int)interface, BPF_XDP, &generic);
	return link;
}

int hook_end(int link)
{
	int result = bpf_link_detach(link);

	/* So answers a link whose interface is gone. */
	return result == -ENODEV || result == -EINVAL || result == -ENOLINK ? 0 : result;
}

/* The program on the interface, in the driver or not; 0: there is none. */
static uint32_t program_on(unsigned interface, bool *native)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, about);

	if (interface == 0 || bpf_xdp_query((int)interface, 0, &about) != 0)
		return 0;
	*native = about.drv_prog_id != 0;
	return about.drv_prog_id   ? about.drv_prog_id
	       : about.skb_prog_id ? about.skb_prog_id
				   : about.hw_prog_id;
}

bool hook_is_on(int link, unsigned interface)
{
	struct bpf_link_info info = {0};
	uint32_t size = sizeof info;
	bool native;

	return interface != 0 && bpf_obj_get_info_by_fd(link, &info, &size) == 0 &&
	       info.type == BPF_LINK_TYPE_XDP && info.xdp.ifindex == interface &&
	       info.prog_id == program_on(interface, &native);
}

bool hook_is_native(unsigned interface)
{
	bool native = false;

	return program_on(interface, &native) != 0 && native;
}

int hook_foreign(unsigned interface, char *what, size_t size)
{
	struct bpf_prog_info info = {0};
	uint32_t info_size = sizeof info, id;
	bool native;
	int fd;

	id = program_on(interface, &native);
	if (id == 0)
		return 0;
	fd = bpf_prog_get_fd_by_id(id);
	if (fd >= 0) {
		bpf_obj_get_info_by_fd(fd, &info, &info_size);
		close(fd);
	}
	snprintf(what, size, "another program is attached, \"%s\" with id %u: it is left alone",
		 info.name, id);
	return -EBUSY;
}

void hook_offloads(const char *name, char *what, size_t size)
{
	struct ethtool_value flags = {.cmd = ETHTOOL_GFLAGS};
	struct ifreq request = {.ifr_data = (void *)&flags};
	int asked = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool tags, merged;

	snprintf(request.ifr_name, sizeof request.ifr_name, "%s", name);
	if (asked < 0 || ioctl(asked, SIOCETHTOOL, &request) != 0)
		flags.data = 0;
	if (asked >= 0)
		close(asked);
	tags = flags.data & ETH_FLAG_RXVLAN;
	merged = flags.data & ETH_FLAG_LRO;
	if (tags || merged)
		snprintf(what, size, "%s%s%s: ethtool -K %s%s%s", tags ? "hides VLAN tags" : "",
			 tags && merged ? " and " : "", merged ? "merges frames" : "", name,
			 tags ? " rxvlan off" : "", merged ? " lro off" : "");
}
