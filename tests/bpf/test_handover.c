/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Handing over to a process with an AF_XDP socket, as DPDK opens one, by libxdp: it gets the frames
 * while it promises to serve, and in the packet after it is gone the twin decides.
 */
#include "attached.h"

#include <bpf/libbpf.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <xdp/xsk.h>

enum { BUFFERS = 64, BUFFER = XSK_UMEM__DEFAULT_FRAME_SIZE };
enum { UNTIL_ENDED = 600 };

static const struct timespec moment = {.tv_nsec = 1000000};
static volatile sig_atomic_t ended;

static void on_term(int signal)
{
	(void)signal;
	ended = 1;
}

/* Open a socket on the edge, say so, and wait to be ended: orderly by SIGTERM. */
static void serve(int ready)
{
	struct xsk_socket_config config = {
		.rx_size = XSK_RING_CONS__DEFAULT_NUM_DESCS,
		.tx_size = XSK_RING_PROD__DEFAULT_NUM_DESCS,
		.bind_flags = XDP_COPY,
	};
	struct xsk_ring_prod fill, sent;
	struct xsk_ring_cons done, received;
	struct xsk_umem *memory;
	struct xsk_socket *socket;
	void *area = mmap(NULL, BUFFERS * BUFFER, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint8_t failed = xsk_umem__create(&memory, area, BUFFERS * BUFFER, &fill, &done, NULL) != 0;
	uint32_t first;
	int result = -ENOMEM;

	/* Of one that was killed, the kernel lets go of the queue a moment later. */
	for (unsigned i = 0; i < VETHS_WAIT_MS && !failed; i++) {
		result = xsk_socket__create(&socket, "edge", 0, memory, &received, &sent, &config);
		if (result != -EBUSY)
			break;
		clock_nanosleep(CLOCK_MONOTONIC, 0, &moment, NULL);
	}
	failed = result != 0;
	signal(SIGTERM, on_term);
	alarm(UNTIL_ENDED);
	if (!failed && xsk_ring_prod__reserve(&fill, BUFFERS, &first) == BUFFERS) {
		for (uint32_t i = 0; i < BUFFERS; i++)
			*xsk_ring_prod__fill_addr(&fill, first + i) = i * BUFFER;
		xsk_ring_prod__submit(&fill, BUFFERS);
	}
	if (write(ready, &failed, 1) != 1 || failed)
		_exit(EXIT_FAILURE);
	while (!ended)
		pause();
	xsk_socket__delete(socket);
	xsk_umem__delete(memory);
	_exit(EXIT_SUCCESS);
}

static pid_t server_start(void)
{
	int ready[2];
	uint8_t failed = 1;
	pid_t pid;

	CU_ASSERT_EQUAL_FATAL(pipe(ready), 0);
	pid = fork();
	CU_ASSERT_FATAL(pid >= 0);
	if (pid == 0)
		serve(ready[1]);
	close(ready[1]);
	CU_ASSERT_EQUAL(read(ready[0], &failed, 1), 1);
	CU_ASSERT_FALSE_FATAL(failed);
	close(ready[0]);
	return pid;
}

static void server_end(pid_t pid, int signal)
{
	CU_ASSERT_EQUAL(kill(pid, signal), 0);
	CU_ASSERT_EQUAL(waitpid(pid, NULL, 0), pid);
}

/* As the data plane does each round; or as it did before now, if it did no more. */
static void promise(int seconds)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	twin_state(twin)->serving_until_ns =
		(uint64_t)(now.tv_sec + seconds) * UINT64_C(1000000000);
}

/* Whether a frame to the edge is handed over, or else decided; one of the two it must be. */
static bool handed(uint8_t to)
{
	struct worker_counters before = sum(), after;

	send_frame(far[PORT_EDGE], GOOD, to, false, false);
	for (unsigned i = 0; i < VETHS_WAIT_MS; i++) {
		after = sum();
		if (after.handed.packets > before.handed.packets)
			return after.received.packets == before.received.packets;
		if (after.received.packets > before.received.packets)
			return false;
		clock_nanosleep(CLOCK_MONOTONIC, 0, &moment, NULL);
	}
	CU_FAIL("the frame came to nothing");
	return false;
}

static void check_handover(enum twin_mode mode, int signal)
{
	uint8_t frame[VETHS_FRAME];
	pid_t server;

	attach(mode, PORT_FALLBACK);
	promise(UNTIL_ENDED);
	CU_ASSERT_FALSE(twin_serving(twin));
	CU_ASSERT_FALSE(handed(TO_FRONT));
	promise(-1);
	server = server_start();
	CU_ASSERT_EQUAL(edge_now().sockets, 1);
	CU_ASSERT_FALSE(twin_serving(twin));
	CU_ASSERT_FALSE(handed(TO_FRONT));
	promise(UNTIL_ENDED);
	CU_ASSERT(twin_serving(twin));
	CU_ASSERT(handed(TO_FRONT));
	CU_ASSERT_EQUAL(handed(TO_NOBODY), mode == TWIN_STANDBY);
	/* The program is replaced under the socket. */
	twin_close(twin);
	open_twin(mode, PORT_FALLBACK, 0);
	CU_ASSERT_EQUAL(twin_attach(twin, &error), 0);
	CU_ASSERT_EQUAL(edge_now().sockets, 1);
	CU_ASSERT(handed(TO_FRONT));
	/* It ends, with its promise still good. */
	server_end(server, signal);
	veths_drain(far[PORT_SERVER]);
	CU_ASSERT(arrives(far[PORT_SERVER], GOOD, TO_FRONT, false, frame));
	CU_ASSERT_EQUAL(edge_now().sockets, 0);
	CU_ASSERT(edge_now().attached);
	CU_ASSERT_FALSE(twin_serving(twin));
	/* And is back. */
	server = server_start();
	CU_ASSERT(handed(TO_FRONT));
	server_end(server, SIGKILL);
	detach();
}

static void test_killed(void)
{
	check_handover(TWIN_STANDBY, SIGKILL);
}

static void test_ended(void)
{
	check_handover(TWIN_STANDBY, SIGTERM);
}

static void test_steer(void)
{
	check_handover(TWIN_STEER, SIGKILL);
}

int main(void)
{
	CU_TestInfo tests[] = {
		{"there is a network, and nothing to detach", attached_begin},
		{"who is killed is stood in for", test_killed},
		{"so is who ends, and takes no program along", test_ended},
		{"steer hands over what is a service's alone", test_steer},
		CU_TEST_INFO_NULL,
	};

	return attached_run("handover", tests);
}
