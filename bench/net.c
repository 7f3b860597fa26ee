/* SPDX-License-Identifier: BSD-3-Clause */
/* See net.h. */
#include "net.h"
#include "traffic.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <net/if.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>

enum { NAME = 16, RULES_MOST = 1 << 14 };

__attribute__((format(printf, 1, 2))) static int run(const char *format, ...)
{
	char command[512];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(command, sizeof command, format, arguments);
	va_end(arguments);
	if (system(command) == 0)
		return 0;
	fprintf(stderr, "failed: %s\n", command);
	return -1;
}

int net_leave(void)
{
	if (unshare(CLONE_NEWNET | CLONE_NEWNS) ||
	    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("bpf", "/sys/fs/bpf", "bpf", 0, NULL)) {
		perror("cannot have a network of my own");
		return -1;
	}
	return 0;
}

int net_pair(unsigned number)
{
	return run("ip link add out%u numrxqueues 1 numtxqueues 1 type veth "
		   "peer name in%u numrxqueues 1 numtxqueues 1 && "
		   "ethtool -K in%u gro on && "
		   "ip link set out%u up && ip link set in%u up",
		   number, number, number, number, number);
}

static unsigned index_of(const char *kind, unsigned number)
{
	char name[NAME];

	snprintf(name, sizeof name, "%s%u", kind, number);
	return if_nametoindex(name);
}

unsigned net_out(unsigned number)
{
	return index_of("out", number);
}

unsigned net_in(unsigned number)
{
	return index_of("in", number);
}

int net_program(unsigned number)
{
	uint32_t id;
	int result = bpf_xdp_query_id((int)net_in(number), 0, &id);

	return result ? result : bpf_prog_get_fd_by_id(id);
}

static int write_rules(FILE *nft, const char *file, unsigned number, uint32_t blocked)
{
	char text[RULES_MOST] = "", *device;
	FILE *rules = fopen(file, "re");

	if (!rules)
		return -1;
	text[fread(text, 1, sizeof text - 1, rules)] = '\0';
	fclose(rules);
	device = strstr(text, "\"IN\"");
	if (!device)
		return -1;
	*device = '\0';
	fprintf(nft, "%s\"in%u\"%s", text, number, device + strlen("\"IN\""));
	fprintf(nft, "add element netdev bench bots {");
	for (uint32_t i = 0; i < blocked; i++) {
		uint32_t address = traffic_address(traffic_blocked(i));

		fprintf(nft, "%s%u.%u.%u.%u", i ? "," : "", address >> 24, address >> 16 & 255,
			address >> 8 & 255, address & 255);
	}
	fprintf(nft, "}\n");
	return 0;
}

int net_rules(const char *file, unsigned number, uint32_t blocked)
{
	FILE *nft = popen("nft -f -", "we");
	int result = nft ? write_rules(nft, file, number, blocked) : -1;

	if (nft && pclose(nft) != 0)
		result = -1;
	if (result)
		fprintf(stderr, "%s: nftables does not take these rules\n", file);
	return result;
}

/* All go to another host's address, and IP counts them as it drops them. */
int64_t net_passed(unsigned number)
{
	char command[64], text[4096];
	const char *count;
	FILE *ip;

	snprintf(command, sizeof command, "ip -j -s -s link show in%u", number);
	ip = popen(command, "re");
	if (!ip)
		return -1;
	text[fread(text, 1, sizeof text - 1, ip)] = '\0';
	if (pclose(ip) != 0)
		return -1;
	count = strstr(text, "\"otherhost\":");
	return count ? strtoll(count + strlen("\"otherhost\":"), NULL, 10) : 0;
}
