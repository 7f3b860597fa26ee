/* SPDX-License-Identifier: BSD-3-Clause */
/* A twin on the interfaces of veths.h, with one policy, and the frames that it is for. */
#pragma once

#include "load.h"
#include "policies.h"
#include "veths.h"

enum { SKIPPED = 77, SOURCES = 1000, FRAME = 60 };

static const char document[] =
	"{'schema':1,'origins':{'feeds':[],'groups':{}},"
	"'sets':{'bots':{'verdict':'block','entries':['10.0.0.66']}},"
	"'services':{'front':{'destinations':['198.18.0.0/24'],'fallback':'lite'},"
	"'spill':{'destinations':['198.18.1.0/24'],'fallback':'lite'},"
	"'tagged':{'destinations':['198.18.2.0/24'],'fallback':'tagged'}},"
	"'fallbacks':{'lite':{'mac':'02:00:00:00:0f:01'},"
	"'tagged':{'mac':'02:00:00:00:0f:02','vlan':7,'port':'fallback'}},"
	"'rules':[{'name':'spill','service':'spill','admit':'0%','else':'divert'},"
	"{'name':'tagged','service':'tagged','admit':'0%','else':'divert'},"
	"{'name':'front','service':'front'}]}";

enum { TO_FRONT = 0, TO_SPILL = 1, TO_TAGGED = 2, TO_NOBODY = 9 };
enum { GOOD = 1, BAD = 66 };

static struct twin *twin;
static struct made made;
static char pins[64];
static int at[PORT_ROLES], far[PORT_ROLES]; /* sockets on the interfaces, and on their far ends */
static struct twin_error error;

static inline void open_twin(enum twin_mode mode, unsigned roles, uint64_t now_ns)
{
	struct twin_options options = {.pins = pins,
				       .mode = mode,
				       .pairs = 1,
				       .sources = SOURCES,
				       .now_ns = now_ns,
				       .explain = getenv("EXPLAIN")};
	void *segments[SEGMENT_KINDS];

	for (unsigned role = 0; role < roles; role++)
		strcpy(options.pair[0].name[role], veths_name[role]);
	CU_ASSERT_EQUAL_FATAL(twin_open(&options, &twin, &error), 0);
	for (unsigned kind = 0; kind < SEGMENT_KINDS; kind++)
		segments[kind] = made.compiled.segment[kind]->data;
	CU_ASSERT_EQUAL_FATAL(twin_prepare(twin, segments, &made.image, false, &error), 0);
	twin_commit(twin, 1);
}

static inline void attach(enum twin_mode mode, unsigned roles)
{
	int result;

	open_twin(mode, roles, 0);
	result = twin_attach(twin, &error);
	if (result)
		fprintf(stderr, "\n%s\n", error.message);
	CU_ASSERT_EQUAL_FATAL(result, 0);
	for (unsigned role = 0; role < PORT_ROLES; role++) {
		veths_drain(at[role]);
		veths_drain(far[role]);
	}
}

static inline void detach(void)
{
	twin_close(twin);
	twin = NULL;
	CU_ASSERT_EQUAL(twin_detach(pins, &error), 0);
}

/* A UDP frame from 10.0.0.FROM to 198.18.TO.80, in the other direction if `back`. */
static inline size_t make_frame(uint8_t frame[FRAME], uint8_t from, uint8_t to, bool tagged,
				bool back)
{
	const uint8_t here[4] = {10, 0, 0, from}, there[4] = {198, 18, to, 80};
	uint8_t *ip = frame + (tagged ? 18 : 14);

	memset(frame, 0, FRAME);
	memset(frame, 0xff, 6);
	frame[6] = 2;
	if (tagged)
		memcpy(frame + 12, "\x81\x00\xa0\x05", 4); /* priority 5, VLAN 5 */
	ip[-2] = 0x08;
	ip[0] = 0x45;
	ip[3] = 40;
	ip[8] = 64;
	ip[9] = PROTO_UDP;
	memcpy(ip + 12, back ? there : here, 4);
	memcpy(ip + 16, back ? here : there, 4);
	ip[21] = ip[23] = 80;
	ip[25] = 20;
	return FRAME;
}

static inline void send_frame(int fd, uint8_t from, uint8_t to, bool tagged, bool back)
{
	uint8_t frame[FRAME];
	size_t size = make_frame(frame, from, to, tagged, back);

	CU_ASSERT_EQUAL(send(fd, frame, size, 0), (ssize_t)size);
}

/* Whether the frame, sent to the edge, arrives at a socket; it is in `frame` then. */
static inline bool arrives(int fd, uint8_t from, uint8_t to, bool tagged, uint8_t *frame)
{
	send_frame(far[PORT_EDGE], from, to, tagged, false);
	return veths_receive(fd, frame, VETHS_WAIT_MS) > 0;
}

static inline struct worker_counters sum(void)
{
	static struct worker_counters all;
	const uint32_t *slot_rule;
	uint32_t cpus;
	const struct worker_counters *counters = twin_counters(twin, &cpus, &slot_rule);

	memset(&all, 0, sizeof all);
	for (uint32_t cpu = 0; cpu < cpus; cpu++) {
		struct count *to = (struct count *)&all;
		const struct count *from = (const struct count *)&counters[cpu];

		CU_ASSERT(counters_add_up(&counters[cpu]));
		for (size_t i = 0; i < sizeof all / sizeof *to; i++)
			count_sum(&to[i], &from[i]);
	}
	return all;
}

static inline struct twin_interface edge_now(void)
{
	struct twin_interface interfaces[TWIN_INTERFACES];

	CU_ASSERT_FATAL(twin_interfaces(twin, interfaces) > 0);
	return interfaces[PORT_EDGE];
}

/* The first test: what the others need. */
static inline void attached_begin(void)
{
	for (unsigned role = 0; role < PORT_ROLES; role++) {
		at[role] = veths_socket(veths_name[role]);
		far[role] = veths_socket(veths_far[role]);
	}
	made_from(&made, policy_from(document));
	for (uint16_t i = 0; i < made.image.rule_count; i++)
		made.image.rules[i].slot = i;
	CU_ASSERT_EQUAL(twin_detach(pins, &error), 0);
}

static inline int attached_run(const char *name, CU_TestInfo *tests)
{
	int result = veths_up();

	if (result != 0) {
		printf("no network of its own: %s\n", strerror(-result));
		return SKIPPED;
	}
	snprintf(pins, sizeof pins, "%s/twin", veths_folder);
	result = suite_run(name, tests);
	made_free(&made);
	veths_down();
	return result;
}
