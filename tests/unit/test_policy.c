/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The policy document. The first argument is the folder tests/policy: accepted/NAME.json
 * prints as NAME.printed beside it, refused/NAME.json is refused with the words of
 * NAME.error. With --update as the second argument these are written, for reading in the
 * diff.
 */
#include "policy/policy.h"
#include "suite.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define NOW_NS       UINT64_C(1796083200000000000) /* 2026-12-01 */

static const char *folder;
static bool update;

struct text {
	char *bytes;
	size_t size;
};

static struct text text_read(const char *path)
{
	struct text text = {NULL, 0};
	FILE *stream = open_memstream(&text.bytes, &text.size), *file = fopen(path, "rb");
	char block[4096];
	size_t size;

	CU_ASSERT_PTR_NOT_NULL_FATAL(stream);
	while (file && (size = fread(block, 1, sizeof block, file)) > 0)
		fwrite(block, 1, size, stream);
	if (file)
		fclose(file);
	fclose(stream);
	return text;
}

static void text_write(const char *path, const char *text)
{
	FILE *file = fopen(path, "wb");

	CU_ASSERT_PTR_NOT_NULL_FATAL(file);
	CU_ASSERT(fputs(text, file) >= 0);
	CU_ASSERT_EQUAL(fclose(file), 0);
}

/* Whether the file at `path` holds exactly `text`, which is shown if not. */
static void check_file(const char *path, const char *text)
{
	struct text expected;
	bool same;

	if (update)
		text_write(path, text);
	expected = text_read(path);
	same = strcmp(expected.bytes, text) == 0;
	CU_ASSERT(same);
	if (!same)
		printf("\n%s is not\n%s\n", path, text);
	free(expected.bytes);
}

static char *print(const struct policy *policy)
{
	json_t *json = policy_print(policy, true);
	char *text = json_dumps(json, JSON_INDENT(2));

	CU_ASSERT_PTR_NOT_NULL_FATAL(text);
	json_decref(json);
	return text;
}

static struct policy *parse(const char *text)
{
	struct policy *policy;
	struct error error = {.code = ERROR_NONE};
	int result = policy_parse(text, strlen(text), 0, &policy, &error);

	if (result)
		printf("\n%s: %s: %s\n", error_word(error.code), error.path, error.message);
	CU_ASSERT_EQUAL_FATAL(result, 0);
	return policy;
}

static struct error refuse(const char *text, size_t size)
{
	struct policy *policy = (void *)&policy;
	struct error error = {.code = ERROR_NONE};

	CU_ASSERT_EQUAL(policy_parse(text, size, 0, &policy, &error), -1);
	CU_ASSERT_PTR_NULL(policy);
	CU_ASSERT_NOT_EQUAL(error.code, ERROR_NONE);
	policy_free(policy);
	return error;
}

/* Call check(document, path of its companion) for every document in the folder. */
static void each_document(const char *name, const char *ending,
			  void (*check)(const struct text *document, const char *path))
{
	char path[4096];
	struct dirent *entry;
	unsigned documents = 0;
	DIR *directory;

	snprintf(path, sizeof path, "%s/%s", folder, name);
	directory = opendir(path);
	CU_ASSERT_PTR_NOT_NULL_FATAL(directory);
	while ((entry = readdir(directory))) {
		char *dot = strrchr(entry->d_name, '.');
		struct text document;

		if (!dot || strcmp(dot, ".json") != 0)
			continue;
		snprintf(path, sizeof path, "%s/%s/%s", folder, name, entry->d_name);
		document = text_read(path);
		snprintf(strrchr(path, '.'), 16, "%s", ending);
		check(&document, path);
		free(document.bytes);
		documents++;
	}
	closedir(directory);
	CU_ASSERT(documents > 0);
}

static void check_accepted(const struct text *document, const char *path)
{
	struct policy *policy = parse(document->bytes), *again;
	char *printed = print(policy), *twice, *line = NULL;

	policy_free(policy);
	again = parse(printed);
	twice = print(again);
	CU_ASSERT_STRING_EQUAL(printed, twice);
	CU_ASSERT(asprintf(&line, "%s\n", printed) > 0);
	check_file(path, line);
	policy_free(again);
	free(printed);
	free(twice);
	free(line);
}

static void test_accepted(void)
{
	each_document("accepted", ".printed", check_accepted);
}

static void check_refused(const struct text *document, const char *path)
{
	struct error error = refuse(document->bytes, document->size);
	char *line = NULL;

	CU_ASSERT(asprintf(&line, "%s %s: %s\n", error_word(error.code), error.path,
			   error.message) > 0);
	check_file(path, line);
	free(line);
}

static void test_refused(void)
{
	each_document("refused", ".error", check_refused);
}

static struct text prime_day(void)
{
	char path[4096];

	snprintf(path, sizeof path, "%s/accepted/prime-day.json", folder);
	return text_read(path);
}

static void test_fields(void)
{
	struct text text = prime_day();
	struct policy *policy = parse(text.bytes);
	const struct rule_params *rule = &policy->rules[2];
	const struct group_params *clouds = &policy->groups[2];
	const struct set_params *bots = &policy->sets[1];

	CU_ASSERT(policy->malformed == VERDICT_DROP && policy->link_other == VERDICT_PASS &&
		  policy->unmatched == VERDICT_PASS);
	CU_ASSERT(policy->has_salt && policy->salt[0] == 0 && policy->salt[15] == 15);
	CU_ASSERT(policy->guard.ports[0].protocol == PROTO_TCP &&
		  policy->guard.ports[0].port == 179);
	CU_ASSERT(policy->has_feeds && policy->feed_count == 2);
	CU_ASSERT(policy->feeds[0].type == FEED_LIBLOC && policy->feeds[1].type == FEED_CSV);
	CU_ASSERT_STRING_EQUAL(policy->feeds[1].file, "extra.csv");
	CU_ASSERT(policy->groups[1].terms[0].negative && policy->groups[1].terms[0].group == 0);
	CU_ASSERT(clouds->terms[0].asn == 16509 && clouds->terms[1].prefix.length == 24);
	CU_ASSERT(bots->verdict == SET_BLOCK && bots->entries.sum.count == 2);
	CU_ASSERT_EQUAL(bots->entries.sum.earliest, NOW_NS);
	CU_ASSERT(policy->services[0].protocol == PROTO_TCP && policy->services[0].fallback == 0);
	CU_ASSERT(policy->services[0].ports[0] == 80 && policy->services[0].ports[1] == 443);
	CU_ASSERT_EQUAL(memcmp(policy->fallbacks[0].mac, "\x02\0\0\0\x0f\x01", 6), 0);
	CU_ASSERT(policy->rules[0].origin == 1 && policy->rules[0].admit_bp == 0);
	CU_ASSERT(rule->service == 0 && rule->origin == NONE && rule->admit_bp == 2500);
	CU_ASSERT(rule->scope == SCOPE_ALL && rule->otherwise == VERDICT_DIVERT);
	CU_ASSERT(rule->source.pps == 2000 && rule->source.burst == 4000 && rule->source.bps == 0);
	CU_ASSERT(rule->total.bps == 8000000000 && rule->total.pps == 0 && rule->total.burst == 0);
	CU_ASSERT_EQUAL(policy->host.pps, 12000000);
	CU_ASSERT(policy_rule(policy, "front") == 2 && policy_rule(policy, "back") == NONE);
	policy_free(policy);
	free(text.bytes);
}

static void test_copy(void)
{
	struct text text = prime_day();
	struct policy *policy = parse(text.bytes), *copy = policy_copy(policy);
	char *printed = print(policy), *copied;
	json_t *salted = policy_print(policy, true), *unsalted = policy_print(policy, false);

	CU_ASSERT_PTR_NOT_NULL(json_object_get(salted, "salt"));
	CU_ASSERT_PTR_NULL(json_object_get(unsalted, "salt"));
	json_decref(salted);
	json_decref(unsalted);
	policy_free(policy);
	copied = print(copy);
	CU_ASSERT_STRING_EQUAL(printed, copied);
	policy_free(copy);
	free(printed);
	free(copied);
	free(text.bytes);
}

static void test_empty(void)
{
	struct policy *policy = policy_empty(), *again;
	char *printed = print(policy);

	CU_ASSERT(policy->malformed == VERDICT_PASS && policy->link_other == VERDICT_PASS &&
		  policy->unmatched == VERDICT_PASS && policy->has_feeds && !policy->feed_count);
	again = parse(printed);
	CU_ASSERT(again->malformed == VERDICT_PASS && again->has_feeds && !again->feed_count);
	policy_free(policy);
	policy_free(again);
	free(printed);
}

/* No document cut short is a document, and none may be read past its end. */
static void test_cut_short(void)
{
	struct text text = prime_day();
	size_t end = text.size;

	while (text.bytes[end - 1] != '}')
		end--;
	for (size_t size = 0; size < end; size++) {
		char *cut = malloc(size + 1);

		CU_ASSERT_PTR_NOT_NULL_FATAL(cut);
		memcpy(cut, text.bytes, size);
		cut[size] = '"';
		refuse(cut, size);
		free(cut);
	}
	free(text.bytes);
}

/* A byte changed anywhere, into what means something in JSON, never ends in more than words. */
static void test_one_byte(void)
{
	static const char bytes[] = "{}[]\",:\\0%\0\x80";
	struct text text = prime_day();
	unsigned refused = 0;

	for (size_t i = 0; i < text.size; i++) {
		for (size_t j = 0; j < sizeof bytes; j++) {
			char old = text.bytes[i];
			struct policy *policy;
			struct error error;

			text.bytes[i] = bytes[j];
			if (policy_parse(text.bytes, text.size, 0, &policy, &error)) {
				CU_ASSERT(error.message[0] != '\0');
				refused++;
			}
			policy_free(policy);
			text.bytes[i] = old;
		}
	}
	CU_ASSERT(refused > text.size);
	free(text.bytes);
}

int main(int argc, char **argv)
{
	CU_TestInfo tests[] = {
		{"accepted documents, printed", test_accepted},
		{"refused documents, and why", test_refused},
		{"fields of the example", test_fields},
		{"copy", test_copy},
		{"the empty policy", test_empty},
		{"documents cut short", test_cut_short},
		{"one byte changed", test_one_byte},
		CU_TEST_INFO_NULL,
	};

	if (argc < 2)
		return EXIT_FAILURE;
	folder = argv[1];
	update = argc > 2 && strcmp(argv[2], "--update") == 0;
	return suite_run("policy", tests);
}
