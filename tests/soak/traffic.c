/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What scripts/soak sends, from a DPDK process joined to the filter's edge and server ports:
 * sources of a fixed population, each at its steady rate, and, after a while, a flood from random
 * ones at whatever rate the filter takes. The population before the flood, during it, and the flood
 * go to different addresses, by which what comes back is told apart. Once a second it says
 * what it has sent and seen of each so far.
 *
 * Nothing is lost for want of room: a full edge ring is waited for, and what comes back is taken
 * before more is sent, into a ring no smaller than that. What does not come back was refused.
 */
#include "../unit/random.h"

#include <errno.h>
#include <inttypes.h>
#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_ip.h>
#include <rte_udp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EDGE, SERVER, PORTS };
enum { BEFORE, DURING, FLOOD, STREAMS };
enum { BURST = 32, MBUFS = 8191, MBUF_CACHE = 256, RING = 1024, DRAIN_MS = 300, LATE_PART = 5 };
enum { SERVICE_PORT = 443, SOURCE_PORT = 40000, POPULATION_MOST = 1 << 16 };

struct frame4 {
	struct rte_ether_hdr ether;
	struct rte_ipv4_hdr ip;
	struct rte_udp_hdr udp;
	uint8_t data[18];
} __rte_packed __rte_aligned(2);
_Static_assert(sizeof(struct frame4) == 60, "as short as Ethernet allows");

struct frame6 {
	struct rte_ether_hdr ether;
	struct rte_ipv6_hdr ip;
	struct rte_udp_hdr udp;
} __rte_packed __rte_aligned(2);

struct traffic {
	struct rte_mempool *pool;
	uint32_t population;
	uint64_t interval; /* ticks between two steady packets, of whatever source */
	uint64_t quiet;    /* steady packets before the flood: the population gets known */
	uint64_t flood;    /* ticks that it lasts */
	uint64_t due;      /* the next steady packet */
	uint64_t turn;     /* steady packets so far */
	uint64_t sent[STREAMS], back[STREAMS];
	/* of each source during the flood */
	uint32_t source_sent[POPULATION_MOST], source_back[POPULATION_MOST];
};

static const struct rte_ether_hdr ether = {
	.dst_addr.addr_bytes = {2, 0, 0, 0, 0, 1},
	.src_addr.addr_bytes = {2, 0, 0, 0, 0, 2},
};

static struct rte_udp_hdr udp_header(uint16_t size)
{
	return (struct rte_udp_hdr){
		.src_port = RTE_BE16(SOURCE_PORT),
		.dst_port = RTE_BE16(SERVICE_PORT),
		.dgram_len = rte_cpu_to_be_16(size),
	};
}

/* An empty frame of that size. */
static void *blank(struct rte_mbuf *mbuf, uint16_t size)
{
	mbuf->data_len = size;
	mbuf->pkt_len = size;
	return memset(rte_pktmbuf_mtod(mbuf, void *), 0, size);
}

static void fill4(struct rte_mbuf *mbuf, uint32_t source, unsigned stream)
{
	struct frame4 *frame = blank(mbuf, sizeof *frame);
	const uint16_t size = sizeof frame->udp + sizeof frame->data;

	frame->ether = ether;
	frame->ether.ether_type = RTE_BE16(RTE_ETHER_TYPE_IPV4);
	frame->ip.version_ihl = RTE_IPV4_VHL_DEF;
	frame->ip.total_length = rte_cpu_to_be_16(sizeof frame->ip + size);
	frame->ip.time_to_live = 64;
	frame->ip.next_proto_id = IPPROTO_UDP;
	frame->ip.src_addr = rte_cpu_to_be_32(source);
	frame->ip.dst_addr = rte_cpu_to_be_32(RTE_IPV4(198, 18, stream, 1));
	frame->udp = udp_header(size);
}

static void fill6(struct rte_mbuf *mbuf, uint64_t network, unsigned stream)
{
	struct frame6 *frame = blank(mbuf, sizeof *frame);
	const uint8_t target[16] = {0x20, 0x01, 0x0d, 0xb8, 0, (uint8_t)stream, [15] = 1};

	frame->ether = ether;
	frame->ether.ether_type = RTE_BE16(RTE_ETHER_TYPE_IPV6);
	frame->ip.vtc_flow = RTE_BE32(0x60000000);
	frame->ip.payload_len = rte_cpu_to_be_16(sizeof frame->udp);
	frame->ip.proto = IPPROTO_UDP;
	frame->ip.hop_limits = 64;
	network = rte_cpu_to_be_64(network);
	memcpy(frame->ip.src_addr, &network, sizeof network);
	memcpy(frame->ip.dst_addr, target, sizeof target);
	frame->udp = udp_header(sizeof frame->udp);
}

/* Every other source has IPv6: the population is 10.x.x.x and 2001:db8:a:x::/64. */
static void fill_steady(struct traffic *traffic, struct rte_mbuf *mbuf, unsigned stream)
{
	uint32_t source = (uint32_t)(traffic->turn++ % traffic->population);

	traffic->source_sent[source] += stream == DURING;
	if (source & 1)
		fill6(mbuf, UINT64_C(0x20010db8000a0000) + source, stream);
	else
		fill4(mbuf, RTE_IPV4(10, 0, 0, 0) + source, stream);
}

static void fill_flood(struct rte_mbuf *mbuf)
{
	uint64_t source = random_u64();

	if (source & 1)
		fill6(mbuf, source >> 3 | UINT64_C(1) << 61, FLOOD);
	else
		fill4(mbuf, (uint32_t)(source >> 32), FLOOD);
}

/* Count a frame that came back, by what fill4() and fill6() wrote into it. */
static void count_back(struct traffic *traffic, const struct rte_mbuf *mbuf)
{
	const struct rte_ether_hdr *header = rte_pktmbuf_mtod(mbuf, const struct rte_ether_hdr *);
	uint32_t stream, source;

	if (header->ether_type == RTE_BE16(RTE_ETHER_TYPE_IPV4)) {
		const struct frame4 *frame = rte_pktmbuf_mtod(mbuf, const struct frame4 *);

		stream = rte_be_to_cpu_32(frame->ip.dst_addr) >> 8 & 0xff;
		source = rte_be_to_cpu_32(frame->ip.src_addr) & (POPULATION_MOST - 1);
	} else {
		const struct frame6 *frame = rte_pktmbuf_mtod(mbuf, const struct frame6 *);

		stream = frame->ip.dst_addr[5];
		source = (uint32_t)frame->ip.src_addr[6] << 8 | frame->ip.src_addr[7];
	}
	traffic->back[stream % STREAMS]++;
	traffic->source_back[source] += stream == DURING;
}

/* Whether anything came back. */
static bool take(struct traffic *traffic)
{
	struct rte_mbuf *mbufs[BURST];
	uint16_t count;
	bool any = false;

	while ((count = rte_eth_rx_burst(SERVER, 0, mbufs, BURST)) > 0) {
		for (uint16_t i = 0; i < count; i++)
			count_back(traffic, mbufs[i]);
		rte_pktmbuf_free_bulk(mbufs, count);
		any = true;
	}
	return any;
}

static bool is_quiet(const struct traffic *traffic)
{
	return traffic->turn < traffic->quiet;
}

static void send_burst(struct traffic *traffic, uint64_t now)
{
	unsigned steady = is_quiet(traffic) ? BEFORE : DURING;
	struct rte_mbuf *mbufs[BURST];
	uint16_t count = 0, sent = 0;

	if (rte_pktmbuf_alloc_bulk(traffic->pool, mbufs, BURST))
		return;
	/* Who was held up does not make up for it: the sources would exceed their limit. */
	if (now - traffic->due > rte_get_tsc_hz() / LATE_PART && traffic->due < now)
		traffic->due = now;
	for (; count < BURST && traffic->due <= now; traffic->due += traffic->interval)
		fill_steady(traffic, mbufs[count++], steady);
	traffic->sent[steady] += count;
	if (steady == DURING) {
		traffic->sent[FLOOD] += BURST - count;
		while (count < BURST)
			fill_flood(mbufs[count++]);
	}
	while (sent < count) {
		sent += rte_eth_tx_burst(EDGE, 0, mbufs + sent, (uint16_t)(count - sent));
		take(traffic);
	}
	if (count < BURST)
		rte_pktmbuf_free_bulk(mbufs + count, BURST - count);
}

/* How many of the population lost more than one packet in a hundred to the flood. */
static unsigned losers(const struct traffic *traffic)
{
	unsigned count = 0;

	for (uint32_t i = 0; i < traffic->population; i++)
		count += (uint64_t)traffic->source_back[i] * 100 <
			 (uint64_t)traffic->source_sent[i] * 99;
	return count;
}

static void say(const struct traffic *traffic, uint64_t now, bool done)
{
	static const char *const words[STREAMS] = {"before", "during", "flood"};

	printf("{\"seconds\": %.3f", (double)now / (double)rte_get_tsc_hz());
	for (unsigned i = 0; i < STREAMS; i++)
		printf(", \"%s\": {\"sent\": %" PRIu64 ", \"back\": %" PRIu64 "}", words[i],
		       traffic->sent[i], traffic->back[i]);
	if (done)
		printf(", \"losers\": %u", losers(traffic));
	puts("}");
	fflush(stdout);
}

static void run(struct traffic *traffic)
{
	const uint64_t hz = rte_get_tsc_hz();
	uint64_t now = rte_rdtsc(), said = now, came, ends = UINT64_MAX;

	traffic->due = now;
	say(traffic, now, false);
	while ((now = rte_rdtsc()) < ends) {
		take(traffic);
		if (traffic->due <= now || !is_quiet(traffic))
			send_burst(traffic, now);
		if (!is_quiet(traffic) && ends == UINT64_MAX)
			ends = now + traffic->flood;
		if (now - said >= hz) {
			say(traffic, now, false);
			said = now;
		}
	}
	for (came = now; now - came < hz / 1000 * DRAIN_MS; now = rte_rdtsc())
		came = take(traffic) ? now : came;
	say(traffic, now, true);
}

static int start_port(uint16_t port, struct rte_mempool *pool)
{
	const struct rte_eth_conf conf = {0};
	int result;

	if ((result = rte_eth_dev_configure(port, 1, 1, &conf)) ||
	    (result = rte_eth_rx_queue_setup(port, 0, RING, SOCKET_ID_ANY, NULL, pool)) ||
	    (result = rte_eth_tx_queue_setup(port, 0, RING, SOCKET_ID_ANY, NULL)))
		return result;
	return rte_eth_dev_start(port);
}

static int start(struct traffic *traffic)
{
	int result = rte_eth_dev_count_avail() == PORTS ? 0 : -ENODEV;

	traffic->pool = rte_pktmbuf_pool_create("traffic", MBUFS, MBUF_CACHE, 0,
						RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
	if (!traffic->pool)
		return -rte_errno;
	for (uint16_t port = 0; port < PORTS && !result; port++)
		result = start_port(port, traffic->pool);
	return result;
}

int main(int argc, char **argv)
{
	int used = rte_eal_init(argc, argv);
	static struct traffic traffic;
	uint64_t hz;
	int result;

	if (used < 0)
		return EXIT_FAILURE;
	argc -= used;
	argv += used;
	if (argc != 5) {
		fputs("usage: soak-traffic EAL_OPTION... -- SOURCES PPS QUIET_S FLOOD_S\n"
		      "SOURCES that send PPS packets a second each, first alone, then in a "
		      "flood\n",
		      stderr);
		return EXIT_FAILURE;
	}
	hz = rte_get_tsc_hz();
	traffic.population = (uint32_t)strtoul(argv[1], NULL, 10);
	if (traffic.population == 0 || traffic.population > POPULATION_MOST)
		return EXIT_FAILURE;
	traffic.interval = hz / (traffic.population * strtoul(argv[2], NULL, 10));
	traffic.quiet =
		traffic.population * strtoul(argv[2], NULL, 10) * strtoul(argv[3], NULL, 10);
	traffic.flood = strtoul(argv[4], NULL, 10) * hz;
	if ((result = start(&traffic))) {
		fprintf(stderr, "soak-traffic: no two ports: %s\n", rte_strerror(-result));
		return EXIT_FAILURE;
	}
	run(&traffic);
	getchar(); /* the ports stay until whoever started this has looked */
	rte_eal_cleanup();
	return EXIT_SUCCESS;
}
