/* SPDX-License-Identifier: BSD-3-Clause */
/* What outlives the process: buckets and counters, in maps that are pinned. See loaded.h. */
#include "loaded.h"
#include "pins.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

static struct bpf_map *part_map(const struct twin *twin, enum join_part part)
{
	struct bpf_map *const maps[JOIN_PARTS] = {
		[JOIN_STATE] = twin->bpf->maps.state,
		[JOIN_RULE_STATES] = twin->bpf->maps.rule_states,
		[JOIN_SOURCES] = twin->bpf->maps.sources,
	};

	return maps[part];
}

/* Have `map` be the pinned one of its name, if that is of its kind and size. Whether it is. */
static bool reuse(const struct twin *twin, struct bpf_map *map)
{
	int fd = pins_get(twin->options.pins, bpf_map__name(map), NULL);
	struct bpf_map_info info = {0};
	uint32_t size = sizeof info;
	bool fits;

	if (fd < 0)
		return false;
	fits = bpf_obj_get_info_by_fd(fd, &info, &size) == 0 && info.type == bpf_map__type(map) &&
	       info.value_size == bpf_map__value_size(map) &&
	       info.max_entries == bpf_map__max_entries(map) &&
	       info.map_flags == bpf_map__map_flags(map) && bpf_map__reuse_fd(map, fd) == 0;
	close(fd);
	return fits;
}

/* Have `map` be the one that is pinned, or none be pinned under its name. */
static bool find(const struct twin *twin, struct bpf_map *map)
{
	bool found = reuse(twin, map);

	if (!found)
		pins_remove(twin->options.pins, bpf_map__name(map), NULL);
	return found;
}

/* The pinned state, if it is one of as many lines as are asked for. */
static void find_state(struct twin *twin)
{
	char message[JOIN_MESSAGE];
	bool fits = join_pinned(twin->options.pins, &twin->join, message) == 0 &&
		    twin->join.lines == source_lines_for(twin->options.sources);

	for (unsigned part = 0; part < JOIN_PARTS; part++) {
		if (fits)
			fits = find(twin, part_map(twin, part));
		else
			pins_remove(twin->options.pins, join_part_name(part), NULL);
	}
	if (!fits)
		join_leave(&twin->join);
}

/* Make the folder of pins where it is missing, readable for root alone. */
static int make_folder(const char *folder, struct twin_error *error)
{
	struct statfs about;

	if (mkdir(folder, S_IRWXU) != 0 && errno != EEXIST)
		return twin_fail(error, -errno, folder);
	if (statfs(folder, &about) != 0)
		return twin_fail(error, -errno, folder);
	if ((unsigned long)about.f_type == BPF_FS_MAGIC)
		return 0;
	rmdir(folder);
	snprintf(error->message, sizeof error->message,
		 "%s: is on no BPF file system: mount -t bpf bpf /sys/fs/bpf", folder);
	return -ENOTSUP;
}

int keep_find(struct twin *twin, struct twin_error *error)
{
	int cpus = libbpf_num_possible_cpus(), result;

	if (cpus < 0)
		return twin_fail(error, cpus, "cannot count CPUs");
	twin->cpus = (uint32_t)cpus;
	result = bpf_map__set_max_entries(twin->bpf->maps.counters, twin->cpus);
	if (result == 0)
		result = bpf_map__set_max_entries(twin->bpf->maps.sources,
						  source_lines_for(twin->options.sources));
	if (result != 0)
		return twin_fail(error, result, "the size of the twin's maps");
	if (!twin->options.pins)
		return 0;
	result = make_folder(twin->options.pins, error);
	if (result != 0)
		return result;
	find_state(twin);
	find(twin, twin->bpf->maps.counters);
	find(twin, twin->bpf->maps.slot_rules);
	return 0;
}

/* Make the state, if it was not found. */
static int make_state(struct twin *twin, struct twin_error *error)
{
	const struct twin_options *options = &twin->options;
	int map[JOIN_PARTS], result;
	struct siphash_key key;

	if (twin->join.state)
		return 0;
	for (unsigned part = 0; part < JOIN_PARTS; part++)
		map[part] = bpf_map__fd(part_map(twin, part));
	result = join_maps(map, &twin->join, error->message);
	if (result != 0)
		return result;
	if (options->key)
		key = *options->key;
	else if (getrandom(&key, sizeof key, 0) != sizeof key)
		return twin_fail(error, -errno, "no random key");
	if (options->pins)
		state_init_empty(twin->join.state, twin->join.lines, key, options->now_ns, true);
	else
		state_init(twin->join.state, twin->join.lines, key, options->now_ns, true);
	return 0;
}

/* Pin a map, unless it is pinned: then it is the one that was found. */
static int pin(const struct twin *twin, struct bpf_map *map, struct twin_error *error)
{
	int found = pins_get(twin->options.pins, bpf_map__name(map), NULL), result;

	if (found >= 0) {
		close(found);
		return 0;
	}
	result = pins_put(twin->options.pins, bpf_map__name(map), NULL, bpf_map__fd(map));
	return result ? twin_fail(error, result, "cannot pin the twin's maps") : 0;
}

int keep_all(struct twin *twin, struct twin_error *error)
{
	int result;

	twin->counters = twin_map(bpf_map__fd(twin->bpf->maps.counters),
				  twin->cpus * sizeof *twin->counters);
	twin->slot_rule = twin_map(bpf_map__fd(twin->bpf->maps.slot_rules),
				   CAP_RULE_SLOTS * sizeof *twin->slot_rule);
	if (!twin->counters || !twin->slot_rule)
		return twin_fail(error, -errno, "cannot map the twin's counters");
	result = make_state(twin, error);
	if (!twin->options.pins)
		return result;
	for (unsigned part = 0; part < JOIN_PARTS && result == 0; part++)
		result = pin(twin, part_map(twin, part), error);
	if (result == 0)
		result = pin(twin, twin->bpf->maps.counters, error);
	return result ? result : pin(twin, twin->bpf->maps.slot_rules, error);
}

void keep_leave(struct twin *twin)
{
	join_leave(&twin->join);
	if (twin->counters)
		munmap(twin->counters, twin->cpus * sizeof *twin->counters);
	if (twin->slot_rule)
		munmap(twin->slot_rule, CAP_RULE_SLOTS * sizeof *twin->slot_rule);
}

const struct worker_counters *twin_counters(const struct twin *twin, uint32_t *cpus,
					    const uint32_t **slot_rule)
{
	*cpus = twin->cpus;
	*slot_rule = twin->slot_rule;
	return twin->counters;
}

struct state *twin_state(const struct twin *twin)
{
	return twin->join.state;
}
