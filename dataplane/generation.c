/* SPDX-License-Identifier: BSD-3-Clause */
/* See generation.h. */
#include "generation.h"
#include "memory.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

__attribute__((format(printf, 3, 4))) static int refuse(struct board_refusal *refusal, int result,
							const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(refusal->message, sizeof refusal->message, format, arguments);
	va_end(arguments);
	return result;
}

static int refuse_content(struct board_refusal *refusal, const char *name,
			  const struct image_error *error)
{
	return refuse(refusal, -EBADMSG, "%s: %s %s%s%s", name, error->segment, error->array,
		      *error->array ? ": " : "", error->message);
}

static int read_whole(int fd, void *data, size_t size)
{
	for (size_t done = 0; done < size;) {
		ssize_t got = read(fd, (char *)data + done, size - done);

		if (got < 0 && errno != EINTR)
			return -errno;
		if (got == 0)
			return -EBADMSG;
		done += got > 0 ? (size_t)got : 0;
	}
	return 0;
}

static int open_of_size(const char *path, uint64_t size, struct board_refusal *refusal)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat status;
	int result;

	if (fd < 0) {
		result = -errno;
		return refuse(refusal, result, "%s: %s", path, strerror(-result));
	}
	if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && (uint64_t)status.st_size == size)
		return fd;
	close(fd);
	return refuse(refusal, -EBADMSG, "%s: not a file of %" PRIu64 " bytes", path, size);
}

static int read_file(const char *path, void *data, uint64_t size, struct board_refusal *refusal)
{
	int fd = open_of_size(path, size, refusal);
	int result;

	if (fd < 0)
		return fd;
	result = read_whole(fd, data, size);
	close(fd);
	if (result)
		return refuse(refusal, result, "%s: cannot be read: %s", path, strerror(-result));
	return 0;
}

/*
 * The direct table that was given up last, kept from then on. The next overwrites all of it: the
 * kernel takes three times as long to zero a new one as it takes to fill.
 */
static struct segment_copy *spare_direct4;

static void copy_unref(struct segment_copy *copy)
{
	if (!copy || --copy->references > 0)
		return;
	memory_unmap(copy->data, copy->name.size);
	free(copy);
}

static struct segment_copy *copy_new(const struct manifest_segment *name)
{
	struct segment_copy *copy = malloc(sizeof *copy);
	void *data = memory_map(name->size);

	if (!copy || !data) {
		memory_unmap(data, name->size);
		free(copy);
		return NULL;
	}
	*copy = (struct segment_copy){.references = 1, .name = *name, .data = data};
	return copy;
}

static int copy_read(const char *path, enum segment_kind kind, const struct manifest_segment *name,
		     struct segment_copy **read, struct board_refusal *refusal)
{
	struct segment_copy *copy = NULL;
	struct image_error error;
	int fd = open_of_size(path, name->size, refusal);
	int result;

	/* The manifest's word for the size is not taken until the file has shown it. */
	if (fd < 0)
		return fd;
	copy = copy_new(name);
	result = copy ? read_whole(fd, copy->data, name->size) : -ENOMEM;
	close(fd);
	if (result)
		refuse(refusal, result, "%s: cannot be read: %s", path, strerror(-result));
	else if ((result = segment_check(kind, copy->data, name, &error)))
		refuse_content(refusal, path, &error);
	if (result) {
		copy_unref(copy);
		return result;
	}
	*read = copy;
	return 0;
}

static bool same_segment(const struct manifest_segment *a, const struct manifest_segment *b)
{
	return a->hash == b->hash && a->size == b->size;
}

/* Whether they have the same copy. */
static bool shares(const struct generation *a, const struct generation *b, enum segment_kind kind)
{
	return b && a->segment[kind] == b->segment[kind];
}

static int load_segment(const char *state_dir, enum segment_kind kind,
			const struct manifest_segment *name, const struct generation *running,
			struct segment_copy **segment, struct board_refusal *refusal)
{
	char path[PATH_MAX];

	if (running && same_segment(&running->segment[kind]->name, name)) {
		running->segment[kind]->references++;
		*segment = running->segment[kind];
		return 0;
	}
	snprintf(path, sizeof path, "%s/" STATE_SEGMENTS "/%s-%016" PRIx64, state_dir,
		 segment_name(kind), name->hash);
	return copy_read(path, kind, name, segment, refusal);
}

static int load_manifest(const char *path, struct manifest *manifest, struct board_refusal *refusal)
{
	struct image_error error;
	int result = read_file(path, manifest, sizeof *manifest, refusal);

	if (result)
		return result;
	result = manifest_check(manifest, sizeof *manifest, &error);
	if (result)
		return refuse_content(refusal, path, &error);
	refusal->generation = manifest->generation;
	return 0;
}

static struct segment_copy *direct4_take(void)
{
	static const struct manifest_segment name = {.size = DIRECT_BYTES};
	struct segment_copy *spare = spare_direct4;

	spare_direct4 = NULL;
	return spare ? spare : copy_new(&name);
}

static void direct4_unref(struct segment_copy *direct4)
{
	if (!direct4 || direct4->references > 1 || spare_direct4)
		copy_unref(direct4);
	else
		spare_direct4 = direct4;
}

/*
 * Whether the running generation's direct table will do, with what is new beside it: unless much
 * of it is, or as much as DIRECT_IN_VAIN cells would stay marked for what is held no more.
 */
static bool direct4_does(struct generation *generation, const struct generation *running)
{
	uint32_t before, now;

	if (!shares(generation, running, SEGMENT_ORIGINS) ||
	    !shares(generation, running, SEGMENT_SINGLES) || !running->direct4)
		return false;
	before = image_direct4_wide(&running->image);
	now = image_direct4_wide(&generation->image);
	generation->direct4_in_vain = running->direct4_in_vain + (before > now ? before - now : 0);
	return generation->direct4_in_vain < DIRECT_IN_VAIN;
}

/* Give the image its direct table: the running generation's, or a new one. */
static int direct4_join(struct generation *generation, const struct generation *running)
{
	struct image *image = &generation->image;

	if (direct4_does(generation, running)) {
		generation->direct4 = running->direct4;
		generation->direct4->references++;
		for (unsigned kind = 0; kind < SEGMENT_KINDS; kind++) {
			if (!shares(generation, running, kind))
				image_direct4_add(image, kind, generation->direct4->data);
		}
	} else if (image->origin.ip4.count > DIRECT_RANGES) {
		generation->direct4_in_vain = 0;
		generation->direct4 = direct4_take();
		if (!generation->direct4)
			return -ENOMEM;
		image_direct4(image, generation->direct4->data);
	}
	image->direct4 = generation->direct4 ? generation->direct4->data : NULL;
	return 0;
}

static int load_image(struct generation *generation, const char *path,
		      const struct generation *running, int64_t utc_minus_boot_ns,
		      struct board_refusal *refusal)
{
	void *data[SEGMENT_KINDS];
	struct image_error error;

	for (unsigned kind = 0; kind < SEGMENT_KINDS; kind++)
		data[kind] = generation->segment[kind]->data;
	if (image_open(data, &generation->image, &error))
		return refuse_content(refusal, path, &error);
	if (direct4_join(generation, running))
		return refuse(refusal, -ENOMEM, "%s: no memory for a direct table", path);
	for (unsigned kind = 0; kind < SEGMENT_KINDS; kind++) {
		if (!shares(generation, running, kind))
			segment_rebase_expiry(kind, data[kind], utc_minus_boot_ns);
	}
	return 0;
}

int generation_load(const char *state_dir, const char *name, const struct generation *running,
		    int64_t utc_minus_boot_ns, struct generation **loaded,
		    struct board_refusal *refusal)
{
	struct generation *generation;
	struct manifest manifest;
	char path[PATH_MAX];
	int result;

	*refusal = (struct board_refusal){0};
	snprintf(path, sizeof path, "%s/%s", state_dir, name);
	if ((result = load_manifest(path, &manifest, refusal)))
		return result;
	generation = calloc(1, sizeof *generation);
	if (!generation)
		return refuse(refusal, -ENOMEM, "%s: no memory", path);
	generation->number = manifest.generation;
	for (unsigned kind = 0; kind < SEGMENT_KINDS && !result; kind++)
		result = load_segment(state_dir, kind, &manifest.segment[kind], running,
				      &generation->segment[kind], refusal);
	if (!result)
		result = load_image(generation, path, running, utc_minus_boot_ns, refusal);
	if (result) {
		generation_free(generation);
		/* Only a missing manifest is an absence; a missing segment is damage. */
		return result == -ENOENT ? -EBADMSG : result;
	}
	*loaded = generation;
	return 0;
}

void generation_free(struct generation *generation)
{
	if (!generation)
		return;
	for (unsigned kind = 0; kind < SEGMENT_KINDS; kind++)
		copy_unref(generation->segment[kind]);
	direct4_unref(generation->direct4);
	free(generation);
}

/* Whether they say the same of sources and targets, but for what SEGMENT_LATEST does. */
static bool is_alike(const struct generation *next, const struct generation *former)
{
	static const enum segment_kind looked_up[] = {
		SEGMENT_SERVICES, SEGMENT_GUARD, SEGMENT_SETS,
		SEGMENT_SINGLES,  SEGMENT_LATER, SEGMENT_ORIGINS,
	};

	if (!former)
		return false;
	for (size_t i = 0; i < sizeof looked_up / sizeof *looked_up; i++) {
		if (!shares(next, former, looked_up[i]))
			return false;
	}
	return memcmp(next->image.settings->salt, former->image.settings->salt,
		      sizeof next->image.settings->salt) == 0;
}

static void forget(const struct generation *next, const struct generation *former,
		   struct recall *recall)
{
	if (!is_alike(next, former)) {
		recall_clear(recall);
	} else if (!shares(next, former, SEGMENT_LATEST)) {
		recall_forget_layer(recall, &next->image.singles[0]);
		recall_forget_layer(recall, &former->image.singles[0]);
	}
}

void generation_cross(const struct generation *next, const struct generation *former,
		      struct burst_memory *memory, struct state *state)
{
	forget(next, former, &memory->recall);
	if (former && !shares(next, former, SEGMENT_RULES))
		burst_settle(memory, &former->image, state);
}

static bool service_diverts(const struct image *image, uint32_t service)
{
	const uint16_t *choice = image->choice + (size_t)service * image->origin_count;

	for (uint32_t origin = 0; origin < image->origin_count; origin++) {
		if (choice[origin] != NONE &&
		    image->rules[choice[origin]].otherwise == VERDICT_DIVERT)
			return true;
	}
	return false;
}

/* A rule that admits all for now counts too: lowering its share must not be refused later. */
const char *generation_fallback_port(const struct generation *generation)
{
	const struct image *image = &generation->image;

	for (uint32_t i = 0; i < image->service_count; i++) {
		uint16_t fallback = image->services[i].fallback;

		if (fallback != NONE && image->fallbacks[fallback].flags & FALLBACK_PORT &&
		    service_diverts(image, i))
			return image->service_names + image->fallbacks[fallback].name;
	}
	return NULL;
}
