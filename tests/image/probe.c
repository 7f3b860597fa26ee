/* SPDX-License-Identifier: BSD-3-Clause */
#include "probe.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PROBE_LINES = 64 };

static struct compiled good;

/* A change of single addresses, for the layers to hold some. */
static int compile_change(struct policy *policy, const struct feed_paths *paths,
			  struct error *error)
{
	static const struct prefix gone = {{0, 0xcb007106}, 0, 32};
	struct entry_params new[] = {
		{.prefix = {{0, 0xc6336401}, 0, 32}, .expires_ns = UINT64_C(1900000000000000000)},
		{.prefix = {{UINT64_C(0x20010db800030000), 1}, 1, 128}},
	};
	struct compiled before = good;
	size_t changed;
	int result;

	if (set_params_remove(&policy->sets[1], &gone, 1, &changed) ||
	    set_params_add(&policy->sets[0], new, 2, &changed))
		return -1;
	result = compile(policy, paths, &before, &good, error);
	compiled_unref(&before);
	return result;
}

bool probe_setup(void)
{
	struct feed_paths paths = {0};
	struct policy *policy = NULL;
	struct error error = {0};
	json_t *document = json_load_file(PROBE_POLICY, 0, NULL);
	char *text = document ? json_dumps(document, 0) : NULL;
	int result = -1;

	if (text && policy_parse(text, strlen(text), 0, &policy, &error) == 0)
		result = compile(policy, &paths, NULL, &good, &error) ||
			 compile_change(policy, &paths, &error);
	if (result)
		fprintf(stderr, PROBE_POLICY ": %s: %s\n", error.path, error.message);
	policy_free(policy);
	free(text);
	json_decref(document);
	return result == 0;
}

const void *probe_segment(enum segment_kind kind, size_t *size)
{
	*size = good.segment[kind]->size;
	return good.segment[kind]->data;
}

/* Addresses of both families around everything the document names. */
static const struct address addresses[2][8] = {
	{{0, 0},
	 {0, 0xc0000201},
	 {0, 0xcb007105},
	 {0, 0xcb007106},
	 {0, 0xc6336401},
	 {0, 0xc6120001},
	 {0, 0xc6120101},
	 {0, 0xffffffff}},
	{{0, 0},
	 {UINT64_C(0x20010db800010000), 1},
	 {UINT64_C(0x20010db800020000), 5},
	 {UINT64_C(0x20010db800020001), 7},
	 {UINT64_C(0x20010db800030000), 1},
	 {UINT64_C(0x20010db800090000), 1},
	 {UINT64_C(0x20010db8ffff0000), 0},
	 {UINT64_MAX, UINT64_MAX}},
};

static void decide_transports(const struct image *image, struct state *state, struct packet packet)
{
	static const uint8_t protocols[] = {PROTO_TCP, PROTO_UDP, PROTO_ICMP, 255};
	static const uint16_t ports[] = {0, 53, 80, 179, 65535};

	for (size_t i = 0; i < sizeof protocols; i++) {
		packet.protocol = protocols[i];
		for (size_t j = 0; j < sizeof ports / sizeof *ports; j++) {
			packet.destination_port = ports[j];
			packet.flags = i < 2 ? PACKET_PORTS | PACKET_OPENS : 0;
			decide(image, state, &packet, UINT64_C(1700000000000000000));
		}
		packet.flags = PACKET_FRAGMENT;
		decide(image, state, &packet, UINT64_MAX);
	}
}

static void decide_all(const struct image *image)
{
	static STATE_OF(PROBE_LINES) state;

	if (!state.head.magic)
		state_init(&state.head, PROBE_LINES, (struct siphash_key){3, 4}, 0, false);
	for (unsigned ip6 = 0; ip6 < 2; ip6++) {
		for (unsigned i = 0; i < 64; i++)
			decide_transports(image, &state.head,
					  (struct packet){
						  .kind = ip6 ? PACKET_IP6 : PACKET_IP4,
						  .length = 60 + i,
						  .source = addresses[ip6][i % 8],
						  .destination = addresses[ip6][i / 8],
					  });
	}
}

/* Everything that may be read through an image is, names included. */
static void read_names(const struct image *image)
{
	size_t total = 0;

	for (uint16_t i = 0; i < image->rule_count; i++)
		total += strlen(image_rule_name(image, i));
	for (uint16_t i = 0; i < image->service_count; i++)
		total += strlen(image_service_name(image, i));
	for (uint16_t i = 0; i < image->fallback_count; i++)
		total += strlen(image->service_names + image->fallbacks[i].name);
	if (total == SIZE_MAX)
		abort();
}

static int open_and_decide(void *const segments[SEGMENT_KINDS], struct image_error *error)
{
	struct image image;
	int result = image_open(segments, &image, error);

	if (result)
		return result;
	for (uint32_t i = 0; i < image.rule_count; i++)
		image.rules[i].slot = (uint16_t)i;
	read_names(&image);
	decide_all(&image);
	return 0;
}

/* A copy in a heap block that ends where the segment does. */
static void *exact_copy(const void *data, size_t size)
{
	void *copy = NULL;

	if (posix_memalign(&copy, IMAGE_ALIGN, size) == 0)
		memcpy(copy, data, size);
	return copy;
}

int probe_replace(enum segment_kind kind, const void *data, size_t size, struct image_error *error)
{
	struct manifest_segment expected = {.size = size};
	void *segments[SEGMENT_KINDS] = {NULL};
	struct segment_header *header;
	int result = -ENOMEM;

	if (size < sizeof *header)
		return -EBADMSG;
	for (int i = 0; i < SEGMENT_KINDS; i++) {
		segments[i] = i == (int)kind
				      ? exact_copy(data, size)
				      : exact_copy(good.segment[i]->data, good.segment[i]->size);
		if (!segments[i])
			goto out;
	}
	header = segments[kind];
	header->magic = SEGMENT_MAGIC;
	header->version = IMAGE_VERSION;
	header->kind = kind;
	header->size = size;
	header->hash = image_hash((char *)header + SEGMENT_HASHED_FROM, size - SEGMENT_HASHED_FROM);
	expected.hash = header->hash;
	result = segment_check(kind, header, &expected, error);
	if (result == 0)
		result = open_and_decide(segments, error);
out:
	for (int i = 0; i < SEGMENT_KINDS; i++)
		free(segments[i]);
	return result;
}
