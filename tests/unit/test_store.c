/* SPDX-License-Identifier: BSD-3-Clause */
/* The state folder: what is put there comes back, and what is damaged does not. */
#include "daemon/segment_files.h"

#include "board.h"
#include "policies.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/test_store.XXXXXX";
static struct store store;
static struct compiled one, two; /* they differ in their rules and documents alone */
static struct error error;

static void compiled_of(const char *text, struct compiled *compiled)
{
	struct policy *policy = policy_from(text);
	struct feed_paths paths = {0};

	CU_ASSERT_EQUAL_FATAL(compile(policy, &paths, NULL, compiled, &error), 0);
	policy_free(policy);
}

static void compiled_from(const char *admit, struct compiled *compiled)
{
	char text[256];

	snprintf(text, sizeof text,
		 "{'schema': 1, 'origins': {'feeds': []}, 'rules': [{'name': 'all', 'admit': "
		 "'%s'}]}",
		 admit);
	compiled_of(text, compiled);
}

/* What these have in their sets alone differs. */
static void compiled_blocking(const char *address, struct compiled *compiled)
{
	char text[256];

	snprintf(text, sizeof text,
		 "{'schema': 1, 'origins': {'feeds': []}, 'sets': {'bots': {'verdict': 'block', "
		 "'entries': ['%s']}}}",
		 address);
	compiled_of(text, compiled);
}

static void remove_all(int at, const char *name)
{
	int fd = openat(at, name, O_RDONLY | O_DIRECTORY);
	DIR *listed = fdopendir(fd);
	struct dirent *entry;

	while ((entry = readdir(listed))) {
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			unlinkat(fd, entry->d_name, 0);
	}
	closedir(listed);
}

/* An empty folder for each test. */
static void setup(void)
{
	memcpy(folder + sizeof folder - 7, "XXXXXX", 6);
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(folder));
	CU_ASSERT_EQUAL_FATAL(store_open(folder, &store, &error), 0);
	compiled_from("10%", &one);
	compiled_from("20%", &two);
}

static void teardown(void)
{
	remove_all(store.folder, STATE_SEGMENTS);
	unlinkat(store.folder, STATE_SEGMENTS, AT_REMOVEDIR);
	remove_all(AT_FDCWD, folder);
	rmdir(folder);
	store_close(&store);
	compiled_unref(&one);
	compiled_unref(&two);
}

static void put(const struct compiled *compiled, const struct compiled *previous,
		uint64_t generation, struct manifest *manifest)
{
	compiled_manifest(compiled, generation, 1, NULL, manifest);
	CU_ASSERT_EQUAL(store_put(&store, manifest, compiled, previous, &error), 0);
}

static bool same(const struct compiled *a, const struct compiled *b)
{
	for (unsigned i = 0; i < SEGMENT_KINDS; i++) {
		if (a->segment[i]->size != b->segment[i]->size ||
		    memcmp(a->segment[i]->data, b->segment[i]->data, a->segment[i]->size) != 0)
			return false;
	}
	return true;
}

/* Whether `name` holds this generation of `compiled`; 0: that there is none. */
static void expect(const char *name, uint64_t generation, const struct compiled *compiled)
{
	struct compiled loaded = {0};
	struct manifest manifest;
	enum store_found found = store_load(&store, name, &manifest, &loaded, &error);

	CU_ASSERT_EQUAL(found, generation ? STORE_LOADED : STORE_ABSENT);
	CU_ASSERT_EQUAL(manifest.generation, generation);
	if (found == STORE_LOADED) {
		CU_ASSERT(same(&loaded, compiled));
		compiled_unref(&loaded);
	}
}

static enum store_found load(const char *name, struct manifest *manifest)
{
	struct compiled loaded = {0};
	enum store_found found = store_load(&store, name, manifest, &loaded, &error);

	compiled_unref(&loaded);
	return found;
}

static unsigned count_segments(void)
{
	DIR *listed = fdopendir(openat(store.folder, STATE_SEGMENTS, O_RDONLY | O_DIRECTORY));
	unsigned count = 0;
	struct dirent *entry;

	while ((entry = readdir(listed)))
		count += entry->d_name[0] != '.';
	closedir(listed);
	return count;
}

static void empty_folder(void)
{
	struct manifest manifest;

	setup();
	CU_ASSERT_EQUAL(load(STATE_CURRENT, &manifest), STORE_ABSENT);
	CU_ASSERT_EQUAL(load(STATE_WANTED, &manifest), STORE_ABSENT);
	CU_ASSERT_EQUAL(manifest.generation, 0);
	teardown();
}

static void generations(void)
{
	struct manifest manifest;

	setup();
	put(&one, NULL, 1, &manifest);
	expect(STATE_WANTED, 1, &one);
	expect(STATE_CURRENT, 0, NULL);
	CU_ASSERT_EQUAL(count_segments(), SEGMENT_KINDS);
	CU_ASSERT_EQUAL(store_keep(&store, &manifest, &error), 0);
	expect(STATE_CURRENT, 1, &one);
	put(&two, &one, 2, &manifest);
	CU_ASSERT_EQUAL(count_segments(), SEGMENT_KINDS + 2);
	expect(STATE_WANTED, 2, &two);
	expect(STATE_FORMER, 1, &one);
	expect(STATE_CURRENT, 1, &one);
	put(&one, &two, 3, &manifest);
	put(&two, &one, 4, &manifest);
	expect(STATE_WANTED, 4, &two);
	expect(STATE_FORMER, 3, &one);
	CU_ASSERT_EQUAL(store_keep(&store, &manifest, &error), 0);
	expect(STATE_CURRENT, 4, &two);
	expect(STATE_WANTED, 4, &two);
	expect(STATE_FORMER, 0, NULL);
	CU_ASSERT_EQUAL(count_segments(), SEGMENT_KINDS);
	teardown();
}

/* What no manifest needs becomes the next file, and what one needs never does. */
static void reused(void)
{
	const char *const shares[] = {"10%", "20%", "30%", "20%", "40%", "40%", "10%", "30%"};
	struct compiled turn[8];
	struct manifest manifest;

	setup();
	put(&one, NULL, 1, &manifest);
	CU_ASSERT_EQUAL(store_keep(&store, &manifest, &error), 0);
	for (unsigned i = 0; i < 8; i++) {
		compiled_from(shares[i], &turn[i]);
		put(&turn[i], i ? &turn[i - 1] : &one, i + 2, &manifest);
		expect(STATE_CURRENT, 1, &one);
		expect(STATE_WANTED, i + 2, &turn[i]);
		expect(STATE_FORMER, i + 1, i ? &turn[i - 1] : &one);
		/* Rules and document: those of three manifests, and a spare one. */
		CU_ASSERT(count_segments() <= SEGMENT_KINDS + 3 * 2);
	}
	CU_ASSERT_EQUAL(store_keep(&store, &manifest, &error), 0);
	expect(STATE_CURRENT, 9, &turn[7]);
	CU_ASSERT_EQUAL(count_segments(), SEGMENT_KINDS);
	for (unsigned i = 0; i < 8; i++)
		compiled_unref(&turn[i]);
	teardown();
}

/* A file that is written ahead may be one that was just given up: it is there for both. */
static void written_ahead(void)
{
	enum { A, B, C, TURNS = 8 };
	static const unsigned turn[TURNS] = {A, B, B, C, A, B, C, B};
	const struct compiled *previous = &one;
	struct compiled blocking[3];
	struct manifest manifest;

	setup();
	compiled_blocking("192.0.2.1", &blocking[A]);
	compiled_blocking("192.0.2.2", &blocking[B]);
	compiled_blocking("192.0.2.3", &blocking[C]);
	put(&one, NULL, 1, &manifest);
	CU_ASSERT_EQUAL(store_keep(&store, &manifest, &error), 0);
	for (unsigned i = 0; i < TURNS; i++) {
		const struct compiled *now = &blocking[turn[i]];

		/* After the third nobody needs A's file any more. */
		store.writes_ahead = i == 3 || i == 4;
		store.ahead = 0;
		if (i == 3)
			CU_ASSERT_EQUAL(segment_file_write(&store, SEGMENT_SINGLES,
							   blocking[A].segment[SEGMENT_SINGLES]),
					0);
		if (i == 4)
			store.ahead = segment_hash(now->segment[SEGMENT_SINGLES]);
		put(now, previous, i + 2, &manifest);
		expect(STATE_WANTED, i + 2, now);
		expect(STATE_FORMER, i + 1, previous);
		previous = now;
	}
	for (unsigned i = A; i <= C; i++)
		compiled_unref(&blocking[i]);
	teardown();
}

static void forgotten(void)
{
	struct manifest manifest;

	setup();
	put(&one, NULL, 1, &manifest);
	store_forget_wanted(&store);
	expect(STATE_WANTED, 0, NULL);
	CU_ASSERT_EQUAL(count_segments(), 0);
	teardown();
}

/* Write what a daemon that died in the middle would have left. */
static void leave(int at, const char *name, const void *data, size_t size)
{
	int fd = openat(at, name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	CU_ASSERT_FATAL(fd >= 0);
	CU_ASSERT_EQUAL(write(fd, data, size), (ssize_t)size);
	close(fd);
}

static void segment_path(unsigned kind, const struct manifest *manifest, char name[64])
{
	snprintf(name, 64, STATE_SEGMENTS "/%s-%016llx", segment_name(kind),
		 (unsigned long long)manifest->segment[kind].hash);
}

/* Half-written files of every kind do not keep the next publication from being whole. */
static void died_in_the_middle(void)
{
	struct manifest manifest;
	char name[64], temporary[72];

	setup();
	put(&one, NULL, 1, &manifest);
	compiled_manifest(&two, 2, 1, NULL, &manifest);
	for (unsigned i = 0; i < SEGMENT_KINDS; i++) {
		segment_path(i, &manifest, name);
		if (faccessat(store.folder, name, F_OK, 0))
			leave(store.folder, name, two.segment[i]->data, two.segment[i]->size / 2);
		snprintf(temporary, sizeof temporary, "%s.tmp", name);
		leave(store.folder, temporary, "x", 1);
	}
	leave(store.folder, STATE_FORMER, "x", 1);
	leave(store.folder, STATE_CURRENT ".tmp", "x", 1);
	expect(STATE_WANTED, 1, &one);
	put(&two, &one, 2, &manifest);
	expect(STATE_WANTED, 2, &two);
	CU_ASSERT_EQUAL(store_keep(&store, &manifest, &error), 0);
	expect(STATE_CURRENT, 2, &two);
	CU_ASSERT_EQUAL(count_segments(), SEGMENT_KINDS);
	teardown();
}

static void flip(int at, const char *name, off_t offset)
{
	int fd = openat(at, name, O_RDWR);
	uint8_t byte;

	CU_ASSERT_EQUAL_FATAL(pread(fd, &byte, 1, offset), 1);
	byte ^= 0x10;
	CU_ASSERT_EQUAL_FATAL(pwrite(fd, &byte, 1, offset), 1);
	close(fd);
}

/* The error is of this file of the folder. */
static void expect_fault(const char *name)
{
	char path[128];

	snprintf(path, sizeof path, "%s/%s", folder, name);
	CU_ASSERT_STRING_EQUAL(error.path, path);
}

static void damaged_manifest(void)
{
	struct manifest manifest, loaded;

	setup();
	put(&one, NULL, 1, &manifest);
	for (off_t i = 0; i < (off_t)sizeof manifest; i++) {
		flip(store.folder, STATE_WANTED, i);
		CU_ASSERT_EQUAL(load(STATE_WANTED, &loaded), STORE_BAD);
		CU_ASSERT_EQUAL(loaded.generation, 0);
		expect_fault(STATE_WANTED);
		flip(store.folder, STATE_WANTED, i);
	}
	for (off_t size = 0; size < (off_t)sizeof manifest; size += 16) {
		leave(store.folder, STATE_WANTED, &manifest, (size_t)size);
		CU_ASSERT_EQUAL(load(STATE_WANTED, &loaded), STORE_BAD);
	}
	teardown();
}

static void damaged_segments(void)
{
	struct manifest manifest, loaded;
	char name[64];

	setup();
	put(&one, NULL, 1, &manifest);
	for (unsigned i = 0; i < SEGMENT_KINDS; i++) {
		size_t size = manifest.segment[i].size;

		segment_path(i, &manifest, name);
		flip(store.folder, name, (off_t)size / 2);
		CU_ASSERT_EQUAL(load(STATE_WANTED, &loaded), STORE_BAD);
		CU_ASSERT_EQUAL(loaded.generation, 1);
		expect_fault(name);
		leave(store.folder, name, one.segment[i]->data, size - 1);
		CU_ASSERT_EQUAL(load(STATE_WANTED, &loaded), STORE_BAD);
		unlinkat(store.folder, name, 0);
		CU_ASSERT_EQUAL(load(STATE_WANTED, &loaded), STORE_BAD);
		leave(store.folder, name, one.segment[i]->data, size);
		CU_ASSERT_EQUAL(load(STATE_WANTED, &loaded), STORE_LOADED);
	}
	teardown();
}

/* A manifest that is sound and asks for the impossible. */
static void hostile_manifest(void)
{
	struct manifest manifest, loaded;

	setup();
	put(&one, NULL, 1, &manifest);
	manifest.segment[SEGMENT_SETS].size = UINT64_MAX;
	manifest.hash = image_hash(&manifest, offsetof(struct manifest, hash));
	leave(store.folder, STATE_WANTED, &manifest, sizeof manifest);
	CU_ASSERT_EQUAL(load(STATE_WANTED, &loaded), STORE_BAD);
	teardown();
}

/* While a manifest cannot be read, what it may name stays. */
static void unreadable_keeps_all(void)
{
	struct manifest manifest;

	setup();
	put(&one, NULL, 1, &manifest);
	CU_ASSERT_EQUAL(store_keep(&store, &manifest, &error), 0);
	put(&two, &one, 2, &manifest);
	flip(store.folder, STATE_CURRENT, 40);
	store_forget_wanted(&store);
	CU_ASSERT_EQUAL(count_segments(), SEGMENT_KINDS + 2);
	teardown();
}

static void salt(void)
{
	uint8_t first[16], again[16];
	struct stat status;

	setup();
	CU_ASSERT_EQUAL(store_check_salt(&store, &error), 0);
	CU_ASSERT_EQUAL(store_salt(&store, NULL, first, &error), 0);
	CU_ASSERT_EQUAL(store_salt(&store, NULL, again, &error), 0);
	CU_ASSERT_EQUAL(memcmp(first, again, sizeof first), 0);
	CU_ASSERT_EQUAL(fstatat(store.folder, "salt", &status, 0), 0);
	CU_ASSERT_EQUAL(status.st_mode & 07777, 0600);
	unlinkat(store.folder, "salt", 0);
	CU_ASSERT_EQUAL(store_salt(&store, NULL, again, &error), 0);
	CU_ASSERT_NOT_EQUAL(memcmp(first, again, sizeof first), 0);
	CU_ASSERT_EQUAL(store_salt(&store, first, again, &error), 0);
	CU_ASSERT_NOT_EQUAL(memcmp(first, again, sizeof first), 0);
	teardown();
}

static void salt_damaged(void)
{
	uint8_t got[16];

	setup();
	for (size_t size = 0; size <= 17; size += size == 15 ? 2 : 1) {
		leave(store.folder, "salt", "0123456789abcdefg", size);
		CU_ASSERT_EQUAL(store_check_salt(&store, &error), -1);
		CU_ASSERT_EQUAL(store_salt(&store, NULL, got, &error), -1);
		expect_fault("salt");
	}
	teardown();
}

/* Neither a missing nor a damaged file makes another salt of the one in force. */
static void salt_in_force(void)
{
	static const uint8_t in_force[16] = "0123456789abcdef";
	uint8_t got[16];

	setup();
	for (size_t size = 0; size <= 17; size += size == 15 ? 2 : 1) {
		if (size == 0)
			unlinkat(store.folder, "salt", 0);
		else
			leave(store.folder, "salt", "xxxxxxxxxxxxxxxxx", size);
		CU_ASSERT_EQUAL(store_salt(&store, in_force, got, &error), 0);
		CU_ASSERT_EQUAL(memcmp(got, in_force, sizeof got), 0);
		memset(got, 0, sizeof got);
		CU_ASSERT_EQUAL(store_salt(&store, NULL, got, &error), 0);
		CU_ASSERT_EQUAL(memcmp(got, in_force, sizeof got), 0);
	}
	unlinkat(store.folder, "salt", 0);
	CU_ASSERT_EQUAL(mkdirat(store.folder, "salt", 0700), 0);
	CU_ASSERT_EQUAL(store_salt(&store, in_force, got, &error), -1);
	expect_fault("salt");
	unlinkat(store.folder, "salt", AT_REMOVEDIR);
	teardown();
}

/* What is tried leaves nothing, not even what somebody who died while trying left. */
static void writable(void)
{
	setup();
	leave(store.folder, STATE_CURRENT ".tmp", "x", 1);
	CU_ASSERT_EQUAL(store_check_writable(&store, &error), 0);
	CU_ASSERT_NOT_EQUAL(faccessat(store.folder, STATE_CURRENT ".tmp", F_OK, 0), 0);
	CU_ASSERT_EQUAL(mkdirat(store.folder, STATE_CURRENT ".tmp", 0700), 0);
	CU_ASSERT_EQUAL(store_check_writable(&store, &error), -1);
	CU_ASSERT_STRING_EQUAL(error.path, folder);
	unlinkat(store.folder, STATE_CURRENT ".tmp", AT_REMOVEDIR);
	teardown();
}

static void no_folder(void)
{
	struct store other;

	CU_ASSERT_EQUAL(store_open("/no/such/place", &other, &error), -1);
	CU_ASSERT_STRING_EQUAL(error.path, "/no/such/place");
	CU_ASSERT_EQUAL(store_open("/dev/null", &other, &error), -1);
	setup();
	CU_ASSERT_EQUAL(store_open(folder, &other, &error), -1);
	CU_ASSERT_EQUAL(error.code, ERROR_LOCKED);
	teardown();
}

static CU_TestInfo tests[] = {
	{"an empty folder has nothing", empty_folder},
	{"generations come back", generations},
	{"files that nobody needs are used again", reused},
	{"what is written ahead is no spare file", written_ahead},
	{"a first publication is taken back", forgotten},
	{"a death in the middle leaves no trace", died_in_the_middle},
	{"any damage to a manifest is found", damaged_manifest},
	{"any damage to a segment is found", damaged_segments},
	{"a hostile manifest is refused", hostile_manifest},
	{"an unreadable manifest keeps all segments", unreadable_keeps_all},
	{"the salt is made once", salt},
	{"a damaged salt is not replaced unasked", salt_damaged},
	{"the salt in force stays", salt_in_force},
	{"a folder that can be written", writable},
	{"a folder that cannot be", no_folder},
	CU_TEST_INFO_NULL,
};

int main(void)
{
	return suite_run("store", tests);
}
