/* SPDX-License-Identifier: BSD-3-Clause */
/* Boards and counters, mapped. See boards.h. */
#include "daemon/boards.h"

#include "daemon/file.h"

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

/* A reader that tests whether we live holds the lock for an instant. */
enum { LOCK_TRIES = 10 };

static int lock_own(int fd)
{
	const struct timespec instant = {.tv_nsec = 5000000};

	for (int tries = 0; flock(fd, LOCK_EX | LOCK_NB); tries++) {
		if (errno != EWOULDBLOCK || tries == LOCK_TRIES)
			return -errno;
		nanosleep(&instant, NULL);
	}
	return 0;
}

/* A board of a daemon before this one keeps its generation: numbers only grow. */
static void control_init(struct board_control *control)
{
	if (control->magic != BOARD_MAGIC || control->version != BOARD_VERSION) {
		memset(control, 0, sizeof *control);
		control->version = BOARD_VERSION;
		__atomic_store_n(&control->magic, BOARD_MAGIC, __ATOMIC_RELEASE);
	}
	__atomic_store_n(&control->pid, (uint32_t)getpid(), __ATOMIC_RELAXED);
}

static int control_open(const char *folder_path, int folder, int *fd,
			struct board_control **control, struct error *error)
{
	char path[PATH_MAX];
	/* Nobody else may read it: whoever can open a file can hold its lock, and so our place. */
	int opened = openat(folder, BOARD_CONTROL, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
	void *mapped = MAP_FAILED;
	int result = opened < 0 ? -errno : lock_own(opened);

	snprintf(path, sizeof path, "%s/" BOARD_CONTROL, folder_path);
	if (opened < 0)
		return error_set(error, ERROR_DEGRADED, path, "%s", strerror(-result));
	if (result == -EWOULDBLOCK) {
		error_set(error, ERROR_LOCKED, path, "another sluiced holds it");
	} else if (result == 0) {
		if (ftruncate(opened, sizeof **control) == 0)
			mapped = mmap(NULL, sizeof **control, PROT_READ | PROT_WRITE, MAP_SHARED,
				      opened, 0);
		result = mapped == MAP_FAILED ? -errno : 0;
	}
	if (result) {
		if (result != -EWOULDBLOCK)
			error_set(error, ERROR_DEGRADED, path, "%s", strerror(-result));
		close(opened);
		return -1;
	}
	*fd = opened;
	*control = mapped;
	return 0;
}

int boards_open(const char *path, struct boards *boards, struct error *error)
{
	struct boards opened = {.dataplane_fd = -1};

	opened.folder = file_folder(AT_FDCWD, path, 0755);
	if (opened.folder < 0)
		return error_set(error, ERROR_DEGRADED, path, "%s", strerror(-opened.folder));
	if (control_open(path, opened.folder, &opened.control_fd, &opened.control, error)) {
		close(opened.folder);
		return -1;
	}
	control_init(opened.control);
	*boards = opened;
	return 0;
}

static void dataplane_close(struct boards *boards)
{
	if (boards->dataplane_fd < 0)
		return;
	munmap((void *)boards->dataplane, sizeof *boards->dataplane);
	close(boards->dataplane_fd);
	boards->dataplane_fd = -1;
}

void boards_close(struct boards *boards)
{
	dataplane_close(boards);
	munmap(boards->control, sizeof *boards->control);
	close(boards->control_fd);
	close(boards->folder);
}

void boards_announce(struct boards *boards, uint64_t generation)
{
	struct board_control *control = boards->control;

	__atomic_store_n(&control->generation, generation, __ATOMIC_RELEASE);
	__atomic_add_fetch(&control->doorbell, 1, __ATOMIC_RELEASE);
	syscall(SYS_futex, &control->doorbell, FUTEX_WAKE, INT32_MAX, NULL, NULL, 0);
}

uint64_t boards_announced(const struct boards *boards)
{
	return __atomic_load_n(&boards->control->generation, __ATOMIC_RELAXED);
}

static void dataplane_map(struct boards *boards)
{
	int fd = openat(boards->folder, BOARD_DATAPLANE, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	struct stat status;
	void *mapped;

	if (fd < 0)
		return;
	if (fstat(fd, &status) || (size_t)status.st_size < sizeof *boards->dataplane) {
		close(fd);
		return;
	}
	mapped = mmap(NULL, sizeof *boards->dataplane, PROT_READ, MAP_SHARED, fd, 0);
	if (mapped == MAP_FAILED) {
		close(fd);
		return;
	}
	boards->dataplane_fd = fd;
	boards->device = status.st_dev;
	boards->inode = status.st_ino;
	boards->dataplane = mapped;
}

/* Map the board that now has the name. */
static const struct board_dataplane *dataplane_now(struct boards *boards)
{
	struct stat status;

	if (fstatat(boards->folder, BOARD_DATAPLANE, &status, AT_SYMLINK_NOFOLLOW))
		return NULL;
	if (boards->dataplane_fd >= 0 &&
	    (status.st_dev != boards->device || status.st_ino != boards->inode ||
	     (size_t)status.st_size < sizeof *boards->dataplane))
		dataplane_close(boards);
	if (boards->dataplane_fd < 0)
		dataplane_map(boards);
	if (boards->dataplane_fd < 0 ||
	    __atomic_load_n(&boards->dataplane->magic, __ATOMIC_ACQUIRE) != BOARD_MAGIC ||
	    boards->dataplane->version != BOARD_VERSION)
		return NULL;
	return boards->dataplane;
}

const struct board_dataplane *boards_dataplane(struct boards *boards)
{
	const struct board_dataplane *dataplane = dataplane_now(boards);

	if (!dataplane)
		return NULL;
	if (flock(boards->dataplane_fd, LOCK_SH | LOCK_NB) == 0) {
		flock(boards->dataplane_fd, LOCK_UN);
		return NULL;
	}
	return errno == EWOULDBLOCK ? dataplane : NULL;
}

uint32_t dataplane_workers(const struct board_dataplane *dataplane)
{
	uint32_t workers = __atomic_load_n(&dataplane->workers, __ATOMIC_RELAXED);

	return workers < CAP_WORKERS ? workers : CAP_WORKERS;
}

uint64_t dataplane_generation(const struct board_dataplane *dataplane)
{
	uint32_t workers = dataplane_workers(dataplane);
	uint64_t lowest = workers ? UINT64_MAX : 0;

	for (uint32_t i = 0; i < workers; i++) {
		uint64_t generation =
			__atomic_load_n(&dataplane->worker[i].generation, __ATOMIC_ACQUIRE);

		lowest = generation < lowest ? generation : lowest;
	}
	return lowest;
}

bool dataplane_refused(const struct board_dataplane *dataplane, uint64_t generation,
		       struct board_refusal *refusal)
{
	struct board_refusal read;
	uint32_t serial = __atomic_load_n(&dataplane->serial, __ATOMIC_ACQUIRE);

	if (serial % 2)
		return false;
	memcpy(&read, &dataplane->refusal, sizeof read);
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	if (__atomic_load_n(&dataplane->serial, __ATOMIC_RELAXED) != serial ||
	    read.generation != generation || generation == 0)
		return false;
	read.message[sizeof read.message - 1] = '\0';
	*refusal = read;
	return true;
}

static bool is_settled(const struct board_dataplane *dataplane, uint64_t generation)
{
	struct board_refusal ignored;

	return dataplane_generation(dataplane) >= generation ||
	       dataplane_refused(dataplane, generation, &ignored);
}

/* It rings once for each generation: what it rang before we looked is seen in the board. */
void boards_wait(struct boards *boards, uint64_t generation, long timeout_ns)
{
	const struct board_dataplane *dataplane = boards_dataplane(boards);
	const struct timespec timeout = {.tv_nsec = timeout_ns};
	uint32_t doorbell;

	if (!dataplane)
		return;
	doorbell = __atomic_load_n(&dataplane->doorbell, __ATOMIC_ACQUIRE);
	if (!is_settled(dataplane, generation))
		syscall(SYS_futex, &dataplane->doorbell, FUTEX_WAIT, doorbell, &timeout, NULL, 0);
}

static uint64_t later(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

uint64_t boards_highest(struct boards *boards)
{
	const struct board_dataplane *dataplane = dataplane_now(boards);
	uint64_t highest = boards_announced(boards);

	if (!dataplane)
		return highest;
	highest = later(highest, __atomic_load_n(&dataplane->generation, __ATOMIC_RELAXED));
	highest = later(highest, __atomic_load_n(&dataplane->refusal.generation, __ATOMIC_RELAXED));
	for (unsigned i = 0; i < CAP_WORKERS; i++)
		highest = later(highest, __atomic_load_n(&dataplane->worker[i].generation,
							 __ATOMIC_RELAXED));
	return highest;
}

static bool counters_fit(const struct counters *counters, uint32_t workers, size_t size)
{
	return counters->magic == COUNTERS_MAGIC && counters->version == COUNTERS_VERSION &&
	       workers <= CAP_WORKERS &&
	       size >= sizeof *counters + workers * sizeof(struct worker_counters);
}

/* Map a file of the run folder that has at least `least` bytes. 0, or -errno. */
static int file_map(const struct boards *boards, const char *name, size_t least, const void **at,
		    size_t *size)
{
	int fd = openat(boards->folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	struct stat status;
	void *mapped;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &status) || (size_t)status.st_size < least) {
		close(fd);
		return -EBADMSG;
	}
	mapped = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_SHARED, fd, 0);
	close(fd);
	if (mapped == MAP_FAILED)
		return -ENOMEM;
	*at = mapped;
	*size = (size_t)status.st_size;
	return 0;
}

int counters_map(const struct boards *boards, struct counters_view *view)
{
	struct counters_view mapped;
	const void *at;
	int result = file_map(boards, BOARD_COUNTERS, sizeof *mapped.counters, &at, &mapped.size);

	if (result)
		return result;
	mapped.counters = at;
	mapped.workers = __atomic_load_n(&mapped.counters->workers, __ATOMIC_RELAXED);
	if (!counters_fit(mapped.counters, mapped.workers, mapped.size)) {
		counters_unmap(&mapped);
		return -EBADMSG;
	}
	*view = mapped;
	return 0;
}

void counters_unmap(struct counters_view *view)
{
	munmap((void *)view->counters, view->size);
}

int vitals_map(const struct boards *boards, struct vitals_view *view)
{
	struct vitals_view mapped;
	const void *at;
	int result = file_map(boards, BOARD_VITALS, sizeof *mapped.vitals, &at, &mapped.size);

	if (result)
		return result;
	mapped.vitals = at;
	mapped.ports = __atomic_load_n(&mapped.vitals->ports, __ATOMIC_ACQUIRE);
	mapped.workers = __atomic_load_n(&mapped.vitals->workers, __ATOMIC_RELAXED);
	if (mapped.vitals->magic != VITALS_MAGIC || mapped.vitals->version != VITALS_VERSION ||
	    mapped.ports > CAP_PORTS || mapped.workers > CAP_WORKERS) {
		vitals_unmap(&mapped);
		return -EBADMSG;
	}
	*view = mapped;
	return 0;
}

void vitals_unmap(struct vitals_view *view)
{
	munmap((void *)view->vitals, view->size);
}
