/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * any FOLDER SEED FRAMES: a random policy that compiles, without what a clock decides, as
 * policy.json, and a capture of so many random frames, frames.pcap.
 */
#include "any_frame.h"
#include "any_policy.h"

#include <pcap/pcap.h>

enum { LONGEST = 9728, /* that DPDK's pcap port writes whole */ PATH = 512 };

static int write_policy(const char *folder)
{
	static struct any_text text = {.timeless = true};
	char path[PATH];
	struct made made;
	FILE *file;

	any_make(&made, &text, 0);
	made_free(&made);
	snprintf(path, sizeof path, "%s/policy.json", folder);
	file = fopen(path, "we");
	if (!file)
		return -1;
	fwrite(text.text, 1, text.size, file);
	return fclose(file);
}

static int write_frames(const char *folder, unsigned count)
{
	static struct any_frame frame;
	char path[PATH];
	pcap_t *ethernet = pcap_open_dead(DLT_EN10MB, ANY_FRAME);
	pcap_dumper_t *file;

	snprintf(path, sizeof path, "%s/frames.pcap", folder);
	file = ethernet ? pcap_dump_open(ethernet, path) : NULL;
	if (!file)
		return -1;
	while (count > 0) {
		struct pcap_pkthdr header = {0};

		any_fill(&frame);
		if (frame.size > LONGEST)
			continue;
		header.caplen = header.len = frame.size;
		pcap_dump((uint8_t *)file, &header, frame.byte);
		count--;
	}
	pcap_dump_close(file);
	pcap_close(ethernet);
	return 0;
}

int main(int count, char **arguments)
{
	if (count != 4)
		return 2;
	random_state ^= strtoull(arguments[2], NULL, 0) << 32;
	if (write_policy(arguments[1]) ||
	    write_frames(arguments[1], (unsigned)strtoul(arguments[3], NULL, 0))) {
		perror(arguments[1]);
		return EXIT_FAILURE;
	}
	return EXIT_SUCCESS;
}
