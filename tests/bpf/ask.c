/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ask POLICY PCAP...: what the program in the kernel and the data plane's code at each level say of
 * each packet of each capture, by the clock that `sluice replay` goes by: `WHO: verdict reason` for
 * each, with ", " between, a line. Nothing of the kernel for what it is never handed: frames
 * shorter than an Ethernet header, and those of which the capture lacks a part.
 */
#include "load.h"
#include "planes.h"

#include <errno.h>
#include <libgen.h>
#include <pcap/pcap.h>

enum { LINES = 1 << 12, SOURCES = LINES * 64 / 27 + 1, SKIPPED = 77, DOCUMENT_MOST = 1 << 20 };

/* Any bucket is full again after this long. */
#define FULL_AFTER_NS (2 * CAP_BURST_S * 1000000000)

static struct twin *twin;
static struct plane planes[PLANES];
static unsigned plane_count;

static int fail(const char *what, const char *why)
{
	fprintf(stderr, "ask: %s: %s\n", what, why);
	return EXIT_FAILURE;
}

/* Compile a document; CSV feeds lie beside it. */
static int made_from_file(struct made *made, char *name)
{
	static char text[DOCUMENT_MOST];
	FILE *file = fopen(name, "rb");
	struct error error = {0};
	struct feed_paths paths;
	size_t size;

	if (!file)
		return fail(name, strerror(errno));
	size = fread(text, 1, sizeof text, file);
	fclose(file);
	paths = (struct feed_paths){.folder = dirname(name)};
	if (policy_parse(text, size, 0, &made->policy, &error) != 0)
		return fail(error.path, error.message);
	made->policy->has_salt = true;
	if (made_compile(made, &paths, &error) != 0)
		return fail(error.path, error.message);
	for (uint16_t i = 0; i < made->image.rule_count; i++)
		made->image.rules[i].slot = i;
	return EXIT_SUCCESS;
}

#define NEVER UINT64_MAX

/* As replay's clock: it never steps back, and no gap is longer than buckets can tell. */
static uint64_t advance(struct state *state, uint64_t now_ns, uint64_t time_ns)
{
	if (now_ns == NEVER)
		return state->epoch_ns = time_ns;
	if (time_ns > now_ns + FULL_AFTER_NS)
		state->epoch_ns += time_ns - now_ns - FULL_AFTER_NS;
	return time_ns > now_ns ? time_ns : now_ns;
}

static void say(const char *who, const struct decision *decision, const char *then)
{
	printf("%s: %s %s%s", who, verdict_word(decision->verdict), reason_word(decision->reason),
	       then);
}

static int ask_kernel(const struct pcap_pkthdr *header, const uint8_t *frame, uint64_t now_ns)
{
	struct decision decision;
	int result;

	if (header->len < 14 || header->caplen != header->len)
		return EXIT_SUCCESS;
	result = twin_ask(twin, frame, header->len, now_ns, &decision);
	if (result != 0)
		return fail("the kernel", strerror(-result));
	say("kernel", &decision, plane_count ? ", " : "");
	return EXIT_SUCCESS;
}

static void ask_planes(const struct image *image, const struct pcap_pkthdr *header,
		       const uint8_t *frame, uint64_t now_ns)
{
	for (unsigned i = 0; i < plane_count; i++) {
		struct plane *plane = &planes[i];
		struct burst burst = {
			.count = 1,
			.frame = {frame},
			.readable = {header->caplen},
			.length = {header->len},
		};

		plane->state->epoch_ns = twin_state(twin)->epoch_ns;
		plane->level->decide(&burst, image, plane->state, &plane->memory, &plane->counters,
				     now_ns);
		say(plane->level->name, burst.decision, i + 1 < plane_count ? ", " : "");
	}
}

static int ask_all(const struct image *image, pcap_t *capture)
{
	struct pcap_pkthdr *header;
	const uint8_t *frame;
	uint64_t now_ns = NEVER;

	while (pcap_next_ex(capture, &header, &frame) == 1) {
		now_ns = advance(twin_state(twin), now_ns,
				 (uint64_t)(uint32_t)header->ts.tv_sec * 1000000000 +
					 (uint64_t)header->ts.tv_usec);
		if (ask_kernel(header, frame, now_ns) != EXIT_SUCCESS)
			return EXIT_FAILURE;
		ask_planes(image, header, frame, now_ns);
		puts("");
	}
	return EXIT_SUCCESS;
}

/* Ask about one capture, with all buckets full. */
static int ask(char *policy, const char *file)
{
	struct state *state = twin_state(twin);
	char message[PCAP_ERRBUF_SIZE];
	pcap_t *capture =
		pcap_open_offline_with_tstamp_precision(file, PCAP_TSTAMP_PRECISION_NANO, message);
	void *segments[SEGMENT_KINDS];
	struct twin_error error;
	struct made made = {0};
	int result;

	if (!capture)
		return fail(file, message);
	if (made_from_file(&made, policy) != EXIT_SUCCESS)
		return EXIT_FAILURE;
	for (unsigned kind = 0; kind < SEGMENT_KINDS; kind++)
		segments[kind] = made.compiled.segment[kind]->data;
	if (twin_prepare(twin, segments, &made.image, false, &error) != 0)
		return fail("the twin", error.message);
	twin_commit(twin, 1);
	memset(state_line(state, 0), 0, LINES * sizeof(struct source_line));
	state_init(state, LINES, state->key, 0, true);
	for (unsigned i = 0; i < plane_count; i++)
		plane_begin(&planes[i], state->key, LINES);
	result = ask_all(&made.image, capture);
	made_free(&made);
	pcap_close(capture);
	return result;
}

int main(int count, char **arguments)
{
	const struct twin_options options = {.sources = SOURCES};
	struct twin_error error;
	int result;

	if (count < 3 || count % 2 == 0)
		return fail("usage", "ask POLICY PCAP [POLICY PCAP]...");
	result = twin_open(&options, &twin, &error);
	if (result != 0) {
		fail("the twin", error.message);
		return result == -EPERM || result == -EOPNOTSUPP ? SKIPPED : EXIT_FAILURE;
	}
	plane_count = planes_init(planes, twin_state(twin)->key, LINES);
	for (int i = 1; result == EXIT_SUCCESS && i < count; i += 2)
		result = ask(arguments[i], arguments[i + 1]);
	planes_free(planes, plane_count);
	twin_close(twin);
	return result;
}
