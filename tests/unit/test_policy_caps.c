/* SPDX-License-Identifier: BSD-3-Clause */
/* Every cap of the document, at it and one past; and the parts of it that requests take. */
#include "policy/policy.h"
#include "suite.h"

#include <stdio.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define NOW_NS       UINT64_C(1796083200000000000) /* 2026-12-01 */
#define NS_PER_S     UINT64_C(1000000000)

/* A document of `count` elements between `head` and `tail`. */
static struct error parse_many(const char *head, const char *element, size_t count,
			       const char *tail)
{
	struct error error = {.code = ERROR_NONE};
	struct policy *policy;
	char *text = NULL;
	size_t size = 0;
	FILE *stream = open_memstream(&text, &size);

	CU_ASSERT_PTR_NOT_NULL_FATAL(stream);
	fputs(head, stream);
	for (size_t i = 0; i < count; i++) {
		const char *number = strchr(element, '#');

		if (i > 0)
			fputc(',', stream);
		if (number)
			fprintf(stream, "%.*s%zu.%zu%s", (int)(number - element), element, i / 256,
				i % 256, number + 1);
		else
			fputs(element, stream);
	}
	fputs(tail, stream);
	fclose(stream);
	policy_parse(text, size, 0, &policy, &error);
	policy_free(policy);
	free(text);
	return error;
}

static void test_caps(void)
{
	static const struct {
		const char *head, *element, *tail;
		size_t cap;
		const char *path;
	} cases[] = {
		{"{\"schema\":1,\"rules\":[", "{\"name\":\"#\"}", "]}", CAP_RULES, "rules"},
		{"{\"schema\":1,\"services\":{", "\"#\":{}", "}}", CAP_SERVICES, "services"},
		{"{\"schema\":1,\"fallbacks\":{", "\"#\":{\"mac\":\"02:00:00:00:00:01\"}", "}}",
		 CAP_FALLBACKS, "fallbacks"},
		{"{\"schema\":1,\"sets\":{", "\"#\":{\"verdict\":\"block\",\"entries\":[]}", "}}",
		 CAP_SETS, "sets"},
		{"{\"schema\":1,\"origins\":{\"groups\":{", "\"#\":[\"any\"]", "}}}", CAP_GROUPS,
		 "origins.groups"},
		{"{\"schema\":1,\"origins\":{\"groups\":{\"a\":[\"any\"],\"b\":[", "\"country:US\"",
		 "]}}}", CAP_TERMS - 1, "origins.groups.b"},
		{"{\"schema\":1,\"origins\":{\"feeds\":[", "{\"type\":\"csv\",\"file\":\"#\"}",
		 "]}}", CAP_FEEDS, "origins.feeds"},
		{"{\"schema\":1,\"guard\":{\"sources\":[", "\"10.0.#\"", "]}}", CAP_PREFIXES,
		 "guard.sources"},
		{"{\"schema\":1,\"guard\":{\"destinations\":[", "\"10.0.#\"", "]}}", CAP_PREFIXES,
		 "guard.destinations"},
		{"{\"schema\":1,\"services\":{\"a\":{\"destinations\":[\"::\"]},"
		 "\"b\":{\"destinations\":[",
		 "\"10.0.#\"", "]}}}", CAP_PREFIXES - 1, "services.b.destinations"},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		for (size_t count = cases[i].cap - 1; count <= cases[i].cap + 1; count++) {
			struct error error =
				parse_many(cases[i].head, cases[i].element, count, cases[i].tail);
			bool past = count > cases[i].cap;

			CU_ASSERT_EQUAL(error.code, past ? ERROR_CAPACITY : ERROR_NONE);
			if (past)
				CU_ASSERT_STRING_EQUAL(error.path, cases[i].path);
		}
	}
}

/* Entries that are null are counted before they are read: so many real ones take gigabytes. */
static void test_set_entries(void)
{
	static const char head[] =
		"{\"schema\":1,\"sets\":{\"a\":{\"verdict\":\"allow\",\"entries\":[\"::\"]},"
		"\"b\":{\"verdict\":\"block\",\"entries\":[";
	struct error error = parse_many(head, "null", CAP_SET_ENTRIES - 1, "]}}}");

	CU_ASSERT_EQUAL(error.code, ERROR_INVALID);
	CU_ASSERT_STRING_EQUAL(error.path, "sets.b.entries[0]");
	error = parse_many(head, "null", CAP_SET_ENTRIES, "]}}}");
	CU_ASSERT_EQUAL(error.code, ERROR_CAPACITY);
	CU_ASSERT_STRING_EQUAL(error.path, "sets.b.entries");
}

static void test_rates(void)
{
	static const struct {
		const char *limit;
		enum error_code code;
		const char *path;
	} cases[] = {
		{"{\"pps\": 249999999}", ERROR_NONE, ""},
		{"{\"pps\": \"250M\"}", ERROR_NONE, ""},
		{"{\"pps\": 250000001}", ERROR_CAPACITY, "limit.source.pps"},
		{"{\"bps\": \"100G\"}", ERROR_NONE, ""},
		{"{\"bps\": 100000000001}", ERROR_CAPACITY, "limit.source.bps"},
		{"{\"pps\": 10, \"burst\": 864000}", ERROR_NONE, ""},
		{"{\"pps\": 10, \"burst\": 864001}", ERROR_CAPACITY, "limit.source.burst"},
		{"{\"bps\": 80, \"burst\": 864000}", ERROR_NONE, ""},
		{"{\"burst\": 864001, \"bps\": 80}", ERROR_CAPACITY, "limit.source.burst"},
		{"{\"pps\": 10, \"bps\": 8, \"burst\": 864000}", ERROR_NONE, ""},
		{"{}", ERROR_INVALID, "limit.source"},
		{"7", ERROR_INVALID, "limit.source"},
		{"{\"pps\": true}", ERROR_INVALID, "limit.source.pps"},
		{"{\"cps\": 1}", ERROR_UNKNOWN_FIELD, "limit.source.cps"},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		json_t *json = json_loads(cases[i].limit, JSON_DECODE_ANY, NULL);
		struct rate_params rate = {.pps = 77}, again;
		struct error error = {.code = ERROR_NONE};
		int result = policy_parse_limit(json, "limit.source", &rate, &error);

		CU_ASSERT_EQUAL(result, cases[i].code ? -1 : 0);
		CU_ASSERT_EQUAL(error.code, cases[i].code);
		CU_ASSERT_STRING_EQUAL(error.path, cases[i].path);
		json_decref(json);
		if (cases[i].code) {
			CU_ASSERT(rate.pps == 77 && rate.bps == 0 && rate.burst == 0);
			continue;
		}
		json = policy_print_limit(&rate);
		CU_ASSERT_EQUAL(policy_parse_limit(json, "", &again, &error), 0);
		CU_ASSERT_EQUAL(memcmp(&rate, &again, sizeof rate), 0);
		json_decref(json);
	}
}

static void test_entries(void)
{
	static const struct {
		const char *entry;
		uint64_t now_ns;
		const char *path; /* NULL: accepted */
		uint64_t expires_ns;
	} cases[] = {
		{"\"192.0.2.0/24\"", 0, NULL, 0},
		{"{\"prefix\": \"192.0.2.0/24\", \"ttl\": \"10m\"}", NOW_NS, NULL,
		 NOW_NS + 600 * NS_PER_S},
		{"{\"ttl\": \"1s\", \"prefix\": \"192.0.2.0/24\"}", NOW_NS + 1, NULL,
		 NOW_NS + NS_PER_S + 1},
		{"{\"prefix\": \"192.0.2.0/24\", \"expires\": \"2026-12-01T00:00:00Z\"}", NOW_NS,
		 NULL, NOW_NS},
		{"{\"prefix\": \"192.0.2.0/24\", \"ttl\": \"10m\"}", 0, "entries[3].ttl", 0},
		{"{\"prefix\": \"192.0.2.0/24\", \"ttl\": 10}", NOW_NS, "entries[3].ttl", 0},
		{"{\"prefix\": \"192.0.2.0/24\", \"ttl\": \"10\"}", NOW_NS, "entries[3].ttl", 0},
		{"{\"prefix\": \"192.0.2.0/24\", \"ttl\": \"0s\"}", NOW_NS, "entries[3].ttl", 0},
		{"{\"prefix\": \"192.0.2.0/24\", \"ttl\": \"1s\", "
		 "\"expires\": \"2026-12-01T00:00:00Z\"}",
		 NOW_NS, "entries[3].ttl", 0},
		{"{\"prefix\": \"192.0.2.0/24\", \"reason\": \"\"}", 0, "entries[3].reason", 0},
		{"{\"prefix\": \"192.0.2.1/24\"}", 0, "entries[3].prefix", 0},
		{"null", 0, "entries[3]", 0},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		json_t *json = json_loads(cases[i].entry, JSON_DECODE_ANY, NULL);
		struct entry_params entry = {.expires_ns = 77};
		struct error error = {.code = ERROR_NONE};
		int result =
			policy_parse_entry(json, "entries[3]", cases[i].now_ns, &entry, &error);

		CU_ASSERT_EQUAL(result, cases[i].path ? -1 : 0);
		CU_ASSERT_STRING_EQUAL(error.path, cases[i].path ? cases[i].path : "");
		CU_ASSERT_EQUAL(entry.expires_ns, cases[i].path ? 77 : cases[i].expires_ns);
		json_decref(json);
	}
}

static void test_percentage(void)
{
	struct error error = {.code = ERROR_NONE};
	uint16_t admit_bp = 77;

	CU_ASSERT_EQUAL(policy_parse_percentage("25%", "admit", &admit_bp, &error), 0);
	CU_ASSERT_EQUAL(admit_bp, 2500);
	CU_ASSERT_EQUAL(policy_parse_percentage("250%", "admit", &admit_bp, &error), -1);
	CU_ASSERT_STRING_EQUAL(error.path, "admit");
	CU_ASSERT_STRING_EQUAL(error.message,
			       "must be a percentage from \"0%\" to \"100%\" with at "
			       "most two decimals");
	CU_ASSERT_EQUAL(admit_bp, 2500);
}

int main(void)
{
	CU_TestInfo tests[] = {
		{"caps", test_caps},
		{"entries of all sets", test_set_entries},
		{"limits", test_rates},
		{"entries", test_entries},
		{"percentages", test_percentage},
		CU_TEST_INFO_NULL,
	};

	return suite_run("policy_caps", tests);
}
