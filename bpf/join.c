/* SPDX-License-Identifier: BSD-3-Clause */
/* See join.h. */
#include "join.h"
#include "pins.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <unistd.h>

/* What each part's array must be; of lines there may be any number. */
static const struct {
	const char *name;
	uint32_t value_size, entries;
} parts[JOIN_PARTS] = {
	[JOIN_STATE] = {"state", sizeof(struct state), 1},
	[JOIN_RULE_STATES] = {"rule_states", sizeof(struct rule_state), CAP_RULE_SLOTS},
	[JOIN_SOURCES] = {"sources", sizeof(struct source_line), 0},
};

const char *join_part_name(enum join_part part)
{
	return parts[part].name;
}

__attribute__((format(printf, 3, 4))) static int wrong(char message[JOIN_MESSAGE], int code,
						       const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(message, JOIN_MESSAGE, format, arguments);
	va_end(arguments);
	return code;
}

static int ask(int map, struct bpf_map_info *info)
{
	uint32_t size = sizeof *info;

	memset(info, 0, sizeof *info);
	return bpf_obj_get_info_by_fd(map, info, &size) == 0 ? 0 : -errno;
}

/* Whether an array is this part of a state. Its entries in *entries. */
static int check_part(enum join_part part, int map, uint32_t *entries, char message[JOIN_MESSAGE])
{
	struct bpf_map_info info;

	if (ask(map, &info) != 0)
		return wrong(message, -errno, "%s: cannot be asked what it is: %s",
			     parts[part].name, strerror(errno));
	if (info.type != BPF_MAP_TYPE_ARRAY || !(info.map_flags & BPF_F_MMAPABLE))
		return wrong(message, -EPROTO, "%s: is no array that can be mapped",
			     parts[part].name);
	if (info.value_size != parts[part].value_size ||
	    (parts[part].entries ? info.max_entries != parts[part].entries
				 : info.max_entries % SOURCE_GROUP != 0))
		return wrong(message, -EPROTO,
			     "%s: %u entries of %u bytes are not as this version has them",
			     parts[part].name, info.max_entries, info.value_size);
	*entries = info.max_entries;
	return 0;
}

/* Put the arrays in their places, from *state on. */
static int map_parts(const int map[JOIN_PARTS], char *start, size_t size)
{
	const size_t at[JOIN_PARTS + 1] = {0, sizeof(struct state), STATE_LINES_AT, size};

	for (unsigned i = 0; i < JOIN_PARTS; i++) {
		if (mmap(start + at[i], at[i + 1] - at[i], PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_FIXED, map[i], 0) == MAP_FAILED)
			return -errno;
	}
	return 0;
}

int join_maps(const int map[JOIN_PARTS], struct join *join, char message[JOIN_MESSAGE])
{
	uint32_t entries[JOIN_PARTS];
	struct bpf_map_info head;
	void *start;
	size_t size;
	int result;

	for (unsigned i = 0; i < JOIN_PARTS; i++) {
		result = check_part(i, map[i], &entries[i], message);
		if (result != 0)
			return result;
	}
	size = (state_size(entries[JOIN_SOURCES]) + STATE_PAGE - 1) & ~(size_t)(STATE_PAGE - 1);
	start = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	result = start == MAP_FAILED ? -errno : map_parts(map, start, size);
	if (result != 0) {
		if (start != MAP_FAILED)
			munmap(start, size);
		return wrong(message, result, "the twin's state cannot be mapped: %s",
			     strerror(-result));
	}
	*join = (struct join){start, entries[JOIN_SOURCES], size, 0};
	if (ask(map[JOIN_STATE], &head) == 0)
		join->id = head.id;
	return 0;
}

int join_check(const struct join *join, char message[JOIN_MESSAGE])
{
	const struct state *state = join->state;

	if (__atomic_load_n(&state->magic, __ATOMIC_ACQUIRE) != STATE_MAGIC)
		return wrong(message, -EPROTO, "the twin's state is not made yet");
	if (state->version != STATE_VERSION)
		return wrong(message, -EPROTO, "the twin's state has version %u, not %u",
			     state->version, STATE_VERSION);
	if (state->source_lines != join->lines || !state->shared)
		return wrong(message, -EPROTO, "the twin's state is for %u lines and not %u",
			     state->source_lines, join->lines);
	return 0;
}

static int open_pins(const char *pins, int map[JOIN_PARTS], char message[JOIN_MESSAGE])
{
	for (unsigned i = 0; i < JOIN_PARTS; i++) {
		map[i] = pins_get(pins, parts[i].name, NULL);
		if (map[i] < 0)
			return wrong(message, map[i], "%s/%s: %s", pins, parts[i].name,
				     strerror(-map[i]));
	}
	return 0;
}

int join_pinned(const char *pins, struct join *join, char message[JOIN_MESSAGE])
{
	int map[JOIN_PARTS] = {-1, -1, -1};
	struct join joined;
	int result = open_pins(pins, map, message);

	if (result == 0)
		result = join_maps(map, &joined, message);
	for (unsigned i = 0; i < JOIN_PARTS; i++) {
		if (map[i] >= 0)
			close(map[i]);
	}
	if (result != 0)
		return result;
	result = join_check(&joined, message);
	if (result != 0)
		join_leave(&joined);
	else
		*join = joined;
	return result;
}

static int found_one(const char *interface, void *argument)
{
	(void)interface;
	(void)argument;
	return 1;
}

bool join_attached(const char *pins)
{
	return pins_each(pins, "link", found_one, NULL) == 1;
}

bool join_replaced(const struct join *join, const char *pins)
{
	int map = pins_get(pins, parts[JOIN_STATE].name, NULL);
	struct bpf_map_info info;
	bool replaced;

	if (map < 0)
		return false;
	replaced = ask(map, &info) == 0 && info.id != join->id;
	close(map);
	return replaced;
}

int join_lock_slots(int run_folder)
{
	int lock = openat(run_folder, "slots.lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	int result;

	if (lock >= 0 && flock(lock, LOCK_EX) == 0)
		return lock;
	result = -errno;
	if (lock >= 0)
		close(lock);
	return result;
}

void join_leave(struct join *join)
{
	if (join->state)
		munmap(join->state, join->size);
	*join = (struct join){0};
}
