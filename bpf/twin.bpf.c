/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-only */
/* The twin: core's parser and decision, compiled for the kernel. */
#include "tables.h"

#include "parse.h"

/* What does not fit on the stack of 512 bytes, or is there known too well to the verifier. */
struct scratch {
	uint8_t frame[512]; /* its first PARSE_READABLE bytes */
	struct packet packet;
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
	*decision = decide(&root->image, state, &scratch->packet, now_ns);
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

char twin_license[] SEC("license") = "Dual BSD/GPL";
