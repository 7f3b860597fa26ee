/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * sluice replay: what becomes of each packet of a capture, by a policy of one's own. The
 * capture's timestamps are the only clock.
 */
#include "counters.h"
#include "offline.h"
#include "parse.h"
#include "replay_line.h"

#include <errno.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define NS_PER_S 1000000000LL

/* Any bucket is full again after this long. */
#define FULL_AFTER_NS (2 * CAP_BURST_S * NS_PER_S)

/* Enough that sources do not meet; of the memory only what they use is ever touched. */
enum { SOURCE_LINES = 1 << 22 };

struct replay {
	const char *file;
	pcap_t *capture;
	struct image *image;
	struct state *state;
	struct worker_counters *counters;
	uint64_t packets;
	uint64_t cut; /* of them, malformed for want of what the capture left out */
	uint64_t now_ns;
};

static int replay_open_capture(struct replay *replay)
{
	char message[PCAP_ERRBUF_SIZE];
	FILE *file = fopen(replay->file, "re");
	const char *link;

	if (!file)
		return refuse("%s: %s", replay->file, strerror(errno));
	replay->capture =
		pcap_fopen_offline_with_tstamp_precision(file, PCAP_TSTAMP_PRECISION_NANO, message);
	if (!replay->capture) {
		fclose(file);
		return refuse("%s: %s", replay->file, message);
	}
	if (pcap_datalink(replay->capture) == DLT_EN10MB)
		return EXIT_DONE;
	link = pcap_datalink_val_to_name(pcap_datalink(replay->capture));
	return refuse("%s: link type %s is not Ethernet", replay->file, link ? link : "unknown");
}

/* The state is large, zeroed and mostly never touched: what mmap is for. */
static int replay_make_state(struct replay *replay, size_t state_bytes)
{
	void *memory = mmap(NULL, state_bytes, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (memory != MAP_FAILED)
		replay->state = memory;
	replay->counters =
		aligned_alloc(_Alignof(struct worker_counters), sizeof *replay->counters);
	if (!replay->state || !replay->counters)
		return refuse("out of memory");
	state_init(replay->state, SOURCE_LINES, (struct siphash_key){0, 0}, 0, false);
	memset(replay->counters, 0, sizeof *replay->counters);
	return EXIT_DONE;
}

/*
 * The clock never steps back, and begins with the first packet. A gap in which every
 * bucket fills up is shortened for the buckets, whose time is good for two years only.
 */
static void replay_advance(struct replay *replay, uint64_t time_ns)
{
	if (replay->packets == 1) {
		replay->now_ns = replay->state->epoch_ns = time_ns;
		return;
	}
	if (time_ns <= replay->now_ns)
		return;
	if (time_ns - replay->now_ns > FULL_AFTER_NS)
		replay->state->epoch_ns += time_ns - replay->now_ns - FULL_AFTER_NS;
	replay->now_ns = time_ns;
}

/*
 * False: such a time is none. The classic format's seconds are 32 bits that libpcap takes
 * as signed, and are meant unsigned: they last until 2106.
 */
static bool capture_time(const struct pcap_pkthdr *header, uint64_t *time_ns)
{
	int64_t seconds = header->ts.tv_sec, ns = header->ts.tv_usec;

	if (seconds < 0 && seconds >= INT32_MIN)
		seconds = (uint32_t)seconds;
	if (seconds < 0 || seconds > INT64_MAX / NS_PER_S / 2 || ns < 0)
		return false;
	*time_ns = (uint64_t)seconds * NS_PER_S + (uint64_t)ns;
	return true;
}

static int replay_packet(struct replay *replay, const struct pcap_pkthdr *header,
			 const uint8_t *frame)
{
	uint32_t readable = header->caplen < header->len ? header->caplen : header->len;
	struct packet packet;
	struct decision decision;
	struct replay_packet said = {++replay->packets, 0, &packet, &decision};
	char line[REPLAY_LINE];

	if (!capture_time(header, &said.time_ns))
		return refuse("%s: packet %llu: its timestamp is out of range", replay->file,
			      (unsigned long long)said.number);
	replay_advance(replay, said.time_ns);
	parse_frame(frame, readable, header->len, &packet);
	/* What no port takes, such as segments put together, costs what the largest frame does. */
	if (packet.length > CAP_FRAME)
		packet.length = CAP_FRAME;
	decision = decide(replay->image, replay->state, &packet, replay->now_ns);
	if (readable < header->len && decision.reason == REASON_MALFORMED)
		replay->cut++;
	counters_decided(replay->counters, &packet.length, &decision, 1);
	count_rule(replay->counters, packet.length, &decision, replay->image->rules);
	if (decision.verdict != VERDICT_DROP)
		count_packet(&replay->counters->sent, packet.length);
	fwrite_unlocked(line, 1, replay_line(replay->image, &said, line), stdout);
	return EXIT_DONE;
}

static void say_cut(const struct replay *replay)
{
	if (replay->cut > 0)
		fprintf(stderr,
			"sluice: %s: malformed because the capture's snap length cut them short: "
			"%llu frame%s, whose headers are not all in it\n",
			replay->file, (unsigned long long)replay->cut, replay->cut == 1 ? "" : "s");
}

static int replay_run(struct replay *replay)
{
	struct pcap_pkthdr *header;
	const uint8_t *frame;
	int next, status;

	while ((next = pcap_next_ex(replay->capture, &header, &frame)) == 1) {
		if (ferror_unlocked(stdout))
			break;
		status = replay_packet(replay, header, frame);
		if (status != EXIT_DONE)
			return status;
	}
	status = finish_output();
	say_cut(replay);
	if (next == PCAP_ERROR)
		status = refuse("%s: %s", replay->file, pcap_geterr(replay->capture));
	if (!counters_add_up(replay->counters))
		status = refuse("the counters do not add up");
	return status;
}

static int replay_with(struct replay *replay)
{
	size_t state_bytes = state_size(SOURCE_LINES);
	int status = replay_open_capture(replay);

	for (uint32_t i = 0; i < replay->image->rule_count; i++)
		replay->image->rules[i].slot = (uint16_t)i;
	if (status == EXIT_DONE)
		status = replay_make_state(replay, state_bytes);
	if (status == EXIT_DONE)
		status = replay_run(replay);
	if (replay->capture)
		pcap_close(replay->capture);
	if (replay->state)
		munmap(replay->state, state_bytes);
	free(replay->counters);
	return status;
}

int command_replay(const struct cli *cli)
{
	struct offline offline;
	struct replay replay = {.file = cli->option[OPTION_PCAP], .image = &offline.image};
	int status;

	if (!cli->option[OPTION_POLICY] || !replay.file)
		return refuse_usage("usage: sluice replay --policy FILE --pcap FILE [OPTIONS]");
	status = offline_open(cli, cli->option[OPTION_POLICY], true, &offline);
	if (status != EXIT_DONE)
		return status;
	setvbuf(stdout, NULL, _IOFBF, 1 << 20);
	status = replay_with(&replay);
	offline_close(&offline);
	return status;
}
