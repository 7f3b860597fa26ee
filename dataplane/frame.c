/* SPDX-License-Identifier: BSD-3-Clause */
/* See frame.h. */
#include "frame.h"
#include "ethernet.h"

enum { MOST_TAGS = 2 }; /* that are put in */

static bool frame_writable(const struct rte_mbuf *frame)
{
	if (rte_mbuf_refcnt_read(frame) != 1 || RTE_MBUF_CLONED(frame))
		return false;
	if (RTE_MBUF_HAS_EXTBUF(frame) && rte_mbuf_ext_refcnt_read(frame->shinfo) != 1)
		return false;
	return rte_pktmbuf_headroom(frame) >= MOST_TAGS * ETHERNET_TAG &&
	       frame->data_len >= RTE_MIN(frame->pkt_len, (uint32_t)ETHERNET_HEAD);
}

/* The frame, or its copy in its place, with a head that may be written. NULL: freed. */
static struct rte_mbuf *frame_own(struct rte_mbuf *frame, struct rte_mempool *pool)
{
	struct rte_mbuf *copy;

	if (likely(frame_writable(frame)))
		return frame;
	copy = rte_pktmbuf_copy(frame, pool, 0, UINT32_MAX);
	rte_pktmbuf_free(frame);
	return copy;
}

/* Put a tag into a frame_own() one, outside of any it has. */
static void insert_tag(struct rte_mbuf *frame, uint16_t ethertype, uint16_t tci)
{
	rte_pktmbuf_prepend(frame, ETHERNET_TAG);
	ethernet_put_tag(rte_pktmbuf_mtod(frame, uint8_t *), ethertype, tci);
}

struct rte_mbuf *frame_restore_tags(struct rte_mbuf *frame, struct rte_mempool *pool)
{
	uint64_t flags = frame->ol_flags;
	uint16_t inner = frame->vlan_tci, outer = frame->vlan_tci_outer;

	if (frame->pkt_len < ETHERNET_MACS)
		return frame;
	frame = frame_own(frame, pool);
	if (!frame)
		return NULL;
	/* The port does not say which EtherType it took: the standard one for the place. */
	if (flags & RTE_MBUF_F_RX_VLAN_STRIPPED)
		insert_tag(frame, ETHERTYPE_VLAN, inner);
	if (flags & RTE_MBUF_F_RX_QINQ_STRIPPED)
		insert_tag(frame, ETHERTYPE_QINQ, outer);
	return frame;
}

struct rte_mbuf *frame_divert(struct rte_mbuf *frame, const struct fallback *fallback,
			      struct rte_mempool *pool)
{
	frame = frame_own(frame, pool);
	if (frame && ethernet_divert(rte_pktmbuf_mtod(frame, uint8_t *), fallback))
		insert_tag(frame, ETHERTYPE_VLAN, fallback->vlan);
	return frame;
}
