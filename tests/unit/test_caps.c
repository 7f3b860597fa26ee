/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Every cap of the compiler just below it, at it, and past it: compiled and opened, or
 * refused with CAPACITY and the place. That of set entries is in test_caps_entries.
 */
#include "compile/feeds.h"
#include "compile/segments.h"
#include "policies.h"

static void *list_of(size_t count, size_t size)
{
	void *list = calloc(count + 1, size);

	CU_ASSERT_PTR_NOT_NULL_FATAL(list);
	return list;
}

static char *name_of(size_t index)
{
	char *name;

	CU_ASSERT_TRUE_FATAL(asprintf(&name, "n%zu", index) > 0);
	return name;
}

static struct policy *policy_new(void)
{
	struct policy *policy = policy_empty();

	CU_ASSERT_PTR_NOT_NULL_FATAL(policy);
	return policy;
}

static struct prefix single(uint32_t address)
{
	return (struct prefix){{0, address}, 0, 32};
}

static void add_services(struct policy *policy, size_t count)
{
	policy->services = list_of(count, sizeof *policy->services);
	policy->service_count = count;
	for (size_t i = 0; i < count; i++)
		policy->services[i] = (struct service_params){
			.name = name_of(i),
			.protocol = PROTO_TCP,
			.fallback = NONE,
		};
}

static void add_destination(struct service_params *service, struct prefix prefix)
{
	struct prefix_list *list = &service->destinations;

	list->prefixes = reallocarray(list->prefixes, list->count + 1, sizeof prefix);
	CU_ASSERT_PTR_NOT_NULL_FATAL(list->prefixes);
	list->prefixes[list->count++] = prefix;
}

static void add_port(struct service_params *service, uint16_t port)
{
	service->ports = reallocarray(service->ports, service->port_count + 1, sizeof port);
	CU_ASSERT_PTR_NOT_NULL_FATAL(service->ports);
	service->ports[service->port_count++] = port;
}

static void add_groups(struct policy *policy, size_t count, size_t terms)
{
	policy->groups = list_of(count, sizeof *policy->groups);
	policy->group_count = count;
	for (size_t i = 0; i < count; i++)
		policy->groups[i] = (struct group_params){
			.name = name_of(i),
			.terms = list_of(terms, sizeof *policy->groups[i].terms),
		};
}

static void add_term(struct group_params *group, const struct term *term)
{
	group->terms[group->count++] = *term;
}

static struct policy *with_rules(size_t count)
{
	static const char countries[] = "ABCDE";
	struct policy *policy = policy_new();

	add_services(policy, CAP_SERVICES);
	add_groups(policy, 5, 1);
	for (size_t i = 0; i < 5; i++)
		add_term(&policy->groups[i],
			 &(struct term){.type = TERM_COUNTRY, .country = {'A', countries[i]}});
	policy->rules = list_of(count, sizeof *policy->rules);
	policy->rule_count = count;
	for (size_t i = 0; i < count; i++)
		policy->rules[i] = (struct rule_params){
			.name = name_of(i),
			.service = (uint16_t)(i / 5),
			.origin = (uint16_t)(i % 5),
			.otherwise = VERDICT_DROP,
		};
	return policy;
}

static struct policy *with_services(size_t count)
{
	struct policy *policy = policy_new();

	add_services(policy, count);
	for (size_t i = 0; i < count; i++) {
		add_destination(&policy->services[i], single((uint32_t)i));
		add_port(&policy->services[i], (uint16_t)(i + 1));
	}
	return policy;
}

static struct policy *with_fallbacks(size_t count)
{
	struct policy *policy = policy_new();

	policy->fallbacks = list_of(count, sizeof *policy->fallbacks);
	policy->fallback_count = count;
	for (size_t i = 0; i < count; i++)
		policy->fallbacks[i] = (struct fallback_params){.name = name_of(i), .mac = {2}};
	return policy;
}

static struct policy *with_groups(size_t count)
{
	struct policy *policy = policy_new();

	add_groups(policy, count, 1);
	for (size_t i = 0; i < count; i++)
		add_term(&policy->groups[i],
			 &(struct term){.type = TERM_ASN, .asn = (uint32_t)i + 1});
	return policy;
}

static struct policy *with_terms(size_t count)
{
	struct policy *policy = policy_new();

	add_groups(policy, 1, count);
	for (size_t i = 0; i < count; i++)
		add_term(&policy->groups[0],
			 &(struct term){.type = TERM_ASN, .asn = (uint32_t)i + 1});
	return policy;
}

static struct policy *with_sets(size_t count)
{
	struct policy *policy = policy_new();

	policy->sets = list_of(count, sizeof *policy->sets);
	policy->set_count = count;
	for (size_t i = 0; i < count; i++)
		policy->sets[i] = (struct set_params){.name = name_of(i), .verdict = SET_BLOCK};
	return policy;
}

static struct policy *with_guard_sources(size_t count)
{
	struct policy *policy = policy_new();
	struct prefix_list *list = &policy->guard.sources;

	list->prefixes = list_of(count, sizeof *list->prefixes);
	for (; list->count < count; list->count++)
		list->prefixes[list->count] = single(2 * (uint32_t)list->count);
	return policy;
}

static struct policy *with_guard_destinations(size_t count)
{
	struct policy *policy = with_guard_sources(count);

	policy->guard.destinations = policy->guard.sources;
	policy->guard.sources = (struct prefix_list){0};
	return policy;
}

static struct policy *with_destinations(size_t count)
{
	struct policy *policy = policy_new();

	add_services(policy, 16);
	for (size_t i = 0; i < count; i++)
		add_destination(&policy->services[i % 16], single((uint32_t)i));
	return policy;
}

enum { PAIRED = 190 };

/* The pair of different numbers below PAIRED that has this index. */
static void pair_of(size_t index, size_t *low, size_t *high)
{
	for (*low = 0; index >= PAIRED - 1 - *low; ++*low)
		index -= PAIRED - 1 - *low;
	*high = *low + 1 + index;
}

/* So many prefixes, each of a pair of services of its own. */
static void add_paired_destinations(struct policy *policy, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		size_t low, high;

		pair_of(i, &low, &high);
		add_destination(&policy->services[low], single((uint32_t)i));
		add_destination(&policy->services[high], single((uint32_t)i));
	}
}

static void add_paired_ports(struct policy *policy, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		size_t low, high;

		pair_of(i, &low, &high);
		add_port(&policy->services[low], (uint16_t)(i + 1));
		add_port(&policy->services[high], (uint16_t)(i + 1));
	}
}

/* Beside the pairs there is the class of addresses that no service names. */
static struct policy *with_destination_classes(size_t count)
{
	struct policy *policy = policy_new();

	add_services(policy, PAIRED);
	add_paired_destinations(policy, count - 1);
	return policy;
}

/* Beside the pairs: no service at all, and every service, for a later fragment. */
static struct policy *with_port_classes(size_t count)
{
	struct policy *policy = policy_new();

	add_services(policy, PAIRED);
	add_paired_ports(policy, count - 2);
	return policy;
}

static struct policy *with_cells(size_t count)
{
	struct policy *policy = policy_new();

	add_services(policy, PAIRED);
	add_paired_destinations(policy, count / 4096 - 1);
	add_paired_ports(policy, 4096 - 2);
	return policy;
}

static struct policy *with_prefix_classes(size_t count)
{
	struct policy *policy = policy_new();

	add_groups(policy, PAIRED, count);
	for (size_t i = 0; i < count - 1; i++) {
		struct term term = {.type = TERM_PREFIX, .prefix = single((uint32_t)i)};
		size_t low, high;

		pair_of(i, &low, &high);
		add_term(&policy->groups[low], &term);
		add_term(&policy->groups[high], &term);
	}
	return policy;
}

static const struct row {
	const char *what;
	struct policy *(*policy_with)(size_t count);
	size_t cap, step;
	const char *path;
} rows[] = {
	{"rules", with_rules, CAP_RULES, 1, "rules"},
	{"services", with_services, CAP_SERVICES, 1, "services"},
	{"fallbacks", with_fallbacks, CAP_FALLBACKS, 1, "fallbacks"},
	{"groups", with_groups, CAP_GROUPS, 1, "origins.groups"},
	{"terms", with_terms, CAP_TERMS, 1, "origins.groups"},
	{"sets", with_sets, CAP_SETS, 1, "sets"},
	{"guarded sources", with_guard_sources, CAP_PREFIXES, 1, "guard.sources"},
	{"guarded destinations", with_guard_destinations, CAP_PREFIXES, 1, "guard.destinations"},
	{"destinations", with_destinations, CAP_PREFIXES, 1, "services"},
	{"destination classes", with_destination_classes, CAP_CLASSES, 1, "services"},
	{"port classes", with_port_classes, CAP_CLASSES, 1, "services"},
	{"pairs of classes", with_cells, CAP_CLASS_CELLS, 4096, "services"},
	{"classes of prefixes", with_prefix_classes, CAP_CLASSES, 1, "origins.groups"},
};

static void check(const struct row *row, size_t count)
{
	struct feed_paths paths = {0};
	struct made made = {.policy = row->policy_with(count)};
	struct error error = {0};
	int result = made_compile(&made, &paths, &error);

	if (result != (count <= row->cap ? 0 : -1))
		fprintf(stderr, "\n%zu %s: %s: %s\n", count, row->what, error.path, error.message);
	CU_ASSERT_EQUAL(result, count <= row->cap ? 0 : -1);
	if (result != 0) {
		CU_ASSERT_EQUAL(error.code, ERROR_CAPACITY);
		CU_ASSERT_STRING_EQUAL(error.path, row->path);
	}
	made_free(&made);
}

static void test_caps(void)
{
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		check(&rows[i], rows[i].cap - rows[i].step);
		check(&rows[i], rows[i].cap);
		check(&rows[i], rows[i].cap + rows[i].step);
	}
}

/* How feeds are read is another matter: these need not be there. */
static void test_feeds(void)
{
	struct policy *policy = policy_new();
	struct error error = {0};

	for (policy->feed_count = CAP_FEEDS - 1; policy->feed_count <= CAP_FEEDS;
	     policy->feed_count++)
		CU_ASSERT_EQUAL(caps_check(policy, &error), 0);
	CU_ASSERT_EQUAL(caps_check(policy, &error), -1);
	CU_ASSERT_EQUAL(error.code, ERROR_CAPACITY);
	CU_ASSERT_STRING_EQUAL(error.path, "origins.feeds");
	policy->feed_count = 0;
	policy_free(policy);
}

/* Origins: as many ASes as a group names, less the unmapped. */
static void check_origins(uint32_t count)
{
	struct policy *policy = policy_new();
	struct feed_data feeds;
	struct segment *segment = NULL;
	struct membership *membership = NULL;
	struct error error = {0};
	int result;

	feed_init(&feeds);
	add_groups(policy, 1, count);
	for (uint32_t asn = 1; asn < count; asn++) {
		struct feed_prefix prefix = {.prefix = single(asn), .asn = asn};

		add_term(&policy->groups[0], &(struct term){.type = TERM_ASN, .asn = asn});
		CU_ASSERT_EQUAL(feed_add(&feeds, &prefix, "", &error), 0);
	}
	result = origins_compile(policy, &feeds, &segment, &membership, &error);
	CU_ASSERT_EQUAL(result, count <= CAP_ORIGINS ? 0 : -1);
	if (result == 0)
		CU_ASSERT_EQUAL(membership->origins, count)
	else
		CU_ASSERT_EQUAL(error.code, ERROR_CAPACITY)
	segment_unref(segment);
	membership_unref(membership);
	feed_free(&feeds);
	policy_free(policy);
}

static void test_origins(void)
{
	check_origins(CAP_ORIGINS - 1);
	check_origins(CAP_ORIGINS);
	check_origins(CAP_ORIGINS + 1);
}

/* Two million prefixes in either family compile; one more is refused, and named. */
static void test_origin_prefixes(void)
{
	struct policy *policy = policy_new();
	struct feed_data feeds;
	struct segment *segment = NULL;
	struct membership *membership = NULL;
	struct error error = {0};
	struct feed_prefix prefix = {.country = {'A', 'A'}};
	unsigned refused = 0;

	feed_init(&feeds);
	for (uint32_t i = 0; i < 2 * CAP_ORIGIN_PREFIXES; i++) {
		bool ip6 = i % 2;

		prefix.prefix = (struct prefix){{ip6 ? i : 0, ip6 ? 0 : i}, ip6, ip6 ? 64 : 32};
		prefix.country[1] = (char)('A' + i / 2 % 2);
		refused += feed_add(&feeds, &prefix, "", &error) != 0;
		if (i == 2 * CAP_ORIGIN_PREFIXES - 3)
			CU_ASSERT_EQUAL(feeds.forest[0].count, CAP_ORIGIN_PREFIXES - 1);
	}
	CU_ASSERT_EQUAL(refused, 0);
	for (uint8_t ip6 = 0; ip6 < 2; ip6++) {
		prefix.prefix.ip6 = ip6;
		CU_ASSERT_EQUAL(feed_add(&feeds, &prefix, "extra.csv:12", &error), -1);
		CU_ASSERT_EQUAL(error.code, ERROR_CAPACITY);
		CU_ASSERT_STRING_EQUAL(error.path, "extra.csv:12");
	}
	CU_ASSERT_EQUAL(feeds.forest[0].count, CAP_ORIGIN_PREFIXES);
	CU_ASSERT_EQUAL(feeds.forest[1].count, CAP_ORIGIN_PREFIXES);
	CU_ASSERT_EQUAL(origins_compile(policy, &feeds, &segment, &membership, &error), 0);
	segment_unref(segment);
	membership_unref(membership);
	feed_free(&feeds);
	policy_free(policy);
}

int main(void)
{
	CU_TestInfo tests[] = {
		{"below, at and past", test_caps},
		{"feeds", test_feeds},
		{"origins", test_origins},
		{"origin prefixes", test_origin_prefixes},
		CU_TEST_INFO_NULL,
	};

	return suite_run("caps", tests);
}
