/* SPDX-License-Identifier: BSD-3-Clause */
/* Feeds: files, what is refused and where, and when feeds count as changed. */
#include "compile/origins.h"
#include "policies.h"

#define LIBLOC_PRIVATE
#include <libloc/format.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/sluice-test-feed-XXXXXX";

static void write_file(const char *name, const void *text, size_t size)
{
	char path[96];
	FILE *file;

	snprintf(path, sizeof path, "%s/%s", folder, name);
	file = fopen(path, "w");
	CU_ASSERT_PTR_NOT_NULL_FATAL(file);
	CU_ASSERT_EQUAL_FATAL(fwrite(text, 1, size, file), size);
	CU_ASSERT_EQUAL_FATAL(fclose(file), 0);
}

static void remove_file(const char *name)
{
	char path[96];

	snprintf(path, sizeof path, "%s/%s", folder, name);
	CU_ASSERT_EQUAL(unlink(path), 0);
}

/* A policy of these CSV feeds, past the parser, which has an opinion on names of its own. */
static struct policy *policy_of_files(const char *const *files, size_t count)
{
	struct policy *policy = policy_empty();

	CU_ASSERT_PTR_NOT_NULL_FATAL(policy);
	policy->has_feeds = true;
	policy->feeds = calloc(count + 1, sizeof *policy->feeds);
	CU_ASSERT_PTR_NOT_NULL_FATAL(policy->feeds);
	for (; policy->feed_count < count; policy->feed_count++)
		policy->feeds[policy->feed_count] = (struct feed_params){
			.type = FEED_CSV,
			.file = strdup(files[policy->feed_count]),
		};
	return policy;
}

static int read_files(const char *const *files, size_t count, struct feed_data *data,
		      struct error *error)
{
	struct policy *policy = policy_of_files(files, count);
	struct feed_paths paths = {.folder = folder};
	int result = feed_read(policy, &paths, data, error);

	policy_free(policy);
	return result;
}

/* What the data says of a family's prefix number `i`. */
static struct origin said(const struct feed_data *data, bool ip6, uint32_t i)
{
	const struct forest_node *node = &data->forest[ip6].nodes[i];

	return origin_of_key(origin_key_make(node->kind, node->item, 0));
}

static void test_file_refused(void)
{
	static const struct {
		const char *text;
		size_t size;
		const char *path, *message;
	} rows[] = {
#define TEXT(text) text, sizeof text - 1
		{TEXT("# one\n\n192.0.2.0/24,US\n"), "feed.csv:3", "not the fields"},
		{TEXT("192.0.2.0/24,US,1\nbad"), "feed.csv:2", "not the fields"},
		{TEXT("192.0.2.0/24,US,1\n10.0.0.0/8,US,\n#\n192.0.2.0/24,DE,2\n10.0.0.0/8,FR,\n"),
		 "feed.csv:4", "192.0.2.0/24 is in the file already"},
		{TEXT("10.0.0.0/8,US,\n2001:db8::/32,FR,\n2001:db8::/32,FR,\n10.0.0.0/8,US,\n"),
		 "feed.csv:3", "2001:db8::/32 is in the file already"},
		{TEXT("192.0.2.0/24,US,1\0\n"), "feed.csv:1", "NUL"},
		{TEXT("192.0.2.0/24,US,1\0"), "feed.csv:1", "NUL"},
#undef TEXT
	};
	static const char *const files[] = {"feed.csv"};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct feed_data data;
		struct error error = {0};

		write_file("feed.csv", rows[i].text, rows[i].size);
		CU_ASSERT_EQUAL(read_files(files, 1, &data, &error), -1);
		CU_ASSERT_EQUAL(error.code, ERROR_INVALID);
		CU_ASSERT_STRING_EQUAL(error.path, rows[i].path);
		CU_ASSERT_PTR_NOT_NULL(strstr(error.message, rows[i].message));
		CU_ASSERT_EQUAL(data.forest[0].count + data.forest[1].count, 0);
	}
	remove_file("feed.csv");
}

static void test_names(void)
{
	static const struct {
		const char *name;
		enum error_code code;
	} rows[] = {
		{"", ERROR_INVALID},        {".", ERROR_INVALID},
		{"..", ERROR_INVALID},      {".hidden", ERROR_INVALID},
		{"../feed", ERROR_INVALID}, {"/etc/passwd", ERROR_INVALID},
		{"a/b", ERROR_INVALID},     {"missing", ERROR_DEGRADED},
		{"link", ERROR_DEGRADED},   {"folder", ERROR_DEGRADED},
		{"fifo", ERROR_DEGRADED},
	};
	char path[96];

	snprintf(path, sizeof path, "%s/link", folder);
	CU_ASSERT_EQUAL(symlink("/etc/passwd", path), 0);
	snprintf(path, sizeof path, "%s/fifo", folder);
	CU_ASSERT_EQUAL(mkfifo(path, 0600), 0);
	snprintf(path, sizeof path, "%s/folder", folder);
	CU_ASSERT_EQUAL(mkdir(path, 0700), 0);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct feed_data data;
		struct error error = {0};

		CU_ASSERT_EQUAL(read_files(&rows[i].name, 1, &data, &error), -1);
		CU_ASSERT_EQUAL(error.code, rows[i].code);
		CU_ASSERT_STRING_EQUAL(error.path, rows[i].name);
	}
	CU_ASSERT_EQUAL(rmdir(path), 0);
	remove_file("link");
	remove_file("fifo");
}

static void test_nothing_in_it(void)
{
	static const char *const files[] = {"feed.csv"};
	struct feed_data data;
	struct error error;

	write_file("feed.csv", "# soon\n", 7);
	CU_ASSERT_EQUAL(read_files(files, 1, &data, &error), 0);
	CU_ASSERT_EQUAL(data.forest[0].count + data.forest[1].count, 0);
	feed_free(&data);
	remove_file("feed.csv");
}

static void test_no_folder(void)
{
	static const char *const files[] = {"feed.csv"};
	struct policy *policy = policy_of_files(files, 1);
	struct feed_paths none = {0}, gone = {.folder = "/nonexistent"};
	struct feed_data data;
	struct error error = {0};

	CU_ASSERT_EQUAL(feed_read(policy, &none, &data, &error), -1);
	CU_ASSERT_STRING_EQUAL(error.path, "feed.csv");
	CU_ASSERT_EQUAL(feed_read(policy, &gone, &data, &error), -1);
	CU_ASSERT_STRING_EQUAL(error.path, "feed.csv");
	CU_ASSERT_STRING_EQUAL(error.message, "its folder /nonexistent: No such file or directory");
	CU_ASSERT_EQUAL(feed_stamp(policy, &none), 0);
	policy_free(policy);
}

static void test_order(void)
{
	static const char *const files[] = {"a.csv", "b.csv"};
	static const char first[] = "192.0.2.0/24,US,1\n", second[] = "192.0.2.0/24,DE,2\n";
	struct feed_data data;
	struct error error;

	write_file("a.csv", first, sizeof first - 1);
	write_file("b.csv", second, sizeof second - 1);
	CU_ASSERT_EQUAL_FATAL(read_files(files, 2, &data, &error), 0);
	CU_ASSERT_EQUAL_FATAL(data.forest[0].count, 2);
	CU_ASSERT_EQUAL(said(&data, false, 0).asn, 1);
	CU_ASSERT_EQUAL(said(&data, false, 1).asn, 2);
	feed_free(&data);
	remove_file("a.csv");
	remove_file("b.csv");
}

static void test_stamp(void)
{
	static const char *const files[] = {"a.csv", "b.csv"};
	struct policy *one = policy_of_files(files, 1), *two = policy_of_files(files, 2);
	struct policy *none = policy_empty();
	struct feed_paths paths = {.folder = folder};
	uint64_t before, after;

	CU_ASSERT_PTR_NOT_NULL_FATAL(none);
	CU_ASSERT_NOT_EQUAL(feed_stamp(none, &paths), 0);
	CU_ASSERT_EQUAL(feed_stamp(one, &paths), 0);
	write_file("a.csv", "#\n", 2);
	before = feed_stamp(one, &paths);
	CU_ASSERT_NOT_EQUAL(before, 0);
	CU_ASSERT_EQUAL(feed_stamp(one, &paths), before);
	CU_ASSERT_EQUAL(feed_stamp(two, &paths), 0);
	write_file("b.csv", "#\n", 2);
	CU_ASSERT_NOT_EQUAL(feed_stamp(two, &paths), before);
	write_file("a.csv", "# longer\n", 9);
	after = feed_stamp(one, &paths);
	CU_ASSERT_NOT_EQUAL(after, before);
	remove_file("a.csv");
	remove_file("b.csv");
	policy_free(one);
	policy_free(two);
	policy_free(none);
}

static void test_libloc(void)
{
	struct policy *policy = policy_from("{'schema':1}");
	struct feed_paths paths = {.libloc = "/nonexistent.db"};
	struct feed_data data;
	struct error error = {0};
	char path[96];

	CU_ASSERT_EQUAL(feed_read(policy, &paths, &data, &error), -1);
	CU_ASSERT_EQUAL(error.code, ERROR_DEGRADED);
	CU_ASSERT_STRING_EQUAL(error.path, "/nonexistent.db");
	CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "libloc-database"));
	CU_ASSERT_EQUAL(feed_stamp(policy, &paths), 0);
	write_file("broken.db", "LOCDBXX\1 and nothing more", 25);
	snprintf(path, sizeof path, "%s/broken.db", folder);
	paths.libloc = path;
	CU_ASSERT_EQUAL(feed_read(policy, &paths, &data, &error), -1);
	CU_ASSERT_EQUAL(error.code, ERROR_INVALID);
	CU_ASSERT_STRING_EQUAL(error.path, path);
	remove_file("broken.db");
	policy_free(policy);
}

enum { NODES = 200 };

/* A database of libloc's with these nodes, in host order, and two networks, DE and AS 7. */
static int read_database(const uint32_t (*nodes)[3], unsigned count, uint32_t more,
			 struct feed_data *data, struct error *error)
{
	static const struct loc_database_magic magic = {LOC_DATABASE_MAGIC, LOC_DATABASE_VERSION_1};
	struct policy *policy = policy_from("{'schema':1}");
	struct feed_paths paths = {0};
	char path[96];
	int result;
	struct {
		struct loc_database_magic magic;
		struct loc_database_header_v1 header;
		uint32_t nodes[NODES][3];
		struct loc_database_network_v1 networks[2];
	} __attribute__((packed)) file = {.magic = magic};

	file.header.network_tree_offset = htonl((uint32_t)((char *)file.nodes - (char *)&file));
	file.header.network_tree_length = htonl(count * 12 + more);
	file.header.network_data_offset = htonl((uint32_t)((char *)file.networks - (char *)&file));
	file.header.network_data_length = htonl(sizeof file.networks);
	for (unsigned i = 0; i < count; i++) {
		for (unsigned j = 0; j < 3; j++)
			file.nodes[i][j] = htonl(nodes[i][j]);
	}
	memcpy(file.networks[0].country_code, "DE", 2);
	file.networks[1].asn = htonl(7);
	write_file("small.db", &file, sizeof file);
	snprintf(path, sizeof path, "%s/small.db", folder);
	paths.libloc = path;
	result = feed_read(policy, &paths, data, error);
	policy_free(policy);
	remove_file("small.db");
	return result;
}

/* Networks at every depth of one path, of ones or along v4-mapped addresses. */
static void test_libloc_tree(void)
{
	enum { NONE_HERE = -1 };
	static uint32_t nodes[NODES][3];
	struct feed_data data;
	struct error error;

	for (uint32_t i = 0; i < 129; i++) {
		nodes[i][0] = i < 80 ? i + 1 : 0;
		nodes[i][1] = i >= 80 && i < 128 ? i + 1 : 0;
		nodes[i][2] = i == 79 || i == 96 || i == 128 ? i == 128 : (uint32_t)NONE_HERE;
	}
	CU_ASSERT_EQUAL_FATAL(read_database((const void *)nodes, 129, 0, &data, &error), 0);
	CU_ASSERT_EQUAL_FATAL(data.forest[1].count, 1);
	CU_ASSERT_EQUAL(data.forest[1].nodes[0].length, 79);
	CU_ASSERT_EQUAL(strncmp(said(&data, true, 0).country, "DE", 2), 0);
	CU_ASSERT_EQUAL_FATAL(data.forest[0].count, 2);
	CU_ASSERT_EQUAL(data.forest[0].nodes[0].length, 0);
	CU_ASSERT_EQUAL(data.forest[0].nodes[1].length, 32);
	CU_ASSERT_TRUE(data.forest[0].nodes[1].first == UINT32_MAX);
	CU_ASSERT_EQUAL(said(&data, false, 1).asn, 7);
	CU_ASSERT_EQUAL(said(&data, false, 1).country[0], '\0');
	feed_free(&data);
}

static void test_libloc_damaged(void)
{
	static const struct {
		uint32_t nodes[3][3];
		unsigned count, more;
	} rows[] = {
		{{{1, 1, UINT32_MAX}, {0, 0, 0}}, 2, 0},          /* two ways to a node */
		{{{1, 0, UINT32_MAX}, {1, 0, UINT32_MAX}}, 2, 0}, /* a circle */
		{{{2, 0, UINT32_MAX}, {0, 0, 0}}, 2, 0},          /* no such node */
		{{{0, UINT32_MAX, UINT32_MAX}}, 1, 0},
		{{{0, 0, 2}}, 1, 0},               /* no such network */
		{{{0, 0, 0}}, 1, 12 * NODES + 24}, /* past the end */
		{{{0, 0, 0}}, 1, UINT32_MAX - 12},
	};
	static uint32_t chain[NODES][3];
	struct feed_data data;
	struct error error;

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		error = (struct error){0};
		CU_ASSERT_EQUAL(
			read_database(rows[i].nodes, rows[i].count, rows[i].more, &data, &error),
			-1);
		CU_ASSERT_EQUAL(error.code, ERROR_INVALID);
		CU_ASSERT_STRING_EQUAL(error.message, "not a whole libloc database");
	}
	for (uint32_t i = 0; i < 130; i++) {
		chain[i][0] = i < 129 ? i + 1 : 0;
		chain[i][2] = UINT32_MAX;
	}
	CU_ASSERT_EQUAL(read_database((const void *)chain, 130, 0, &data, &error), -1);
}

int main(void)
{
	CU_TestInfo tests[] = {
		{"files refused", test_file_refused},
		{"file names", test_names},
		{"no folder", test_no_folder},
		{"a file without prefixes", test_nothing_in_it},
		{"order of feeds", test_order},
		{"stamp", test_stamp},
		{"libloc", test_libloc},
		{"libloc's tree", test_libloc_tree},
		{"libloc's tree, damaged", test_libloc_damaged},
		CU_TEST_INFO_NULL,
	};
	int result;

	if (!mkdtemp(folder))
		return EXIT_FAILURE;
	result = suite_run("feed", tests);
	rmdir(folder);
	return result;
}
