/* SPDX-License-Identifier: BSD-3-Clause */
/* See follow.h. */
#include "follow.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static void forget(struct follow *follow)
{
	if (follow->board)
		munmap((void *)follow->board, sizeof *follow->board);
	if (follow->fd >= 0)
		close(follow->fd);
	follow->board = NULL;
	follow->fd = -1;
}

/* A board whose writer is not done with its head yet is looked at again next time. */
static bool map_board(struct follow *follow, const struct stat *status)
{
	const struct board_control *board;

	if (!S_ISREG(status->st_mode) || status->st_size < (off_t)sizeof *board)
		return false;
	board = mmap(NULL, sizeof *board, PROT_READ, MAP_SHARED, follow->fd, 0);
	if (board == MAP_FAILED)
		return false;
	if (__atomic_load_n(&board->magic, __ATOMIC_ACQUIRE) != BOARD_MAGIC ||
	    board->version != BOARD_VERSION) {
		munmap((void *)board, sizeof *board);
		return false;
	}
	follow->board = board;
	return true;
}

static void find(struct follow *follow)
{
	struct stat status;

	follow->fd = open(follow->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (follow->fd < 0)
		return;
	if (fstat(follow->fd, &status) || !map_board(follow, &status)) {
		forget(follow);
		return;
	}
	follow->device = status.st_dev;
	follow->inode = status.st_ino;
	follow->heeded = false;
}

void follow_open(struct follow *follow, const char *run_dir)
{
	*follow = (struct follow){.fd = -1};
	snprintf(follow->path, sizeof follow->path, "%s/" BOARD_CONTROL, run_dir);
	find(follow);
}

void follow_close(struct follow *follow)
{
	forget(follow);
}

void follow_refresh(struct follow *follow)
{
	struct stat status;

	if (follow->board && stat(follow->path, &status) == 0 && status.st_dev == follow->device &&
	    status.st_ino == follow->inode)
		return;
	forget(follow);
	find(follow);
}

bool follow_daemon_lives(const struct follow *follow)
{
	if (!follow->board)
		return false;
	if (flock(follow->fd, LOCK_SH | LOCK_NB))
		return errno == EWOULDBLOCK;
	flock(follow->fd, LOCK_UN);
	return false;
}

bool follow_rung(struct follow *follow, uint64_t *generation)
{
	uint32_t doorbell;

	if (!follow->board)
		return false;
	doorbell = __atomic_load_n(&follow->board->doorbell, __ATOMIC_ACQUIRE);
	if (follow->heeded && doorbell == follow->doorbell)
		return false;
	follow->doorbell = doorbell;
	follow->heeded = true;
	*generation = __atomic_load_n(&follow->board->generation, __ATOMIC_ACQUIRE);
	return true;
}

uint64_t follow_wanted(const struct follow *follow)
{
	if (!follow_daemon_lives(follow))
		return 0;
	return __atomic_load_n(&follow->board->generation, __ATOMIC_ACQUIRE);
}

void follow_wait(const struct follow *follow, unsigned timeout_ms)
{
	const struct timespec timeout = {
		.tv_sec = timeout_ms / 1000,
		.tv_nsec = timeout_ms % 1000 * 1000000L,
	};

	if (follow->board && follow->heeded)
		syscall(SYS_futex, &follow->board->doorbell, FUTEX_WAIT, follow->doorbell, &timeout,
			NULL, 0);
	else
		nanosleep(&timeout, NULL);
}
