/* SPDX-License-Identifier: BSD-3-Clause */
/* The program on interfaces, with real frames: what goes where in each mode, and how it is counted.
 */
#include "attached.h"
#include "hook.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <pthread.h>

enum { SOME = 200 }; /* frames */

/* Another program on an interface, which lets all pass; or none. */
static void set_other(const char *name, bool on)
{
	const struct bpf_insn pass[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = XDP_PASS},
		{.code = BPF_JMP | BPF_EXIT},
	};
	int program = -1;

	if (on) {
		program = bpf_prog_load(BPF_PROG_TYPE_XDP, "other", "BSD", pass, 2, NULL);
		CU_ASSERT_FATAL(program >= 0);
	}
	CU_ASSERT_EQUAL(bpf_xdp_attach((int)if_nametoindex(name), program, 0, NULL), 0);
	if (on)
		close(program);
}

/* What is dropped cannot be waited for: it is counted before what was sent after it arrives. */
static void check_blocked(int fd)
{
	struct worker_counters before = sum(), after;
	uint8_t frame[VETHS_FRAME];

	send_frame(far[PORT_EDGE], BAD, TO_FRONT, false, false);
	CU_ASSERT(arrives(fd, GOOD, TO_FRONT, false, frame));
	CU_ASSERT_EQUAL(frame[14 + 15], GOOD);
	after = sum();
	CU_ASSERT_EQUAL(after.reason[REASON_BLOCKED].packets,
			before.reason[REASON_BLOCKED].packets + 1);
	CU_ASSERT_EQUAL(after.reason[REASON_ADMITTED].packets,
			before.reason[REASON_ADMITTED].packets + 1);
	CU_ASSERT_EQUAL(after.sent.packets, before.sent.packets + 1);
	CU_ASSERT_EQUAL(after.received.bytes, before.received.bytes + 2 * FRAME);
}

static void test_standby(void)
{
	static const uint8_t lite[6] = {2, 0, 0, 0, 15, 1}, tagged[6] = {2, 0, 0, 0, 15, 2};
	uint8_t frame[VETHS_FRAME];
	struct worker_counters counted;

	attach(TWIN_STANDBY, PORT_ROLES);
	check_blocked(far[PORT_SERVER]);
	/* To the fallback's MAC, on the server's side. */
	CU_ASSERT(arrives(far[PORT_SERVER], GOOD, TO_SPILL, false, frame));
	CU_ASSERT_EQUAL(memcmp(frame, lite, 6), 0);
	CU_ASSERT_EQUAL(frame[12], 0x08);
	/* Through the fallback's port, with a new tag, or another VLAN in the old one. */
	CU_ASSERT(arrives(far[PORT_FALLBACK], GOOD, TO_TAGGED, false, frame));
	CU_ASSERT_EQUAL(memcmp(frame, tagged, 6), 0);
	CU_ASSERT_EQUAL(memcmp(frame + 12, "\x81\x00\x00\x07\x08\x00\x45", 7), 0);
	CU_ASSERT(arrives(far[PORT_FALLBACK], GOOD, TO_TAGGED, true, frame));
	CU_ASSERT_EQUAL(memcmp(frame + 12, "\x81\x00\xa0\x07\x08\x00\x45", 7), 0);
	/* And back. */
	send_frame(far[PORT_SERVER], GOOD, TO_FRONT, false, true);
	CU_ASSERT(veths_receive(far[PORT_EDGE], frame, VETHS_WAIT_MS) > 0);
	CU_ASSERT_EQUAL(frame[14 + 12], 198);
	counted = sum();
	CU_ASSERT_EQUAL(counted.returned.packets, 1);
	CU_ASSERT_EQUAL(counted.handed.packets, 0);
	CU_ASSERT_EQUAL(counted.verdict[VERDICT_DIVERT].packets, 3);
	for (uint32_t i = 0; i < made.image.rule_count; i++) {
		const struct count *rule = counted.rule[made.image.rules[i].slot];

		CU_ASSERT_EQUAL(rule[OUTCOME_DIVERTED].packets + rule[OUTCOME_ADMITTED].packets,
				i == 1 ? 2 : 1);
	}
	detach();
}

static void test_alone(void)
{
	uint8_t frame[VETHS_FRAME];

	attach(TWIN_ALONE, PORT_FALLBACK);
	check_blocked(far[PORT_SERVER]);
	CU_ASSERT(arrives(far[PORT_SERVER], GOOD, TO_TAGGED, false, frame));
	detach();
	/* A veth sends what a program gives back only to a peer that has a program too. */
	set_other("client", true);
	/* With one interface all that passes is the kernel's, and what is diverted goes out again.
	 */
	attach(TWIN_ALONE, PORT_SERVER);
	check_blocked(at[PORT_EDGE]);
	CU_ASSERT(arrives(far[PORT_EDGE], GOOD, TO_SPILL, false, frame));
	CU_ASSERT_EQUAL(frame[5], 1);
	detach();
	set_other("client", false);
}

static void test_steer(void)
{
	uint8_t frame[VETHS_FRAME];

	attach(TWIN_STEER, PORT_FALLBACK);
	check_blocked(far[PORT_SERVER]);
	CU_ASSERT(arrives(at[PORT_EDGE], GOOD, TO_NOBODY, false, frame));
	send_frame(far[PORT_SERVER], GOOD, TO_FRONT, false, true);
	CU_ASSERT(veths_receive(far[PORT_EDGE], frame, VETHS_WAIT_MS) > 0);
	send_frame(far[PORT_SERVER], GOOD, TO_NOBODY, false, true);
	CU_ASSERT(veths_receive(at[PORT_SERVER], frame, VETHS_WAIT_MS) > 0);
	CU_ASSERT_EQUAL(sum().returned.packets, 1);
	detach();
}

static void test_interfaces(void)
{
	struct twin_interface interfaces[TWIN_INTERFACES];

	attach(TWIN_STANDBY, PORT_ROLES);
	CU_ASSERT_EQUAL_FATAL(twin_interfaces(twin, interfaces), PORT_ROLES);
	for (unsigned role = 0; role < PORT_ROLES; role++) {
		CU_ASSERT_STRING_EQUAL(interfaces[role].name, veths_name[role]);
		CU_ASSERT_EQUAL(interfaces[role].role, role);
		CU_ASSERT(interfaces[role].attached);
		CU_ASSERT(interfaces[role].native);
		CU_ASSERT_EQUAL(interfaces[role].sockets, 0);
		CU_ASSERT_STRING_EQUAL(interfaces[role].problem, "");
	}
	CU_ASSERT_FALSE(twin_serving(twin));
	detach();
	CU_ASSERT_EQUAL(access(pins, F_OK), -1);
	CU_ASSERT_FALSE(hook_is_native(if_nametoindex("edge")));
	CU_ASSERT_EQUAL(twin_detach(pins, &error), 0);
}

static void test_foreign(void)
{
	set_other("edge", true);
	open_twin(TWIN_STANDBY, PORT_FALLBACK, 0);
	CU_ASSERT_EQUAL(twin_attach(twin, &error), -EBUSY);
	CU_ASSERT_PTR_NOT_NULL(
		strstr(error.message, "edge: another program is attached, \"other\""));
	CU_ASSERT_STRING_EQUAL(edge_now().problem, error.message + strlen("edge: "));
	CU_ASSERT_FALSE(edge_now().attached);
	CU_ASSERT(hook_is_native(if_nametoindex("server")));
	set_other("edge", false);
	CU_ASSERT_EQUAL(twin_attach(twin, &error), 0);
	CU_ASSERT(edge_now().attached);
	CU_ASSERT_STRING_EQUAL(edge_now().problem, "");
	detach();
}

/* What frames are hidden by is said; and a program is attached all the same. */
static void test_offload(void)
{
	veths_run("ethtool -K edge rxvlan on");
	attach(TWIN_STANDBY, PORT_FALLBACK);
	CU_ASSERT(edge_now().attached);
	CU_ASSERT_STRING_EQUAL(edge_now().problem, "hides VLAN tags: ethtool -K edge rxvlan off");
	veths_run("ethtool -K edge rxvlan off");
	CU_ASSERT_EQUAL(twin_attach(twin, &error), 0);
	CU_ASSERT_STRING_EQUAL(edge_now().problem, "");
	detach();
}

/* An interface goes and comes back: as another, of the same name. */
static void test_gone(void)
{
	attach(TWIN_STANDBY, PORT_FALLBACK);
	veths_remove(PORT_EDGE);
	CU_ASSERT_FALSE(edge_now().attached);
	CU_ASSERT_STRING_EQUAL(edge_now().problem, "it is gone");
	CU_ASSERT_EQUAL(twin_attach(twin, &error), -ENODEV);
	CU_ASSERT_STRING_EQUAL(edge_now().problem, "there is no interface edge");
	veths_add(PORT_EDGE);
	close(at[PORT_EDGE]);
	close(far[PORT_EDGE]);
	at[PORT_EDGE] = veths_socket(veths_name[PORT_EDGE]);
	far[PORT_EDGE] = veths_socket(veths_far[PORT_EDGE]);
	CU_ASSERT_EQUAL(twin_attach(twin, &error), 0);
	CU_ASSERT(edge_now().attached);
	check_blocked(far[PORT_SERVER]);
	detach();
}

static bool stopped;
static uint64_t sent, lost;

/* One frame after the other, each once the former has arrived. */
static void *send_all(void *unused)
{
	uint8_t frame[VETHS_FRAME];

	while (!__atomic_load_n(&stopped, __ATOMIC_RELAXED)) {
		size_t size = make_frame(frame, GOOD, TO_FRONT, false, false);

		lost += send(far[PORT_EDGE], frame, size, 0) != (ssize_t)size ||
			veths_receive(far[PORT_SERVER], frame, VETHS_WAIT_MS) == 0;
		__atomic_store_n(&sent, sent + 1, __ATOMIC_RELAXED);
	}
	return unused;
}

/* Until frames went through what is attached now. */
static void wait_for_some(void)
{
	uint64_t before = __atomic_load_n(&sent, __ATOMIC_RELAXED);

	while (__atomic_load_n(&sent, __ATOMIC_RELAXED) < before + SOME)
		sched_yield();
}

static uint32_t program_on_edge(void)
{
	uint32_t id = 0;

	CU_ASSERT_EQUAL(bpf_xdp_query_id((int)if_nametoindex("edge"), 0, &id), 0);
	return id;
}

/* Another process, as it were, takes over what the first left: not a frame is lost meanwhile. */
static void test_update(void)
{
	struct siphash_key key;
	pthread_t thread;

	attach(TWIN_STANDBY, PORT_FALLBACK);
	key = twin_state(twin)->key;
	CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, send_all, NULL), 0);
	for (unsigned turn = 0; turn < 3; turn++) {
		uint32_t program = program_on_edge();

		wait_for_some();
		twin_close(twin);
		wait_for_some();
		CU_ASSERT_EQUAL(program_on_edge(), program);
		open_twin(TWIN_STANDBY, PORT_FALLBACK, 1);
		CU_ASSERT(edge_now().attached);
		CU_ASSERT_EQUAL(twin_attach(twin, &error), 0);
		CU_ASSERT_NOT_EQUAL(program_on_edge(), program);
		CU_ASSERT_EQUAL(memcmp(&twin_state(twin)->key, &key, sizeof key), 0);
	}
	wait_for_some();
	__atomic_store_n(&stopped, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	CU_ASSERT_EQUAL(lost, 0);
	CU_ASSERT_EQUAL(sum().sent.packets, sent);
	CU_ASSERT_EQUAL(sum().reason[REASON_ADMITTED].packets, sent);
	printf("(%lu frames) ", sent);
	/* One that has no server lets go of its interface. */
	twin_close(twin);
	open_twin(TWIN_ALONE, PORT_SERVER, 1);
	CU_ASSERT_EQUAL(twin_attach(twin, &error), 0);
	CU_ASSERT_FALSE(hook_is_native(if_nametoindex("server")));
	CU_ASSERT(hook_is_native(if_nametoindex("edge")));
	detach();
}

int main(void)
{
	CU_TestInfo tests[] = {
		{"there is a network, and nothing to detach", attached_begin},
		{"standby forwards, drops, diverts, returns and counts", test_standby},
		{"alone does between two interfaces, and on one", test_alone},
		{"steer leaves to the kernel what is no service's", test_steer},
		{"interfaces are as they are, and detaching leaves nothing", test_interfaces},
		{"another's program is left alone, and named", test_foreign},
		{"offloads that hide something are named", test_offload},
		{"an interface that comes back is attached to", test_gone},
		{"who comes back takes over in place, under traffic", test_update},
		CU_TEST_INFO_NULL,
	};

	return attached_run("attach", tests);
}
