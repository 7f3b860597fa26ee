/* SPDX-License-Identifier: BSD-3-Clause */
/* Frames in buffers of every awkward shape: tiny, shared, cloned, full, and stripped of tags. */
#include "frame.h"
#include "packet.h"
#include "unit/suite.h"

#include <rte_eal.h>
#include <rte_ether.h>
#include <string.h>

enum { FRAME = 120, TINY = 3 };

static const struct fallback lite = {.mac = {2, 0, 0, 0, 15, 1}};
static const struct fallback lite_vlan = {
	.mac = {2, 0, 0, 0, 15, 1}, .vlan = 300, .flags = FALLBACK_VLAN};

static struct rte_mempool *pool, *tiny_pool;
static uint8_t plain[FRAME], expected[FRAME + 8];

static void setup(uint16_t ethertype)
{
	for (unsigned i = 0; i < FRAME; i++)
		plain[i] = (uint8_t)(i * 5 + 1);
	plain[12] = (uint8_t)(ethertype >> 8);
	plain[13] = (uint8_t)ethertype;
}

/* `plain`, in segments of `size` bytes. */
static struct rte_mbuf *chain(struct rte_mempool *from, unsigned size)
{
	struct rte_mbuf *head = NULL;

	for (unsigned at = 0; at < FRAME; at += size) {
		unsigned length = RTE_MIN(size, FRAME - at);
		struct rte_mbuf *segment = rte_pktmbuf_alloc(from);

		CU_ASSERT_PTR_NOT_NULL_FATAL(segment);
		memcpy(rte_pktmbuf_append(segment, (uint16_t)length), plain + at, length);
		if (!head)
			head = segment;
		else
			CU_ASSERT_EQUAL_FATAL(rte_pktmbuf_chain(head, segment), 0);
	}
	return head;
}

static bool holds(const struct rte_mbuf *frame, const uint8_t *bytes, uint32_t size)
{
	uint8_t copy[sizeof expected];
	const char *why;

	return rte_mbuf_check(frame, 1, &why) == 0 && frame->pkt_len == size &&
	       memcmp(rte_pktmbuf_read(frame, 0, size, copy), bytes, size) == 0;
}

/* `plain` with the fallback's MAC and, if `tag`, a tag put in. */
static uint32_t expect(bool mac, const uint8_t *tag)
{
	uint32_t room = tag ? 4 : 0;

	memcpy(expected, plain, 12);
	if (mac)
		memcpy(expected, lite.mac, sizeof lite.mac);
	if (tag)
		memcpy(expected + 12, tag, 4);
	memcpy(expected + 12 + room, plain + 12, FRAME - 12);
	return FRAME + room;
}

static const uint8_t tag_300[4] = {0x81, 0x00, 300 >> 8, 300 & 0xff};

static void divert(struct rte_mbuf *frame)
{
	frame = frame_divert(frame, &lite_vlan, pool);
	CU_ASSERT_PTR_NOT_NULL_FATAL(frame);
	CU_ASSERT_TRUE(holds(frame, expected, expect(true, tag_300)));
	rte_pktmbuf_free(frame);
}

static void test_divert_shapes(void)
{
	struct rte_mbuf *frame;

	setup(ETHERTYPE_IP4);
	for (unsigned size = 1; size <= FRAME; size++)
		divert(chain(pool, size));
	divert(chain(tiny_pool, TINY));
	frame = chain(pool, FRAME);
	rte_pktmbuf_prepend(frame, rte_pktmbuf_headroom(frame));
	memmove(rte_pktmbuf_mtod(frame, void *), plain, FRAME);
	rte_pktmbuf_trim(frame, (uint16_t)(frame->pkt_len - FRAME));
	divert(frame);
}

/* Whoever else holds the bytes finds them as they were. */
static void test_divert_shared(void)
{
	struct rte_mbuf *frame, *clone;

	setup(ETHERTYPE_IP4);
	frame = chain(pool, FRAME);
	rte_mbuf_refcnt_update(frame, 1);
	divert(frame);
	CU_ASSERT_TRUE(holds(frame, plain, FRAME));
	clone = rte_pktmbuf_clone(frame, pool);
	CU_ASSERT_PTR_NOT_NULL_FATAL(clone);
	divert(clone);
	CU_ASSERT_TRUE(holds(frame, plain, FRAME));
	clone = rte_pktmbuf_clone(frame, pool);
	CU_ASSERT_PTR_NOT_NULL_FATAL(clone);
	divert(frame);
	CU_ASSERT_TRUE(holds(clone, plain, FRAME));
	rte_pktmbuf_free(clone);
}

static void test_divert_tagged(void)
{
	static const uint16_t types[] = {ETHERTYPE_VLAN, ETHERTYPE_QINQ};

	for (unsigned i = 0; i < 2; i++) {
		struct rte_mbuf *frame;

		setup(types[i]);
		frame = frame_divert(chain(pool, FRAME), &lite_vlan, pool);
		CU_ASSERT_PTR_NOT_NULL_FATAL(frame);
		expect(true, NULL);
		expected[14] = (uint8_t)((plain[14] & 0xf0) | 300 >> 8);
		expected[15] = 300 & 0xff;
		CU_ASSERT_TRUE(holds(frame, expected, FRAME));
		rte_pktmbuf_free(frame);
	}
}

static void test_divert_by_mac_alone(void)
{
	struct rte_mbuf *frame;

	setup(ETHERTYPE_VLAN);
	frame = frame_divert(chain(pool, FRAME), &lite, pool);
	CU_ASSERT_PTR_NOT_NULL_FATAL(frame);
	CU_ASSERT_TRUE(holds(frame, expected, expect(true, NULL)));
	rte_pktmbuf_free(frame);
}

static void test_restore_tag(void)
{
	static const uint8_t tag[4] = {0x81, 0x00, 0xe1, 0x23};

	setup(ETHERTYPE_IP4);
	for (unsigned size = 1; size <= FRAME; size++) {
		struct rte_mbuf *frame = chain(pool, size);

		frame->ol_flags = RTE_MBUF_F_RX_VLAN | RTE_MBUF_F_RX_VLAN_STRIPPED |
				  RTE_MBUF_F_TX_IP_CKSUM | RTE_MBUF_F_TX_IPV4;
		frame->vlan_tci = 0xe123;
		frame = frame_received(frame, pool);
		CU_ASSERT_PTR_NOT_NULL_FATAL(frame);
		CU_ASSERT_TRUE(holds(frame, expected, expect(false, tag)));
		CU_ASSERT_EQUAL(frame->ol_flags, 0);
		rte_pktmbuf_free(frame);
	}
}

static void test_restore_two_tags(void)
{
	static const uint8_t tags[8] = {0x88, 0xa8, 0x20, 0x07, 0x81, 0x00, 0x00, 0x08};
	struct rte_mbuf *frame;

	setup(ETHERTYPE_IP4);
	frame = chain(pool, FRAME);
	frame->ol_flags = RTE_MBUF_F_RX_VLAN | RTE_MBUF_F_RX_VLAN_STRIPPED | RTE_MBUF_F_RX_QINQ |
			  RTE_MBUF_F_RX_QINQ_STRIPPED;
	frame->vlan_tci = 8;
	frame->vlan_tci_outer = 0x2007;
	frame = frame_received(frame, pool);
	CU_ASSERT_PTR_NOT_NULL_FATAL(frame);
	memcpy(expected, plain, 12);
	memcpy(expected + 12, tags, sizeof tags);
	memcpy(expected + 20, plain + 12, FRAME - 12);
	CU_ASSERT_TRUE(holds(frame, expected, FRAME + 8));
	rte_pktmbuf_free(frame);
}

/* Without memory a frame that must be copied is gone, and not a buffer with it. */
static void test_no_memory(void)
{
	struct rte_mbuf *held[64];
	unsigned count = 0;
	unsigned before = rte_mempool_avail_count(pool);

	setup(ETHERTYPE_IP4);
	while (count < 64 && (held[count] = rte_pktmbuf_alloc(tiny_pool)))
		count++;
	while (count > 50)
		rte_pktmbuf_free(held[--count]);
	CU_ASSERT_PTR_NULL(frame_divert(chain(pool, 5), &lite, tiny_pool));
	rte_pktmbuf_free_bulk(held, count);
	CU_ASSERT_EQUAL(rte_mempool_avail_count(tiny_pool), 64);
	CU_ASSERT_EQUAL(rte_mempool_avail_count(pool), before);
}

static bool start(void)
{
	static char words[][16] = {"test_frame",  "--no-huge",      "-m", "64", "--no-pci",
				   "--no-shconf", "--no-telemetry", "-l", "0"};
	char *arguments[RTE_DIM(words)];

	for (unsigned i = 0; i < RTE_DIM(words); i++)
		arguments[i] = words[i];
	if (rte_eal_init(RTE_DIM(words), arguments) < 0)
		return false;
	pool = rte_pktmbuf_pool_create("frames", 512, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE, 0);
	tiny_pool = rte_pktmbuf_pool_create("tiny", 64, 0, 0, RTE_PKTMBUF_HEADROOM + TINY, 0);
	return pool && tiny_pool;
}

int main(void)
{
	CU_TestInfo tests[] = {
		{"diverted whatever the segments", test_divert_shapes},
		{"shared bytes are not written", test_divert_shared},
		{"a tag's VLAN is replaced, its priority kept", test_divert_tagged},
		{"without a VLAN the tag stays", test_divert_by_mac_alone},
		{"a stripped tag is put back", test_restore_tag},
		{"two stripped tags are put back", test_restore_two_tags},
		{"no memory for a copy", test_no_memory},
		CU_TEST_INFO_NULL,
	};
	int result;

	if (!start())
		return EXIT_FAILURE;
	result = suite_run("frame", tests);
	if (rte_mempool_avail_count(pool) != 512 || rte_mempool_avail_count(tiny_pool) != 64)
		result = EXIT_FAILURE;
	rte_eal_cleanup();
	return result;
}
