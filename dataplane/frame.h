/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The few things that are done to a frame's bytes. A buffer that others hold too, or whose
 * first bytes are not in one piece, is copied before it is written to.
 */
#pragma once

#include "image.h"

#include <rte_mbuf.h>

/*
 * Make what a port received the frame as it was on the wire: put back VLAN tags that the
 * port took out, and forget every offload, so that it leaves as it came. NULL: there was no
 * memory to do so, and the frame is freed.
 */
struct rte_mbuf *frame_restore_tags(struct rte_mbuf *frame, struct rte_mempool *pool);

static inline struct rte_mbuf *frame_received(struct rte_mbuf *frame, struct rte_mempool *pool)
{
	if (unlikely(frame->ol_flags & (RTE_MBUF_F_RX_VLAN_STRIPPED | RTE_MBUF_F_RX_QINQ_STRIPPED)))
		frame = frame_restore_tags(frame, pool);
	if (likely(frame != NULL))
		frame->ol_flags &= RTE_MBUF_F_INDIRECT | RTE_MBUF_F_EXTERNAL;
	return frame;
}

/*
 * Address a frame, which has an Ethernet header, to `fallback`: its MAC, and its VLAN in the
 * outermost tag, with the priority kept, or in a new tag. NULL: no memory, and it is freed.
 */
struct rte_mbuf *frame_divert(struct rte_mbuf *frame, const struct fallback *fallback,
			      struct rte_mempool *pool);
