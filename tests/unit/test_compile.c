/* SPDX-License-Identifier: BSD-3-Clause */
/* The compiler as a whole: records, guard, shares, covered rules, equal bytes for equal input. */
#include "policies.h"
#include "decide.h"

#define NO_FEEDS "'schema':1,'origins':{'feeds':[]}"

static bool guarded(const struct image *image, const struct packet *packet)
{
	return guard_source(image, packet->kind == PACKET_IP6, packet->source) ||
	       guard_target(image, packet);
}

static void test_empty(void)
{
	struct packet packet = packet_from(false, (struct address){0, 1});
	struct made made;

	made_from(&made, policy_empty());
	CU_ASSERT_EQUAL(made.image.rule_count, 0);
	CU_ASSERT_EQUAL(made.image.origin_count, 1);
	CU_ASSERT_EQUAL(set_find(&made.image, packet.kind == PACKET_IP6, packet.source, 0), 0);
	CU_ASSERT_EQUAL(origin_find(&made.image, packet.kind == PACKET_IP6, packet.source),
			ORIGIN_UNMAPPED);
	CU_ASSERT_EQUAL(target_find(&made.image, &packet).service, NONE);
	CU_ASSERT_EQUAL(made.image.choice[target_find(&made.image, &packet).choices], NONE);
	CU_ASSERT_FALSE(guarded(&made.image, &packet));
	made_free(&made);
}

static const char *const whole_policy =
	"{" NO_FEEDS ",'name':'whole','malformed':'pass','link':'arp','default':'drop',"
	"'fallbacks':{'lite':{'mac':'02:00:00:00:0f:01'},"
	"'far':{'mac':'02:00:00:00:0f:02','vlan':9,'port':'fallback'}},"
	"'services':{'web':{'proto':'tcp','ports':[80],'fallback':'far'},'dns':{'ports':[53]}},"
	"'rules':[{'name':'web','service':'web','admit':'12.34%','scope':'all','else':'divert',"
	"'limit':{'source':{'pps':10},'rule':{'bps':'8M'}}},{'name':'rest','admit':'100%'}],"
	"'host':{'pps':'1k','bps':'1M'}}";

static void test_records(void)
{
	struct policy *policy = policy_from(whole_policy);
	const struct image *image;
	struct made made;

	memset(policy->salt, 0x5a, sizeof policy->salt);
	made_from(&made, policy);
	image = &made.image;
	CU_ASSERT_EQUAL(image->settings->malformed, VERDICT_PASS);
	CU_ASSERT_EQUAL(image->settings->other, VERDICT_DROP);
	CU_ASSERT_EQUAL(image->settings->unmatched, VERDICT_DROP);
	CU_ASSERT_EQUAL(image->salt.k0, UINT64_C(0x5a5a5a5a5a5a5a5a));
	CU_ASSERT_NOT_EQUAL(image->settings->host.rate[BUCKET_PPS].cost, 0);
	CU_ASSERT_NOT_EQUAL(image->settings->host.rate[BUCKET_BPS].cost, 0);
	CU_ASSERT_EQUAL_FATAL(image->rule_count, 2);
	CU_ASSERT_EQUAL(image->rules[0].admit_bp, 1234);
	CU_ASSERT_EQUAL(image->rules[0].admit, (UINT64_C(1234) << 32) / 10000);
	CU_ASSERT_EQUAL(image->rules[1].admit, UINT64_C(1) << 32);
	CU_ASSERT_EQUAL(image->rules[0].otherwise, VERDICT_DIVERT);
	CU_ASSERT_TRUE(bucket_limits(&image->rules[0].source));
	CU_ASSERT_TRUE(bucket_limits(&image->rules[0].total));
	CU_ASSERT_FALSE(bucket_limits(&image->rules[1].source));
	CU_ASSERT_STRING_EQUAL(image_rule_name(image, 1), "rest");
	CU_ASSERT_STRING_EQUAL(image_service_name(image, 0), "web");
	CU_ASSERT_STRING_EQUAL(image_service_name(image, 1), "dns");
	CU_ASSERT_EQUAL(image->services[1].fallback, NONE);
	CU_ASSERT_EQUAL_FATAL(image->fallback_count, 2);
	CU_ASSERT_EQUAL_FATAL(image->services[0].fallback, 1);
	CU_ASSERT_EQUAL(image->fallbacks[1].flags, FALLBACK_PORT | FALLBACK_VLAN);
	CU_ASSERT_EQUAL(image->fallbacks[1].vlan, 9);
	CU_ASSERT_EQUAL(image->fallbacks[1].mac[5], 2);
	CU_ASSERT_EQUAL(image->fallbacks[0].flags, 0);
	made_free(&made);
}

static bool same_bytes(const struct compiled *a, const struct compiled *b)
{
	for (unsigned kind = 0; kind < SEGMENT_KINDS; kind++) {
		if (a->segment[kind]->size != b->segment[kind]->size ||
		    memcmp(a->segment[kind]->data, b->segment[kind]->data, a->segment[kind]->size))
			return false;
	}
	return true;
}

/* Taking over from the last result gives what compiling afresh does, whatever has changed. */
static void test_incremental(void)
{
	static const char *const documents[] = {
		"'origins':{'feeds':[]}",
		"'origins':{'feeds':[],'groups':{'g':['prefix:10.0.0.0/8']}}",
		"'origins':{'feeds':[],'groups':{'g':['prefix:10.0.0.0/9']}}",
		"'origins':{'feeds':[],'groups':{'g':['!prefix:10.0.0.0/9','any']}}",
		"'origins':{'feeds':[],'groups':{'g':['!prefix:10.0.0.0/9','any']}},"
		"'rules':[{'name':'r','origin':'g'}]",
		"'origins':{'feeds':[],'groups':{'g':['prefix:10.0.0.0/9']}},"
		"'rules':[{'name':'r','origin':'g'}]",
		"'origins':{'feeds':[]},'sets':{'s':{'verdict':'block','entries':['10.0.0.0/9']}}",
		"'origins':{'feeds':[]},'sets':{'s':{'verdict':'allow','entries':['10.0.0.0/9']}}",
		"'origins':{'feeds':[]},'sets':{'s':{'verdict':'allow','entries':['10.0.0.0/8']}}",
		"'origins':{'feeds':[]},'sets':{'s':{'verdict':'allow','entries':"
		"[{'prefix':'10.0.0.0/8','expires':'2030-01-01T00:00:00Z'}]}}",
		"'origins':{'feeds':[]},'sets':{'s':{'verdict':'allow','entries':"
		"[{'prefix':'10.0.0.0/8','expires':'2031-01-01T00:00:00Z'}]}}",
		"'origins':{'feeds':[]},'salt':'000102030405060708090a0b0c0d0e0f','sets':{'s':"
		"{'verdict':'allow','entries':['10.0.0.1']}}",
		"'origins':{'feeds':[]},'sets':{'s':{'verdict':'allow','entries':['10.0.0.1']}}",
	};
	struct compiled previous = {0};
	struct feed_paths paths = {0};

	for (size_t i = 0; i < sizeof documents / sizeof *documents; i++) {
		char document[512];
		struct made afresh;
		struct compiled compiled;
		struct error error = {0};

		snprintf(document, sizeof document, "{'schema':1,%s}", documents[i]);
		made_from(&afresh, policy_from(document));
		CU_ASSERT_EQUAL_FATAL(
			compile(afresh.policy, &paths, i ? &previous : NULL, &compiled, &error), 0);
		CU_ASSERT_TRUE(same_bytes(&afresh.compiled, &compiled));
		compiled_unref(&previous);
		previous = compiled;
		made_free(&afresh);
	}
	compiled_unref(&previous);
}

/* The document in an image compiles to the same image. */
static void test_document(void)
{
	struct made first, second;
	struct policy *policy = policy_from(whole_policy);
	struct error error = {0};

	memset(policy->salt, 0xa5, sizeof policy->salt);
	made_from(&first, policy);
	CU_ASSERT_EQUAL_FATAL(
		policy_parse(first.image.document, first.image.document_size, 0, &policy, &error),
		0);
	CU_ASSERT_TRUE(policy->has_salt);
	made_from(&second, policy);
	CU_ASSERT_TRUE(same_bytes(&first.compiled, &second.compiled));
	made_free(&first);
	made_free(&second);
}

static void test_manifest(void)
{
	struct manifest manifest;
	struct image_error error;
	struct made made;

	made_from(&made, policy_from(whole_policy));
	compiled_manifest(&made.compiled, 413, 99, NULL, &manifest);
	CU_ASSERT_EQUAL(manifest_check(&manifest, sizeof manifest, &error), 0);
	CU_ASSERT_EQUAL(manifest.generation, 413);
	CU_ASSERT_EQUAL(manifest.published_ns, 99);
	for (unsigned kind = 0; kind < SEGMENT_KINDS; kind++)
		CU_ASSERT_EQUAL(segment_check((enum segment_kind)kind,
					      made.compiled.segment[kind]->data,
					      &manifest.segment[kind], &error),
				0);
	made_free(&made);
}

/* What lies in a service's prefix twice is still that service's: one class, one range. */
static void test_nested_destinations(void)
{
	struct made made;

	made_from(&made, policy_from("{" NO_FEEDS ",'services':{'s':{'destinations':"
				     "['10.0.0.0/8','10.1.0.0/16','10.1.1.1']}}}"));
	CU_ASSERT_EQUAL(made.image.destination_classes, 2);
	CU_ASSERT_EQUAL(made.image.destination.ip4.count, 3);
	CU_ASSERT_EQUAL(made.image.destination.ip6.count, 0);
	made_free(&made);
}

/* A rule's id comes from its name: what stands around it does not matter. */
static void test_rule_ids(void)
{
	struct made few, many;

	made_from(&few, policy_from("{" NO_FEEDS ",'services':{'s':{'proto':'tcp'}},"
				    "'rules':[{'name':'b','admit':'1%'}]}"));
	made_from(&many, policy_from("{" NO_FEEDS ",'services':{'s':{'proto':'tcp'}},"
				     "'rules':[{'name':'a','service':'s','admit':'1%'},"
				     "{'name':'b','admit':'2%'}]}"));
	CU_ASSERT_EQUAL(few.image.rules[0].id, many.image.rules[1].id);
	CU_ASSERT_NOT_EQUAL(many.image.rules[0].id, many.image.rules[1].id);
	CU_ASSERT_NOT_EQUAL(few.image.rules[0].id, 0);
	made_free(&few);
	made_free(&many);
}

/* Raising a share from 25% to 50% evicts nobody, and shares are what they say. */
static void test_shares(void)
{
	enum { KEYS = 1000000 };
	struct made low, high;
	unsigned in_low = 0, in_high = 0, evicted = 0;

	made_from(&low, policy_from("{" NO_FEEDS ",'rules':[{'name':'r','admit':'25%'}]}"));
	made_from(&high, policy_from("{" NO_FEEDS ",'rules':[{'name':'r','admit':'50%'}]}"));
	for (unsigned i = 0; i < KEYS; i++) {
		bool ip6 = i % 2;
		struct address address = {ip6 ? random_u64() : 0, random_u64() & UINT32_MAX};
		struct packet packet = packet_from(ip6, address);
		bool before = rule_admits(&low.image, &low.image.rules[0], &packet);
		bool after = rule_admits(&high.image, &high.image.rules[0], &packet);

		in_low += before;
		in_high += after;
		evicted += before && !after;
	}
	CU_ASSERT_EQUAL(evicted, 0);
	CU_ASSERT_TRUE(in_low > KEYS / 1000 * 245 && in_low < KEYS / 1000 * 255);
	CU_ASSERT_TRUE(in_high > KEYS / 1000 * 495 && in_high < KEYS / 1000 * 505);
	made_free(&low);
	made_free(&high);
}

static void test_guard(void)
{
	static const struct {
		uint32_t source, destination;
		uint8_t protocol;
		uint16_t port;
		bool guarded;
	} rows[] = {
		{0xc0000201, 1, PROTO_TCP, 1, true}, {0xc0000210, 1, PROTO_TCP, 1, false},
		{1, 0x0a000001, PROTO_TCP, 1, true}, {0x0a000001, 1, PROTO_TCP, 1, false},
		{1, 1, PROTO_TCP, 179, true},        {1, 1, PROTO_UDP, 179, false},
		{1, 1, PROTO_UDP, 65535, true},      {1, 1, PROTO_TCP, 65535, false},
	};
	struct made made;

	made_from(&made,
		  policy_from("{" NO_FEEDS ",'guard':{'sources':['192.0.2.0/28'],"
			      "'destinations':['10.0.0.1'],'ports':[{'proto':'tcp','port':179},"
			      "{'proto':'udp','port':65535}]}}"));
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct packet packet = {
			.kind = PACKET_IP4,
			.source = {0, rows[i].source},
			.destination = {0, rows[i].destination},
			.protocol = rows[i].protocol,
			.destination_port = rows[i].port,
			.flags = PACKET_PORTS,
		};

		CU_ASSERT_EQUAL(guarded(&made.image, &packet), rows[i].guarded);
		packet.kind = PACKET_IP6;
		packet.flags = 0;
		CU_ASSERT_FALSE(guarded(&made.image, &packet));
	}
	made_free(&made);
}

/* Rules of which the one at index `covered` (-1: none) never decides, without any feed. */
static void test_covered(void)
{
	static const struct {
		const char *rules;
		int covered;
	} rows[] = {
		{"{'name':'a'},{'name':'b'}", 1},
		{"{'name':'a','service':'s'},{'name':'b'}", -1},
		{"{'name':'a','service':'s'},{'name':'b','service':'t'},{'name':'c','service':'s'}",
		 2},
		{"{'name':'a'},{'name':'b','service':'s','origin':'us'}", 1},
		{"{'name':'a','origin':'us'},{'name':'b','origin':'abroad'}", -1},
		{"{'name':'a','origin':'us'},{'name':'b','origin':'abroad'},{'name':'c'}", -1},
		{"{'name':'a','origin':'west'},{'name':'b','origin':'us'}", 1},
		{"{'name':'a','origin':'us'},{'name':'b','origin':'west'}", -1},
		{"{'name':'a','origin':'west'},{'name':'b','origin':'clouds'}", -1},
		{"{'name':'a','origin':'clouds'},{'name':'b','origin':'us'}", -1},
		{"{'name':'a','origin':'net'},{'name':'b','origin':'clouds'}", -1},
		{"{'name':'a','origin':'clouds'},{'name':'b','origin':'net'}", 1},
		{"{'name':'a','origin':'wide'},{'name':'b','origin':'net'}", 1},
		{"{'name':'a','origin':'net'},{'name':'b','origin':'wide'}", -1},
		{"{'name':'a','standing':'unmapped'},{'name':'b'}", -1},
		{"{'name':'a','standing':'unmapped'},{'name':'b','origin':'unknown'}", 1},
		{"{'name':'a','origin':'unknown'},{'name':'b','standing':'unmapped'}", 1},
		{"{'name':'a','origin':'wide','standing':'unmapped'},{'name':'b','origin':'net'}",
		 -1},
		{"{'name':'a','origin':'abroad'},{'name':'b','standing':'unmapped'}", -1},
		{"{'name':'a','origin':'us','standing':'unmapped'},{'name':'b','origin':'us'}", -1},
		{"{'name':'a','origin':'homes'},{'name':'b','origin':'us'}", -1},
		{"{'name':'a','origin':'us'},{'name':'b','origin':'homes'}", 1},
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct feed_paths paths = {0};
		char document[1024], path[32];
		struct made made = {0};
		struct error error = {0};
		int result;

		snprintf(document, sizeof document,
			 "{'schema':1,'origins':{'feeds':[],'groups':{'us':['country:US'],"
			 "'abroad':['!group:us'],'homes':['country:US','!asn:1'],'west':['group:us'"
			 ",'country:CA'],"
			 "'clouds':['asn:1','prefix:10.0.0.0/8'],'net':['prefix:10.0.0.0/8'],"
			 "'wide':['prefix:10.0.0.0/7'],'unknown':['unmapped']}},"
			 "'services':{'s':{'proto':'tcp'},'t':{}},'rules':[%s]}",
			 rows[i].rules);
		made.policy = policy_from(document);
		result = made_compile(&made, &paths, &error);
		if (rows[i].covered < 0) {
			CU_ASSERT_EQUAL(result, 0);
		} else {
			snprintf(path, sizeof path, "rules[%d]", rows[i].covered);
			CU_ASSERT_EQUAL(result, -1);
			CU_ASSERT_EQUAL(error.code, ERROR_INVALID);
			CU_ASSERT_STRING_EQUAL(error.path, path);
			CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "\"a\""));
		}
		made_free(&made);
	}
}

/* What the parser takes for a limit, a reader of the image takes, too. */
static void test_longest_bursts(void)
{
	static const char *const limits[] = {
		"'pps':1,'burst':86400",
		"'pps':1000000,'burst':'86400M'",
		"'pps':249999999,'burst':21599999913600",
		"'pps':'250M','burst':'21600G'",
		"'bps':8,'burst':86400",
		"'bps':99999999999,'burst':1079999999989200",
		"'bps':'100G','burst':'1080000G'",
	};

	for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
		char document[256];
		struct made made;

		snprintf(document, sizeof document, "{" NO_FEEDS ",'host':{%s}}", limits[i]);
		made_from(&made, policy_from(document));
		made_free(&made);
	}
}

int main(void)
{
	CU_TestInfo tests[] = {
		{"the empty policy", test_empty},
		{"records", test_records},
		{"the longest bursts", test_longest_bursts},
		{"incremental", test_incremental},
		{"the document", test_document},
		{"the manifest", test_manifest},
		{"nested destinations", test_nested_destinations},
		{"rule ids", test_rule_ids},
		{"shares", test_shares},
		{"guard", test_guard},
		{"covered rules", test_covered},
		CU_TEST_INFO_NULL,
	};

	return suite_run("compile", tests);
}
