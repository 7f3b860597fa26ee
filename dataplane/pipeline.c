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

/* Frames on their way out, in the order they arrived. */
struct outbox {
	struct rte_mbuf *frames[PIPELINE_BURST];
	uint32_t bytes[PIPELINE_BURST]; /* as received, whatever tag was put in since */
};

static void count_burst(struct count *count, const uint32_t *bytes, unsigned packets)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < packets; i++)
		sum += bytes[i];
	__atomic_store_n(&count->packets, count->packets + packets, __ATOMIC_RELAXED);
	__atomic_store_n(&count->bytes, count->bytes + sum, __ATOMIC_RELAXED);
}

/*
 * Some ports hand out frames in several buffers without having been told to. A port that
 * cannot send those gets the others. How many those are.
 */
static uint16_t outbox_keep_whole(struct outbox *outbox, uint16_t count, struct count *unsent)
{
	uint16_t kept = 0;

	for (uint16_t i = 0; i < count; i++) {
		if (outbox->frames[i]->nb_segs > 1) {
			count_burst(unsent, &outbox->bytes[i], 1);
			rte_pktmbuf_free(outbox->frames[i]);
			continue;
		}
		outbox->frames[kept] = outbox->frames[i];
		outbox->bytes[kept++] = outbox->bytes[i];
	}
	return kept;
}

static void outbox_send(const struct pipeline *pipeline, const struct port *port,
			struct outbox *outbox, uint16_t count, struct count *sent,
			struct count *unsent)
{
	uint16_t done = 0;

	if (unlikely(!port->sends_segments))
		count = outbox_keep_whole(outbox, count, unsent);
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
 * The frames as they were on the wire. One that cannot be restored for want of memory is
 * lost before it counts as received, as in a port that has no buffer for it.
 */
static uint16_t restore(const struct pipeline *pipeline, struct rte_mbuf **frames, uint16_t count)
{
	uint16_t kept = 0;

	for (uint16_t i = 0; i < count; i++)
		rte_prefetch0(rte_pktmbuf_mtod(frames[i], void *));
	for (uint16_t i = 0; i < count; i++) {
		frames[kept] = frame_received(frames[i], pipeline->pool);
		kept += frames[kept] != NULL;
	}
	return kept;
}

static void parse(struct rte_mbuf *const *frames, uint16_t count, struct packet *packets)
{
	uint8_t scratch[PARSE_READABLE];

	for (uint16_t i = 0; i < count; i++) {
		const struct rte_mbuf *frame = frames[i];
		const uint8_t *head = rte_pktmbuf_mtod(frame, const uint8_t *);
		uint32_t readable = RTE_MIN(frame->pkt_len, (uint32_t)PARSE_READABLE);

		if (unlikely(frame->data_len < readable))
			head = rte_pktmbuf_read(frame, 0, readable, scratch);
		parse_frame(head, readable, frame->pkt_len, &packets[i]);
	}
}

static void decide_burst(struct pipeline *pipeline, const struct packet *packets, uint16_t count,
			 uint64_t now_ns, struct decision *decisions)
{
	const struct image *image = &pipeline->generation->image;

	for (uint16_t i = 0; i < count; i++)
		decisions[i] = decide(image, pipeline->state, &packets[i], now_ns);
	counters_decided(pipeline->counters, packets, decisions, count, image->rules);
}

/* Without an image nothing is known about any packet, so none is looked at. */
static void pass_burst(struct pipeline *pipeline, const struct packet *packets, uint16_t count,
		       struct decision *decisions)
{
	for (uint16_t i = 0; i < count; i++)
		decisions[i] = decision_end(VERDICT_PASS, REASON_DEFAULT);
	counters_decided(pipeline->counters, packets, decisions, count, NULL);
}

/* Address the frame to its service's fallback. The role of the port that leads there. */
static enum port_role divert(struct pipeline *pipeline, uint16_t service, struct rte_mbuf **frame)
{
	const struct image *image = &pipeline->generation->image;
	const struct fallback *fallback = &image->fallbacks[image->services[service].fallback];

	*frame = frame_divert(*frame, fallback, pipeline->pool);
	return fallback->flags & FALLBACK_PORT ? PORT_FALLBACK : PORT_SERVER;
}

/* Share the frames out among outboxes by role; a dropped one's role is the edge's, unused else. */
static void split(struct pipeline *pipeline, struct rte_mbuf *const *frames,
		  const struct packet *packets, const struct decision *decisions, uint16_t count,
		  struct outbox outbox[], uint16_t counts[])
{
	for (uint16_t i = 0; i < count; i++) {
		struct rte_mbuf *frame = frames[i];
		unsigned role = decisions[i].verdict == VERDICT_PASS ? PORT_SERVER : PORT_EDGE;

		if (unlikely(decisions[i].verdict == VERDICT_DIVERT)) {
			role = divert(pipeline, decisions[i].service, &frame);
			if (!frame) {
				count_burst(&pipeline->counters->unsent, &packets[i].length, 1);
				continue;
			}
		}
		outbox[role].frames[counts[role]] = frame;
		outbox[role].bytes[counts[role]++] = packets[i].length;
	}
}

void pipeline_filter(struct pipeline *pipeline, const struct pair *pair, struct rte_mbuf **frames,
		     uint16_t count, uint64_t now_ns)
{
	struct worker_counters *counters = pipeline->counters;
	struct packet packets[PIPELINE_BURST];
	struct decision decisions[PIPELINE_BURST];
	struct outbox outbox[PORT_ROLES];
	uint16_t counts[PORT_ROLES] = {0};

	count = restore(pipeline, frames, count);
	parse(frames, count, packets);
	if (likely(pipeline->generation != NULL))
		decide_burst(pipeline, packets, count, now_ns, decisions);
	else
		pass_burst(pipeline, packets, count, decisions);
	split(pipeline, frames, packets, decisions, count, outbox, counts);
	for (unsigned role = PORT_SERVER; role < pair->ports; role++)
		outbox_send(pipeline, &pair->port[role], &outbox[role], counts[role],
			    &counters->sent, &counters->unsent);
	rte_pktmbuf_free_bulk(outbox[PORT_EDGE].frames, counts[PORT_EDGE]);
}

void pipeline_return(struct pipeline *pipeline, const struct pair *pair, struct rte_mbuf **frames,
		     uint16_t count)
{
	struct outbox outbox;

	count = restore(pipeline, frames, count);
	for (uint16_t i = 0; i < count; i++) {
		outbox.frames[i] = frames[i];
		outbox.bytes[i] = frames[i]->pkt_len;
	}
	outbox_send(pipeline, &pair->port[PORT_EDGE], &outbox, count, &pipeline->counters->returned,
		    &pipeline->counters->unreturned);
}
