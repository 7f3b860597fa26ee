/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-only */
/* The twin: core's parser and decision, compiled for the kernel. */
#include "tables.h"

#include "forward.h"
#include "parse.h"
#include "recall.h"

/* A target and what the root with this serial says of it. */
struct remembered {
	struct recalled_target target;
	uint64_t serial;
};

/* What does not fit on the stack of 512 bytes, or is there known too well to the verifier. */
struct scratch {
	uint8_t frame[512]; /* its first PARSE_READABLE bytes */
	struct packet packet;
	struct decision decision;
	struct remembered target[1 << RECALL_TARGET_BITS];
};
_Static_assert((int)PARSE_READABLE <= 512, "the start of a frame fits");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, uint32_t);
	__uint(value_size, sizeof(struct scratch));
} scratches SEC(".maps");

/* Parse what parse_plain() leaves, on a copy: headers may lie in any of a frame's fragments. */
ALONE int parse_copy(struct xdp_md *ctx, struct scratch *scratch)
{
	uint32_t length = (uint32_t)bpf_xdp_get_buff_len(ctx);
	uint32_t most = length < PARSE_READABLE ? length : PARSE_READABLE;
	uint32_t readable = (uint32_t)FORGOTTEN(most);

	ASSURED(scratch);
	if (readable == 0 || readable > PARSE_READABLE ||
	    bpf_xdp_load_bytes(ctx, 0, scratch->frame, readable) != 0)
		readable = 0;
	parse_slowly(scratch->frame, readable, length, &scratch->packet);
	return 0;
}

/* As parse_frame(): the frame's start is read where it lies. */
static __always_inline void parse(struct xdp_md *ctx, struct scratch *scratch)
{
	const uint8_t *frame = (const uint8_t *)(long)ctx->data;
	const uint8_t *end = (const uint8_t *)(long)ctx->data_end;
	uint32_t length = (uint32_t)bpf_xdp_get_buff_len(ctx);
	enum { PLAIN4 = 18 + 40, PLAIN6 = 18 + 60 };

	if (frame + PLAIN6 <= end) {
		if (parse_plain(frame, PLAIN6, length, &scratch->packet))
			return;
	} else if (frame + PLAIN4 <= end) {
		if (parse_plain(frame, PLAIN4, length, &scratch->packet))
			return;
	}
	parse_copy(ctx, scratch);
}

ALONE int remember_target(const struct twin_root *root, const struct packet *packet,
			  struct remembered *known)
{
	ASSURED(root);
	ASSURED(packet);
	ASSURED(known);
	*known = (struct remembered){
		.target = {packet->destination, packet_target(packet),
			   target_find(&root->image, packet)},
		.serial = root->serial,
	};
	return 0;
}

/* What is said of a packet's target, which the next one for it finds here: see core/recall.h. */
static __always_inline struct target_facts known_target(const struct twin_root *root,
							struct scratch *scratch)
{
	const struct packet *packet = &scratch->packet;
	uint64_t target = packet_target(packet);
	struct remembered *known = &scratch->target[recall_target_place(packet, target)];

	if (known->serial != root->serial || !recalled_is(&known->target, packet, target))
		remember_target(root, packet, known);
	return known->target.facts;
}

/* As decide(): the packet that was parsed, into *decision. */
static __always_inline void decide_parsed(const struct twin_root *root, struct state *state,
					  struct scratch *scratch, uint64_t now_ns,
					  struct decision *decision)
{
	if (!decide_header(image_settings(&root->image), &scratch->packet, decision))
		*decision = decide_target(&root->image, state, &scratch->packet,
					  known_target(root, scratch), now_ns);
}

/* Whether the frame was decided: false before there is a policy. */
static __always_inline bool decide_frame(struct xdp_md *ctx, uint64_t now_ns,
					 struct decision *decision)
{
	const uint32_t first = 0;
	struct state *state = state_head();
	struct scratch *scratch = bpf_map_lookup_elem(&scratches, &first);
	const struct twin_root *root = active_root();

	if (!state || !scratch || !root)
		return false;
	parse(ctx, scratch);
	decide_parsed(root, state, scratch, now_ns, decision);
	return true;
}

/* Decide a frame as if it came at the time that stands in its metadata, and say how there. */
SEC("xdp.frags")
int sluice_ask(struct xdp_md *ctx)
{
	struct twin_question *question = (struct twin_question *)(long)ctx->data_meta;
	struct decision decision;

	if ((void *)(question + 1) > (void *)(long)ctx->data)
		return XDP_ABORTED;
	if (!decide_frame(ctx, question->now_ns, &decision))
		return XDP_ABORTED;
	question->decision = decision;
	return XDP_PASS;
}

/* What its receiver would answer with, as far as a service is known by it. */
static __always_inline void turn_round(struct packet *packet)
{
	const struct address source = packet->source;
	const uint16_t port_of_source = packet->source_port;

	packet->source = packet->destination;
	packet->destination = source;
	packet->source_port = packet->destination_port;
	packet->destination_port = port_of_source;
}

/* Whether the frame is to one of the policy's services, or from it on the side of servers. */
static __always_inline bool of_service(const struct twin_root *root, struct scratch *scratch)
{
	struct packet *packet = &scratch->packet;

	if (packet->kind < PACKET_IP4 || packet->flags & PACKET_ND)
		return false;
	if (port.role != PORT_EDGE)
		turn_round(packet);
	return known_target(root, scratch).service != NONE;
}

/*
 * The program on an interface. It has the name, and below the mark, of the program that libxdp
 * attaches for whoever opens an AF_XDP socket: so DPDK takes this one for that, and puts its
 * sockets into its map.
 */
SEC("xdp.frags")
int xsk_def_prog(struct xdp_md *ctx)
{
	const uint32_t first = 0;
	const uint32_t bytes = (uint32_t)bpf_xdp_get_buff_len(ctx);
	struct scratch *scratch = bpf_map_lookup_elem(&scratches, &first);
	struct worker_counters *count = counters_here();
	struct state *state = state_head();
	const struct twin_root *root = active_root();
	bool ours = true;

	if (!scratch || !count || !state || !root)
		return XDP_ABORTED;
	if (port.mode == TWIN_STEER) {
		parse(ctx, scratch);
		ours = of_service(root, scratch);
	}
	if (ours && hand_over(ctx, state, count, bytes))
		return XDP_REDIRECT;
	if (port.role != PORT_EDGE)
		return ours ? give_back(count, bytes) : XDP_PASS;
	if (port.mode != TWIN_STEER)
		parse(ctx, scratch);
	decide_parsed(root, state, scratch, root->timed ? bpf_ktime_get_boot_ns() : 0,
		      &scratch->decision);
	count_decision(count, bytes, &root->image, &scratch->decision);
	return send(ctx, &root->image, &scratch->decision, !ours, count, bytes);
}

/* Say how many of the interface's queues have a socket. */
SEC("xdp")
int sluice_sockets(struct xdp_md *unused)
{
	int sockets = 0;

	(void)unused;
	for (uint32_t queue = 0; queue < CAP_WORKERS; queue++)
		sockets += bpf_redirect_map(&xsks_map, queue, XDP_ABORTED) == XDP_REDIRECT;
	return sockets;
}

/* The version of the program that libxdp's is, of which this one does all. */
__uint(xsk_prog_version, 1) SEC("xdp_metadata");

char twin_license[] SEC("license") = "Dual BSD/GPL";
