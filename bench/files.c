/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bench-files POLICY STATE SOURCES CAPTURE...: the benchmark's policy as a data plane reads it, and
 * a frame of each source, spread over captures, one for each queue.
 */
#include "pmd/state_folder.h"
#include "traffic.h"
#include "world.h"

#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>

static int write_capture(const char *path, struct frames *frames, uint32_t first, uint32_t step,
			 uint32_t sources)
{
	pcap_t *ethernet = pcap_open_dead(DLT_EN10MB, 65535);
	pcap_dumper_t *capture = pcap_dump_open(ethernet, path);

	if (!capture) {
		fprintf(stderr, "%s\n", pcap_geterr(ethernet));
		return -1;
	}
	for (uint32_t source = first; source < sources; source += step) {
		struct pcap_pkthdr header = {.caplen = frames->length[0], .len = frames->length[0]};

		frames_put(frames, 0, source);
		pcap_dump((u_char *)capture, &header, frames->at);
	}
	pcap_dump_close(capture);
	pcap_close(ethernet);
	return 0;
}

static int write_all(const struct policy_image *policy, int argc, char **argv)
{
	uint32_t sources = (uint32_t)strtoul(argv[3], NULL, 10), captures = (uint32_t)argc - 4;
	struct frames frames;

	if (state_folder_write_compiled(&policy->compiled, argv[2], "current", 1))
		return -1;
	if (frames_init(&frames, FRAME_TCP4)) {
		fprintf(stderr, "no memory\n");
		return -1;
	}
	for (uint32_t i = 0; i < captures; i++) {
		if (write_capture(argv[4 + i], &frames, i, captures, sources))
			return -1;
	}
	frames_free(&frames);
	return 0;
}

int main(int argc, char **argv)
{
	struct policy_image policy;

	if (argc < 5) {
		fprintf(stderr, "usage: %s POLICY STATE SOURCES CAPTURE...\n", argv[0]);
		return 2;
	}
	if (policy_image_open(argv[1], TRAFFIC_BLOCKED, &policy) || write_all(&policy, argc, argv))
		return EXIT_FAILURE;
	policy_image_close(&policy);
	return EXIT_SUCCESS;
}
