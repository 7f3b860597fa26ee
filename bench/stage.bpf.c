/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-only */
/*
 * A program run again and again sees one packet. This one, run in its place, gives the packet
 * another sender each time and then goes on to the program that is measured, or out of an
 * interface.
 */
#include <linux/bpf.h>
#include <stdbool.h>
#include <stdint.h>

#include <bpf/bpf_helpers.h>

#include "stage.h"

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, uint32_t);
	__type(value, uint32_t);
} measured SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, STAGE_SENDERS);
	__type(key, uint32_t);
	__type(value, struct stage_sender);
} senders SEC(".maps");

uint32_t turn, out; /* out: the interface that a flood leaves by */

/* The next sender's. False: it does not fit. */
static __always_inline bool put_sender(struct xdp_md *ctx)
{
	uint8_t *frame = (uint8_t *)(long)ctx->data;
	uint32_t place = turn++ & (STAGE_SENDERS - 1);
	const struct stage_sender *sender = bpf_map_lookup_elem(&senders, &place);

	if (!sender || frame + STAGE_TARGET + 1 > (uint8_t *)(long)ctx->data_end)
		return false;
	*(volatile uint32_t *)(frame + STAGE_SOURCE) = sender->address;
	frame[STAGE_TARGET] = (uint8_t)sender->target;
	return true;
}

SEC("xdp")
int stage(struct xdp_md *ctx)
{
	if (put_sender(ctx))
		bpf_tail_call(ctx, &measured, 0);
	return XDP_ABORTED;
}

SEC("xdp")
int flood(struct xdp_md *ctx)
{
	return put_sender(ctx) ? (int)bpf_redirect(out, 0) : XDP_ABORTED;
}

/* What there is to measure beside the decision, on the stage and off it. */
SEC("xdp")
int empty(struct xdp_md *ctx)
{
	(void)ctx;
	return XDP_PASS;
}

SEC("xdp")
int drop(struct xdp_md *ctx)
{
	(void)ctx;
	return XDP_DROP;
}

char stage_license[] SEC("license") = "Dual BSD/GPL";
