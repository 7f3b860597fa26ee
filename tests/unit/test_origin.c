/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Origins: equal to what libloc itself answers, over its whole database; CSV feeds; what of
 * them a compiler takes over from its last result. test_service has the random feeds.
 */
#include "policies.h"

#include <arpa/inet.h>
#include <libloc/database.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LOOKUPS = 1000000, NETWORKS = 2000000 };

static char folder[] = "/tmp/sluice-test-origin-XXXXXX";

/* libloc's database, and the borders of every network in it. */
static struct loc_ctx *context;
static struct loc_database *database;
static struct border {
	struct in6_addr first, last;
} * borders[2];
static uint32_t border_count[2];

static void list_borders(void)
{
	struct loc_database_enumerator *enumerator;
	struct loc_network *network = NULL;

	CU_ASSERT_EQUAL_FATAL(
		loc_database_enumerator_new(&enumerator, database, LOC_DB_ENUMERATE_NETWORKS, 0),
		0);
	while (loc_database_enumerator_next_network(enumerator, &network) == 0 && network) {
		bool ip6 = loc_network_address_family(network) == AF_INET6;

		CU_ASSERT_TRUE_FATAL(border_count[ip6] < NETWORKS);
		borders[ip6][border_count[ip6]++] =
			(struct border){*loc_network_get_first_address(network),
					*loc_network_get_last_address(network)};
		loc_network_unref(network);
		network = NULL;
	}
	loc_database_enumerator_unref(enumerator);
}

static void open_database(void)
{
	FILE *file = fopen("/var/lib/location/database.db", "r");

	CU_ASSERT_PTR_NOT_NULL_FATAL(file);
	CU_ASSERT_EQUAL_FATAL(loc_new(&context), 0);
	CU_ASSERT_EQUAL_FATAL(loc_database_new(context, &database, file), 0);
	fclose(file);
	for (unsigned i = 0; i < 2; i++) {
		borders[i] = calloc(NETWORKS, sizeof *borders[i]);
		CU_ASSERT_PTR_NOT_NULL_FATAL(borders[i]);
	}
	list_borders();
}

static void close_database(void)
{
	free(borders[0]);
	free(borders[1]);
	loc_database_unref(database);
	loc_unref(context);
}

static unsigned __int128 value_of(const struct in6_addr *address)
{
	unsigned __int128 value = 0;

	for (unsigned i = 0; i < 16; i++)
		value = value << 8 | address->s6_addr[i];
	return value;
}

/*
 * In turn: a step around a network's border, anywhere in a network, anywhere at all. The
 * value is libloc's, IPv4 being mapped into IPv6.
 */
static unsigned __int128 random_value(bool ip6)
{
	const struct border *border = &borders[ip6][random_below(border_count[ip6])];
	unsigned __int128 first = value_of(&border->first), last = value_of(&border->last);
	unsigned __int128 random = (unsigned __int128)random_u64() << 64 | random_u64();
	unsigned __int128 mapped = (unsigned __int128)0xffff << 32;

	switch (random_below(4)) {
	case 0:
		return first + random_below(3) - 1;
	case 1:
		return last + random_below(3) - 1;
	case 2:
		return first + random % (last - first + 1);
	default:
		return ip6 ? random : mapped | (uint32_t)random;
	}
}

static const uint32_t named_asns[] = {13335, 15169, 16509};

static uint32_t told_apart(uint32_t asn)
{
	for (size_t i = 0; i < sizeof named_asns / sizeof *named_asns; i++) {
		if (asn == named_asns[i])
			return asn;
	}
	return 0;
}

/* Whether an origin of the image is what libloc says. */
static bool agrees(const struct origin *origin, unsigned __int128 value)
{
	struct loc_network *network = NULL;
	struct in6_addr address;
	bool same;

	for (unsigned i = 0; i < 16; i++)
		address.s6_addr[i] = (uint8_t)(value >> (120 - 8 * i));
	if (loc_database_lookup(database, &address, &network) != 0 || !network)
		return !origin->mapped && !origin->country[0] && !origin->asn;
	same = origin->mapped && origin->asn == told_apart(loc_network_get_asn(network)) &&
	       strncmp(origin->country, loc_network_get_country_code(network), 2) == 0;
	loc_network_unref(network);
	return same;
}

static void compare(const struct image *image, bool ip6)
{
	unsigned wrong = 0, mapped = 0, named = 0;

	for (unsigned i = 0; i < LOOKUPS; i++) {
		unsigned __int128 value = random_value(ip6);
		struct address address = {ip6 ? (uint64_t)(value >> 64) : 0,
					  ip6 ? (uint64_t)value : (uint32_t)value};
		struct packet packet = packet_from(ip6, address);
		const struct origin *origin = &image->origins[origin_find(
			image, packet.kind == PACKET_IP6, packet.source)];
		mapped += origin->mapped;
		named += origin->asn != 0;
		wrong += !agrees(origin, value);
	}
	CU_ASSERT_EQUAL(wrong, 0);
	CU_ASSERT_TRUE(mapped > LOOKUPS / 4 && mapped < LOOKUPS);
	CU_ASSERT_TRUE(named > 0);
}

static void test_libloc(void)
{
	struct policy *policy = policy_from("{'schema':1,'origins':{'groups':{'big':"
					    "['asn:13335','asn:15169'],'a':['!asn:16509']}}}");
	struct made made;

	made_from(&made, policy);
	open_database();
	CU_ASSERT_TRUE(border_count[0] > 500000 && border_count[1] > 50000);
	compare(&made.image, false);
	compare(&made.image, true);
	close_database();
	made_free(&made);
}

static void write_file(const char *name, const char *text)
{
	char path[96];
	FILE *file;

	snprintf(path, sizeof path, "%s/%s", folder, name);
	file = fopen(path, "w");
	CU_ASSERT_PTR_NOT_NULL_FATAL(file);
	CU_ASSERT_TRUE_FATAL(fputs(text, file) >= 0);
	CU_ASSERT_EQUAL_FATAL(fclose(file), 0);
}

static void remove_file(const char *name)
{
	char path[96];

	snprintf(path, sizeof path, "%s/%s", folder, name);
	CU_ASSERT_EQUAL(unlink(path), 0);
}

static const struct origin *origin_at(const struct image *image, const char *text)
{
	struct prefix prefix;
	const char *why;
	struct packet packet;

	CU_ASSERT_EQUAL_FATAL(prefix_parse(text, &prefix, &why), 0);
	packet = packet_from(prefix.ip6, prefix.address);
	return &image->origins[origin_find(image, packet.kind == PACKET_IP6, packet.source)];
}

static void test_csv(void)
{
	static const struct {
		const char *address, *country;
		uint32_t asn;
		bool mapped;
	} rows[] = {
		{"10.0.0.1", "AA", 0, true}, /* an AS that no group names */
		{"10.1.0.1", "BB", 7, true}, /* longest prefix, over all feeds */
		{"10.2.0.1", "DD", 0, true}, /* of equal prefixes the later feed's */
		{"10.3.0.1", "", 7, true},   /* an AS alone: the country is not inherited */
		{"11.0.0.1", "", 0, false},    {"2001:db8::1", "CC", 0, true},
		{"2001:db9::1", "", 0, false},
	};
	struct feed_paths paths = {.folder = folder};
	struct made made = {
		.policy = policy_from(
			"{'schema':1,'origins':{'feeds':[{'type':'csv','file':'a.csv'},"
			"{'type':'csv','file':'b.csv'}],'groups':{'seven':['asn:7']}}}")};
	struct error error;

	write_file("a.csv", "10.2.0.0/16,CC,7\n10.1.0.0/16,BB,7\n"
			    "10.3.0.0/16,,7\n2001:db8::/32,CC,\n");
	write_file("b.csv", "10.2.0.0/16,DD,\n10.0.0.0/8,AA,9\n");
	CU_ASSERT_EQUAL_FATAL(made_compile(&made, &paths, &error), 0);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const struct origin *origin = origin_at(&made.image, rows[i].address);

		CU_ASSERT_EQUAL(strncmp(origin->country, rows[i].country, 2), 0);
		CU_ASSERT_EQUAL(origin->asn, rows[i].asn);
		CU_ASSERT_EQUAL(origin->mapped, rows[i].mapped);
	}
	CU_ASSERT_FALSE(made.image.origins[ORIGIN_UNMAPPED].mapped);
	made_free(&made);
	remove_file("a.csv");
	remove_file("b.csv");
}

/* A feed of many halves of /24s. */
static void test_halves(void)
{
	enum { BLOCKS = 5000 };
	struct feed_paths paths = {.folder = folder};
	struct made made = {
		.policy = policy_from(
			"{'schema':1,'origins':{'feeds':[{'type':'csv','file':'a.csv'}]}}")};
	struct error error;
	char path[96];
	unsigned wrong = 0;
	FILE *file;

	snprintf(path, sizeof path, "%s/a.csv", folder);
	file = fopen(path, "w");
	CU_ASSERT_PTR_NOT_NULL_FATAL(file);
	for (unsigned i = 0; i < BLOCKS; i++)
		fprintf(file, "10.%u.%u.%u/25,%s,\n", i >> 8, i & 255, i % 3 ? 128U : 0U,
			i % 2 ? "AA" : "BB");
	CU_ASSERT_EQUAL_FATAL(fclose(file), 0);
	CU_ASSERT_EQUAL_FATAL(made_compile(&made, &paths, &error), 0);
	for (uint32_t i = 0; i < (BLOCKS + 1) * 4; i++) {
		struct packet packet = packet_from(false, (struct address){0, 0x0a000000 + i * 64});
		uint32_t block = i / 4;
		bool inside = block < BLOCKS && (i % 4 >= 2) == (block % 3 != 0);
		const char *country = inside ? block % 2 ? "AA" : "BB" : "";

		wrong +=
			strncmp(made.image
					.origins[origin_find(&made.image, packet.kind == PACKET_IP6,
							     packet.source)]
					.country,
				country, 2) != 0;
	}
	CU_ASSERT_EQUAL(wrong, 0);
	made_free(&made);
	remove_file("a.csv");
}

static const char *const feed_policy =
	"{'schema':1,'origins':{'feeds':[{'type':'csv','file':'a.csv'}],"
	"'groups':{'g':['country:AA']}},"
	"'rules':[{'name':'r','origin':'g','admit':'10%%'%s}]%s}";

static void recompile(const char *rule, const char *more, const struct compiled *previous,
		      struct compiled *compiled)
{
	struct feed_paths paths = {.folder = folder};
	char document[512];
	struct policy *policy;
	struct image image;
	struct error error = {0};

	snprintf(document, sizeof document, feed_policy, rule, more);
	policy = policy_from(document);
	CU_ASSERT_EQUAL_FATAL(compile(policy, &paths, previous, compiled, &error), 0);
	CU_ASSERT_EQUAL(compiled_open(compiled, &image, &error), 0);
	CU_ASSERT_EQUAL(strncmp(origin_at(&image, "10.0.0.1")->country, "AA", 2), 0);
	policy_free(policy);
}

/* What has not changed is the same memory, and its file need not even be there. */
static void test_reuse(void)
{
	struct compiled first, same, limited, gone, changed;

	write_file("a.csv", "10.0.0.0/8,AA,\n");
	recompile("", "", NULL, &first);
	recompile("", "", &first, &same);
	for (unsigned kind = 0; kind < SEGMENT_KINDS; kind++)
		CU_ASSERT_PTR_EQUAL(first.segment[kind], same.segment[kind]);
	recompile(",'limit':{'rule':{'pps':9}}", "", &same, &limited);
	compiled_unref(&first);
	compiled_unref(&same);
	remove_file("a.csv");
	recompile("", ",'sets':{'s':{'verdict':'block','entries':['10.0.0.9']}}", &limited, &gone);
	CU_ASSERT_PTR_NOT_EQUAL(limited.segment[SEGMENT_RULES], gone.segment[SEGMENT_RULES]);
	CU_ASSERT_PTR_NOT_EQUAL(limited.segment[SEGMENT_LATEST], gone.segment[SEGMENT_LATEST]);
	CU_ASSERT_PTR_NOT_EQUAL(limited.segment[SEGMENT_DOCUMENT], gone.segment[SEGMENT_DOCUMENT]);
	CU_ASSERT_PTR_EQUAL(limited.segment[SEGMENT_SERVICES], gone.segment[SEGMENT_SERVICES]);
	CU_ASSERT_PTR_EQUAL(limited.segment[SEGMENT_ORIGINS], gone.segment[SEGMENT_ORIGINS]);
	compiled_unref(&limited);
	write_file("a.csv", "10.0.0.0/9,AA,\n");
	recompile("", "", &gone, &changed);
	CU_ASSERT_PTR_NOT_EQUAL(gone.segment[SEGMENT_ORIGINS], changed.segment[SEGMENT_ORIGINS]);
	compiled_unref(&gone);
	compiled_unref(&changed);
	remove_file("a.csv");
}

/* `count` prefixes of alternating countries, the first of which is 10.0.0.0/25's, AA. */
static void write_blocks(unsigned count)
{
	char path[96];
	FILE *file;

	snprintf(path, sizeof path, "%s/a.csv", folder);
	file = fopen(path, "w");
	CU_ASSERT_PTR_NOT_NULL_FATAL(file);
	for (unsigned i = 0; i < count; i++)
		fprintf(file, "10.%u.%u.0/25,%s,\n", i >> 8, i & 255, i % 2 ? "BB" : "AA");
	CU_ASSERT_EQUAL_FATAL(fclose(file), 0);
}

/* A feed that was cut short is refused; it may grow, shrink a little, or go for the moment. */
static void test_shrunk(void)
{
	struct feed_paths paths = {.folder = folder};
	struct policy *policy =
		policy_from("{'schema':1,'origins':{'feeds':[{'type':'csv','file':'a.csv'}]}}");
	struct policy *groups =
		policy_from("{'schema':1,'origins':{'feeds':[{'type':'csv','file':'a.csv'}],"
			    "'groups':{'aa':['country:AA']}}}");
	struct policy *feeds =
		policy_from("{'schema':1,'origins':{'feeds':[{'type':'csv','file':'a.csv'},"
			    "{'type':'csv','file':'b.csv'}]}}");
	struct compiled whole, now;
	struct error error = {0};
	static const unsigned accepted[] = {1000, 600, 1000, 5000};

	write_blocks(1000);
	CU_ASSERT_EQUAL_FATAL(compile(policy, &paths, NULL, &whole, &error), 0);
	for (size_t i = 0; i < sizeof accepted / sizeof *accepted; i++) {
		write_blocks(accepted[i]);
		CU_ASSERT_EQUAL_FATAL(compile(policy, &paths, &whole, &now, &error), 0);
		compiled_unref(&now);
	}
	for (unsigned count = 0; count < 500; count += 499) {
		write_blocks(count);
		CU_ASSERT_EQUAL(compile(policy, &paths, &whole, &now, &error), -1);
		CU_ASSERT_EQUAL(error.code, ERROR_GUARD);
		CU_ASSERT_STRING_EQUAL(error.path, "origins.feeds");
	}
	CU_ASSERT_EQUAL(compile(groups, &paths, &whole, &now, &error), -1);
	CU_ASSERT_EQUAL(error.code, ERROR_GUARD);
	write_file("b.csv", "");
	CU_ASSERT_EQUAL_FATAL(compile(feeds, &paths, &whole, &now, &error), 0);
	compiled_unref(&now);
	remove_file("b.csv");
	remove_file("a.csv");
	CU_ASSERT_EQUAL_FATAL(compile(policy, &paths, &whole, &now, &error), 0);
	CU_ASSERT_PTR_EQUAL(now.segment[SEGMENT_ORIGINS], whole.segment[SEGMENT_ORIGINS]);
	compiled_unref(&now);
	compiled_unref(&whole);
	policy_free(policy);
	policy_free(groups);
	policy_free(feeds);
}

int main(void)
{
	CU_TestInfo tests[] = {
		{"libloc database", test_libloc}, {"csv", test_csv},
		{"halves of /24s", test_halves},    {"reuse", test_reuse},
		{"shrunk", test_shrunk},          CU_TEST_INFO_NULL,
	};
	int result;

	if (!mkdtemp(folder))
		return EXIT_FAILURE;
	result = suite_run("origin", tests);
	rmdir(folder);
	return result;
}
