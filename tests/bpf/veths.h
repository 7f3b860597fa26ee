/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A network of one test's own, gone with its process: an interface for each role, and the far end
 * of each, to which and from which the test sends frames. The file system for pins is its own too.
 */
#pragma once

#include "ethernet.h"
#include "mode.h"

#include <CUnit/CUnit.h>
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

enum { VETHS_WAIT_MS = 5000, VETHS_FRAME = 2048 };

static const char *const veths_name[PORT_ROLES] = {"edge", "server", "fallback"};
static const char *const veths_far[PORT_ROLES] = {"client", "web", "lite"};
static char veths_folder[] = "/tmp/sluice-pins-XXXXXX";

static void veths_run(const char *command)
{
	if (system(command) != 0)
		fprintf(stderr, "\nfailed: %s\n", command);
}

/* GRO on the far ends: a frame is redirected only to a veth whose peer polls. */
static inline void veths_add(enum port_role role)
{
	char command[512];

	snprintf(command, sizeof command,
		 "ip link add %s type veth peer name %s && "
		 "ethtool -K %s rxvlan off tx off tso off gso off >/dev/null && "
		 "ethtool -K %s gro on txvlan off rxvlan off tx off tso off gso off >/dev/null && "
		 "ip link set %s up && ip link set %s up",
		 veths_name[role], veths_far[role], veths_name[role], veths_far[role],
		 veths_name[role], veths_far[role]);
	veths_run(command);
}

static inline void veths_remove(enum port_role role)
{
	char command[64];

	snprintf(command, sizeof command, "ip link delete %s", veths_name[role]);
	veths_run(command);
}

/* 0, or a negative errno without privileges. */
static inline int veths_up(void)
{
	if (unshare(CLONE_NEWNET | CLONE_NEWNS) != 0)
		return -errno;
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 || !mkdtemp(veths_folder) ||
	    mount("bpf", veths_folder, "bpf", 0, NULL) != 0)
		return -errno;
	veths_run("echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6 && "
		  "echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6");
	for (unsigned role = 0; role < PORT_ROLES; role++)
		veths_add(role);
	return 0;
}

static inline void veths_down(void)
{
	umount(veths_folder);
	rmdir(veths_folder);
}

/* A socket for all frames of an interface. */
static inline int veths_socket(const char *name)
{
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_ALL));
	struct sockaddr_ll address = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL),
		.sll_ifindex = (int)if_nametoindex(name),
	};
	const int yes = 1, room = 1 << 23;

	CU_ASSERT_FATAL(fd >= 0);
	CU_ASSERT_EQUAL(setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room), 0);
	CU_ASSERT_EQUAL(setsockopt(fd, SOL_PACKET, PACKET_AUXDATA, &yes, sizeof yes), 0);
	CU_ASSERT_EQUAL_FATAL(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
	return fd;
}

/* The kernel takes a frame's outermost tag out before a socket sees it, and says so beside it. */
static inline size_t veths_put_back(struct msghdr *message, uint8_t *frame, size_t size)
{
	struct cmsghdr *beside = CMSG_FIRSTHDR(message);
	struct tpacket_auxdata about;

	if (!beside || beside->cmsg_type != PACKET_AUXDATA)
		return size;
	memcpy(&about, CMSG_DATA(beside), sizeof about);
	if (!(about.tp_status & TP_STATUS_VLAN_VALID))
		return size;
	memmove(frame + ETHERNET_HEADER + 2, frame + ETHERNET_MACS, size - ETHERNET_MACS);
	ethernet_store(frame + ETHERNET_MACS, about.tp_vlan_tpid);
	ethernet_store(frame + ETHERNET_HEADER, about.tp_vlan_tci);
	return size + ETHERNET_TAG;
}

/*
 * The next frame that came to the socket's interface, and not from it, of VETHS_FRAME bytes at
 * most. Its size; 0: none came.
 */
static inline size_t veths_receive(int fd, uint8_t *frame, int wait_ms)
{
	struct sockaddr_ll from;
	struct iovec space = {frame, VETHS_FRAME - ETHERNET_TAG};
	uint8_t beside[CMSG_SPACE(sizeof(struct tpacket_auxdata))];
	struct pollfd asked = {.fd = fd, .events = POLLIN};

	while (poll(&asked, 1, wait_ms) == 1) {
		struct msghdr message = {
			.msg_name = &from,
			.msg_namelen = sizeof from,
			.msg_iov = &space,
			.msg_iovlen = 1,
			.msg_control = beside,
			.msg_controllen = sizeof beside,
		};
		ssize_t got = recvmsg(fd, &message, 0);

		if (got > 0 && from.sll_pkttype != PACKET_OUTGOING)
			return veths_put_back(&message, frame, (size_t)got);
	}
	return 0;
}

/* Forget what came. */
static inline void veths_drain(int fd)
{
	uint8_t frame[VETHS_FRAME];

	while (veths_receive(fd, frame, 0) > 0)
		;
}
