/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A data plane without packets, for what the real one does not do at will: refuse, or be
 * slow. fake_dataplane RUN WORKERS [RULE...]: writes the board and counters of WORKERS
 * workers, each of which has admitted so many packets of so many rules. Lines on standard
 * input say what it does with generations from then on, "cross", "refuse" or "ignore", and
 * are echoed; "strain" makes its ports and workers bear too much, "ease" no more. At the end of
 * the lines it exits.
 */
#include "board.h"
#include "vitals.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static void *file_map(int folder, const char *name, size_t size, int *fd)
{
	void *at;

	*fd = openat(folder, name, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	if (*fd < 0 || ftruncate(*fd, (off_t)size)) {
		perror(name);
		exit(EXIT_FAILURE);
	}
	at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, *fd, 0);
	if (at == MAP_FAILED) {
		perror(name);
		exit(EXIT_FAILURE);
	}
	return at;
}

static uint64_t clock_now(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* Worker w has admitted w + 1 packets of 100 bytes of each rule. */
static void write_counters(int folder, uint32_t workers, char **rules, int count)
{
	size_t size = sizeof(struct counters) + workers * sizeof(struct worker_counters);
	const struct decision decision = {.verdict = VERDICT_PASS, .reason = REASON_ADMITTED};
	const uint32_t length = 100;
	struct counters *counters;
	int fd;

	counters = file_map(folder, BOARD_COUNTERS, size, &fd);
	memset(counters, 0, size);
	counters->version = COUNTERS_VERSION;
	counters->workers = workers;
	for (int i = 0; i < count; i++) {
		const struct rule rule = {.slot = (uint16_t)i};

		counters->slot_rule[i] = (uint32_t)image_hash(rules[i], strlen(rules[i]));
		for (uint32_t w = 0; w < workers; w++) {
			for (uint32_t packets = 0; packets <= w; packets++) {
				counters_decided(&counters->worker[w], &length, &decision, 1);
				count_rule(&counters->worker[w], length, &decision, &rule);
				count_packet(&counters->worker[w].sent, length);
			}
		}
	}
	counters->magic = COUNTERS_MAGIC;
}

/* An edge port of as many queues as workers, and a server port that counts no queues. */
static struct vitals *write_vitals(int folder, uint32_t workers)
{
	struct vitals *vitals;
	int fd;

	vitals = file_map(folder, BOARD_VITALS, sizeof *vitals, &fd);
	memset(vitals, 0, sizeof *vitals);
	vitals->version = VITALS_VERSION;
	vitals->workers = workers;
	vitals->ports = 2;
	vitals->port[0] = (struct vitals_port){.name = "fake0",
					       .role = PORT_EDGE,
					       .spread = SPREAD_SOURCES,
					       .rx_queues = workers,
					       .counted_queues = workers,
					       .speed_mbps = 25000,
					       .received = {70, 7000},
					       .sent = {30, 3000},
					       .rx_errors = 2,
					       .tx_errors = 3};
	for (uint32_t i = 0; i < workers && i < VITALS_QUEUES; i++)
		vitals->port[0].queue[i].received = (struct count){i + 1, 100 * (i + 1)};
	vitals->port[1] = (struct vitals_port){.name = "fake1",
					       .role = PORT_SERVER,
					       .spread = SPREAD_UNKNOWN,
					       .rx_queues = 1,
					       .speed_mbps = VITALS_SPEED_UNKNOWN};
	for (uint32_t i = 0; i < workers; i++)
		vitals->worker[i] = (struct vitals_worker){.busy_bp = 1234 + i, .burst_x100 = 1650};
	vitals->magic = VITALS_MAGIC;
	return vitals;
}

/* Just now and for four seconds, or never. */
static void strain(struct vitals *vitals, bool strained)
{
	uint64_t now_ns = clock_now(CLOCK_BOOTTIME), since_ns = now_ns - UINT64_C(4000000000);

	vitals->port[0].missed = strained ? 1000 : 0;
	vitals->port[0].no_buffer = strained ? 7 : 0;
	vitals->port[0].dropped_ns = strained ? now_ns : 0;
	vitals->port[1].speed_mbps = strained ? VITALS_DOWN : VITALS_SPEED_UNKNOWN;
	vitals->worker[1].busy_bp = strained ? 9950 : 1235;
	vitals->worker[1].saturated_ns = strained ? since_ns : 0;
}

static struct board_dataplane *write_board(int folder, uint32_t workers)
{
	struct board_dataplane *board;
	int fd;

	board = file_map(folder, BOARD_DATAPLANE, sizeof *board, &fd);
	if (flock(fd, LOCK_EX)) {
		perror(BOARD_DATAPLANE);
		exit(EXIT_FAILURE);
	}
	memset(board, 0, sizeof *board);
	board->version = BOARD_VERSION;
	board->workers = workers;
	board->pid = (uint32_t)getpid();
	board->started_ns = clock_now(CLOCK_REALTIME);
	board->heartbeat_ns = clock_now(CLOCK_BOOTTIME);
	__atomic_store_n(&board->magic, BOARD_MAGIC, __ATOMIC_RELEASE);
	return board;
}

static void cross(struct board_dataplane *board, uint64_t generation)
{
	for (uint32_t i = 0; i < board->workers; i++)
		__atomic_store_n(&board->worker[i].generation, generation, __ATOMIC_RELEASE);
	__atomic_store_n(&board->generation, generation, __ATOMIC_RELEASE);
}

static void refuse(struct board_dataplane *board, uint64_t generation)
{
	if (board->refusal.generation == generation)
		return;
	__atomic_store_n(&board->serial, board->serial + 1, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_RELEASE);
	board->refusal.generation = generation;
	strcpy(board->refusal.message, "it is only a fake");
	__atomic_store_n(&board->serial, board->serial + 1, __ATOMIC_RELEASE);
}

/* Read the next line, if there is one, and do what it says; false: there are no more. */
static bool obey(struct vitals *vitals, char command[16])
{
	struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
	char line[16];

	if (poll(&input, 1, 0) <= 0)
		return true;
	if (!fgets(line, sizeof line, stdin))
		return false;
	if (line[0] == 's' || line[0] == 'e')
		strain(vitals, line[0] == 's');
	else
		strcpy(command, line);
	printf("%s", line);
	return fflush(stdout) == 0;
}

int main(int argc, char **argv)
{
	const struct timespec round = {.tv_nsec = 10000000};
	uint32_t workers = argc > 2 ? (uint32_t)atoi(argv[2]) : 0;
	int folder = argc > 2 ? open(argv[1], O_RDONLY | O_DIRECTORY) : -1, fd;
	struct board_control *control;
	struct board_dataplane *board;
	struct vitals *vitals;
	char command[16] = "cross\n";

	if (folder < 0 || workers < 1 || workers > CAP_WORKERS)
		return 2;
	control = file_map(folder, BOARD_CONTROL, sizeof *control, &fd);
	write_counters(folder, workers, argv + 3, argc - 3);
	vitals = write_vitals(folder, workers);
	board = write_board(folder, workers);
	printf("ready\n");
	fflush(stdout);
	while (obey(vitals, command)) {
		uint32_t doorbell = __atomic_load_n(&control->doorbell, __ATOMIC_ACQUIRE);
		uint64_t wanted = __atomic_load_n(&control->generation, __ATOMIC_ACQUIRE);

		board->heartbeat_ns = clock_now(CLOCK_BOOTTIME);
		if (wanted > board->generation && command[0] == 'c')
			cross(board, wanted);
		else if (wanted > board->generation && command[0] == 'r')
			refuse(board, wanted);
		syscall(SYS_futex, &control->doorbell, FUTEX_WAIT, doorbell, &round, NULL, 0);
	}
	return EXIT_SUCCESS;
}
