/* SPDX-License-Identifier: BSD-3-Clause */
/* See pipeline.h. */
#include "pipeline.h"
#include "frame.h"
#include "parse.h"

enum {
	/*
	 * A full ring is worth asking again, as most ports reap what they have sent when they
	 * are asked; but a port that is down must not hold up the others.
	 */
	SEND_TRIES = 4,
};

/* Frames on their way out, in the order they arrived; the diverted after those that pass. */
struct outbox {
	uint16_t count;
	bool segmented; /* some may be in several buffers */
	struct rte_mbuf *frames[BURST_MOST];
	uint32_t bytes[BURST_MOST]; /* as received, whatever tag was put in since */
};

static void count_burst(struct count *count, const uint32_t *bytes, unsigned packets)
{
	uint32_t sum = 0;

	for (unsigned i = 0; i < packets; i++)
		sum += bytes[i];
	count_add(count, packets, sum);
}

/*
 * Some ports hand out frames in several buffers without having been told to. A port that
 * cannot send those gets the others.
 */
static void outbox_keep_whole(struct outbox *outbox, struct count *unsent)
{
	uint16_t kept = 0;

	for (uint16_t i = 0; i < outbox->count; i++) {
		if (outbox->frames[i]->nb_segs > 1) {
			count_burst(unsent, &outbox->bytes[i], 1);
			rte_pktmbuf_free(outbox->frames[i]);
			continue;
		}
		outbox->frames[kept] = outbox->frames[i];
		outbox->bytes[kept++] = outbox->bytes[i];
	}
	outbox->count = kept;
}

static void outbox_send(const struct pipeline *pipeline, const struct port *port,
			struct outbox *outbox, struct count *sent, struct count *unsent)
{
	uint16_t done = 0, count;

	if (unlikely(outbox->segmented && !port->sends_segments))
		outbox_keep_whole(outbox, unsent);
	count = outbox->count;
	for (unsigned try = 0; done < count && try < SEND_TRIES; try++)
		done += rte_eth_tx_burst(port->id, pipeline->queue, outbox->frames + done,
					 (uint16_t)(count - done));
	count_burst(sent, outbox->bytes, done);
	if (likely(done == count))
		return;
	count_burst(unsent, outbox->bytes + done, count - done);
	rte_pktmbuf_free_bulk(outbox->frames + done, count - done);
}

/*
 * The frames as they were on the wire: how many, and whether any is in several buffers. One that
 * cannot be restored for want of memory is lost before it counts as received, as in a port that has
 * no buffer for it.
 */
static uint16_t restore(const struct pipeline *pipeline, struct rte_mbuf **frames, uint16_t count,
			bool *segmented)
{
	uint16_t kept = 0, segments = 0;

	for (uint16_t i = 0; i < count; i++)
		rte_prefetch0(rte_pktmbuf_mtod(frames[i], void *));
	for (uint16_t i = 0; i < count; i++) {
		struct rte_mbuf *frame = frame_received(frames[i], pipeline->pool);

		frames[kept] = frame;
		if (unlikely(!frame))
			continue;
		segments |= frame->nb_segs;
		kept++;
	}
	*segmented = segments > 1;
	return kept;
}

/*
 * Where each frame's headers lie: in its first buffer, or, if they go on in others, copied
 * together in `scratch`.
 */
static void point(struct rte_mbuf *const *frames, uint16_t count, struct burst *burst,
		  uint8_t scratch[][PARSE_READABLE])
{
	burst->count = count;
	for (uint16_t i = 0; i < count; i++) {
		const struct rte_mbuf *frame = frames[i];
		uint32_t readable = RTE_MIN(frame->pkt_len, (uint32_t)PARSE_READABLE);

		burst->frame[i] = rte_pktmbuf_mtod(frame, const uint8_t *);
		burst->readable[i] = readable;
		burst->length[i] = frame->pkt_len;
		if (unlikely(frame->data_len < readable))
			burst->frame[i] = rte_pktmbuf_read(frame, 0, readable, scratch[i]);
	}
}

/* Without an image nothing is known about any packet, so none is looked at. */
static void pass_burst(struct burst *burst, struct worker_counters *counters)
{
	for (unsigned i = 0; i < burst->count; i++)
		burst->decision[i] = decision_end(VERDICT_PASS, REASON_DEFAULT);
	counters_decided(counters, burst->length, burst->decision, burst->count);
}

static void decide_burst(struct pipeline *pipeline, struct burst *burst, uint64_t now_ns)
{
	if (likely(pipeline->generation != NULL))
		pipeline->level->decide(burst, &pipeline->generation->image, pipeline->state,
					pipeline->memory, pipeline->counters, now_ns);
	else
		pass_burst(burst, pipeline->counters);
}

static inline void outbox_add(struct outbox *outbox, struct rte_mbuf *frame, uint32_t bytes,
			      bool stays)
{
	outbox->frames[outbox->count] = frame;
	outbox->bytes[outbox->count] = bytes;
	outbox->count += stays;
}

/* Share the frames out between the server and, for the dropped, the edge's unused outbox. */
static void split(struct rte_mbuf *const *frames, const struct burst *burst, struct outbox *passed,
		  struct outbox *dropped)
{
	for (unsigned i = 0; i < burst->count; i++) {
		unsigned verdict = burst->decision[i].verdict;

		outbox_add(passed, frames[i], burst->length[i], verdict == VERDICT_PASS);
		outbox_add(dropped, frames[i], burst->length[i], verdict == VERDICT_DROP);
	}
}

/* Address a frame to its service's fallback, and put it into the outbox that leads there. */
static void divert(struct pipeline *pipeline, uint16_t service, struct rte_mbuf *frame,
		   uint32_t bytes, struct outbox outbox[])
{
	const struct image *image = &pipeline->generation->image;
	const struct fallback *fallback = &image->fallbacks[image->services[service].fallback];
	unsigned role = fallback->flags & FALLBACK_PORT ? PORT_FALLBACK : PORT_SERVER;

	frame = frame_divert(frame, fallback, pipeline->pool);
	if (!frame) {
		count_packet(&pipeline->counters->unsent, bytes);
		return;
	}
	outbox[role].segmented |= frame->nb_segs > 1;
	outbox_add(&outbox[role], frame, bytes, true);
}

static void divert_all(struct pipeline *pipeline, struct rte_mbuf *const *frames,
		       const struct burst *burst, struct outbox outbox[])
{
	for (unsigned i = 0; i < burst->count; i++) {
		if (unlikely(burst->decision[i].verdict == VERDICT_DIVERT))
			divert(pipeline, burst->decision[i].service, frames[i], burst->length[i],
			       outbox);
	}
}

void pipeline_filter(struct pipeline *pipeline, const struct pair *pair, struct rte_mbuf **frames,
		     uint16_t count, uint64_t now_ns)
{
	struct worker_counters *counters = pipeline->counters;
	uint8_t scratch[BURST_MOST][PARSE_READABLE];
	struct outbox outbox[PORT_ROLES];
	struct burst burst;
	bool segmented;

	count = restore(pipeline, frames, count, &segmented);
	for (unsigned role = 0; role < PORT_ROLES; role++) {
		outbox[role].count = 0;
		outbox[role].segmented = segmented;
	}
	point(frames, count, &burst, scratch);
	decide_burst(pipeline, &burst, now_ns);
	split(frames, &burst, &outbox[PORT_SERVER], &outbox[PORT_EDGE]);
	if (outbox[PORT_SERVER].count + outbox[PORT_EDGE].count < count)
		divert_all(pipeline, frames, &burst, outbox);
	for (unsigned role = PORT_SERVER; role < pair->ports; role++)
		outbox_send(pipeline, &pair->port[role], &outbox[role], &counters->sent,
			    &counters->unsent);
	rte_pktmbuf_free_bulk(outbox[PORT_EDGE].frames, outbox[PORT_EDGE].count);
}

void pipeline_return(struct pipeline *pipeline, const struct pair *pair, struct rte_mbuf **frames,
		     uint16_t count)
{
	struct outbox outbox;

	outbox.count = 0;
	count = restore(pipeline, frames, count, &outbox.segmented);
	for (uint16_t i = 0; i < count; i++)
		outbox_add(&outbox, frames[i], frames[i]->pkt_len, true);
	outbox_send(pipeline, &pair->port[PORT_EDGE], &outbox, &pipeline->counters->returned,
		    &pipeline->counters->unreturned);
}
