/* SPDX-License-Identifier: BSD-3-Clause */
/* See publish.h. */
#include "publish.h"
#include "say.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { LOCK_TRIES = 20, LOCK_PAUSE_MS = 5 };

static int fail(const char *path, const char *what)
{
	int result = -errno;

	say("%s: %s: %s", path, what, strerror(errno));
	return result;
}

/* Readers hold a shared lock for an instant when they look whether a writer lives. */
static int lock_board(int fd)
{
	const struct timespec pause = {.tv_nsec = LOCK_PAUSE_MS * 1000000L};

	for (int i = 0; i < LOCK_TRIES; i++) {
		if (flock(fd, LOCK_EX | LOCK_NB) == 0)
			return 0;
		if (errno != EWOULDBLOCK)
			return -errno;
		nanosleep(&pause, NULL);
	}
	return -EBUSY;
}

static int refuse_second(const char *path, int fd)
{
	struct board_dataplane other = {0};

	if (pread(fd, &other, sizeof other, 0) != sizeof other || other.magic != BOARD_MAGIC)
		other.pid = 0;
	say("%s: another data plane is running, with pid %u", path, other.pid);
	return -EBUSY;
}

static int open_board(const char *path, struct publish *publish)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
	int result;
	void *board;

	if (fd < 0)
		return fail(path, "cannot be opened");
	result = lock_board(fd);
	if (result == -EBUSY)
		result = refuse_second(path, fd);
	else if (result || (errno = posix_fallocate(fd, 0, sizeof(struct board_dataplane))))
		result = fail(path, "cannot be taken");
	if (result)
		goto out;
	board = mmap(NULL, sizeof(struct board_dataplane), PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		     0);
	if (board == MAP_FAILED) {
		result = fail(path, "cannot be mapped");
		goto out;
	}
	publish->board = board;
	publish->board_fd = fd;
	return 0;
out:
	close(fd);
	return result;
}

/*
 * Sizes may differ from run to run, and a reader may still have the last run's file mapped: so
 * `build` fills in a new file, zeroed, which takes the name once it is whole.
 */
static void *create_file(const char *run_dir, const char *name, size_t size, unsigned workers,
			 void (*build)(void *at, unsigned workers))
{
	char path[PATH_MAX], temporary[PATH_MAX];
	void *at = MAP_FAILED;
	int fd;

	snprintf(path, sizeof path, "%s/%s", run_dir, name);
	snprintf(temporary, sizeof temporary, "%s/%s.new", run_dir, name);
	unlink(temporary);
	fd = open(temporary, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
	if (fd < 0) {
		fail(temporary, "cannot be created");
		return NULL;
	}
	errno = posix_fallocate(fd, 0, (off_t)size);
	if (errno == 0)
		at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, 0);
	close(fd);
	if (at == MAP_FAILED) {
		fail(temporary, "cannot be mapped");
		return NULL;
	}
	build(at, workers);
	if (rename(temporary, path) == 0)
		return at;
	fail(path, "cannot be replaced");
	munmap(at, size);
	return NULL;
}

static void build_counters(void *at, unsigned workers)
{
	struct counters *counters = at;

	counters->magic = COUNTERS_MAGIC;
	counters->version = COUNTERS_VERSION;
	counters->workers = workers;
}

static void build_vitals(void *at, unsigned workers)
{
	struct vitals *vitals = at;

	vitals->magic = VITALS_MAGIC;
	vitals->version = VITALS_VERSION;
	vitals->workers = workers;
}

/* The magic goes first and comes last: a reader sees the old board, no board, or the new. */
static void begin_board(struct board_dataplane *board, unsigned workers, uint64_t now_ns)
{
	__atomic_store_n(&board->magic, 0, __ATOMIC_SEQ_CST);
	memset(board, 0, sizeof *board);
	board->version = BOARD_VERSION;
	board->workers = workers;
	board->pid = (uint32_t)getpid();
	board->started_ns = now_ns;
	__atomic_store_n(&board->magic, BOARD_MAGIC, __ATOMIC_SEQ_CST);
}

int publish_open(const char *run_dir, unsigned workers, uint64_t now_ns, struct publish *publish)
{
	struct publish opened = {.board_fd = -1};
	char path[PATH_MAX];
	int result;

	if (mkdir(run_dir, 0755) && errno != EEXIST)
		return fail(run_dir, "cannot be made");
	snprintf(path, sizeof path, "%s/" BOARD_DATAPLANE, run_dir);
	if ((result = open_board(path, &opened)))
		return result;
	opened.counters_size = sizeof(struct counters) + workers * sizeof(struct worker_counters);
	opened.counters =
		create_file(run_dir, BOARD_COUNTERS, opened.counters_size, workers, build_counters);
	opened.vitals =
		create_file(run_dir, BOARD_VITALS, sizeof *opened.vitals, workers, build_vitals);
	if (!opened.counters || !opened.vitals) {
		publish_close(&opened);
		return -EIO;
	}
	begin_board(opened.board, workers, now_ns);
	*publish = opened;
	return 0;
}

void publish_close(struct publish *publish)
{
	if (publish->counters)
		munmap(publish->counters, publish->counters_size);
	if (publish->vitals)
		munmap(publish->vitals, sizeof *publish->vitals);
	munmap(publish->board, sizeof *publish->board);
	close(publish->board_fd);
	*publish = (struct publish){.board_fd = -1};
}

void publish_ring(struct publish *publish)
{
	uint32_t *doorbell = &publish->board->doorbell;

	__atomic_add_fetch(doorbell, 1, __ATOMIC_RELEASE);
	syscall(SYS_futex, doorbell, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

void publish_refusal(struct publish *publish, const struct board_refusal *refusal)
{
	struct board_dataplane *board = publish->board;

	__atomic_store_n(&board->serial, board->serial + 1, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_RELEASE);
	board->refusal = *refusal;
	__atomic_store_n(&board->serial, board->serial + 1, __ATOMIC_RELEASE);
	publish_ring(publish);
}
