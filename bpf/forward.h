/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-only */
/*
 * What becomes of a frame that the program decided, where it goes from its interface, and how that
 * is counted: in the words of core/counters.h, by each CPU for itself.
 */
#pragma once

#include "ethernet.h"
#include "mode.h"

/* Set before the program is loaded, so that the verifier sees one mode and role alone. */
const volatile struct twin_port port = {0};

/* Where a data plane's sockets are, by receive queue. libxdp looks for a map of this name. */
struct {
	__uint(type, BPF_MAP_TYPE_XSKMAP);
	__uint(max_entries, CAP_WORKERS);
	__uint(key_size, sizeof(uint32_t));
	__uint(value_size, sizeof(uint32_t));
} xsks_map SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1); /* the loader's to set: CPUs */
	__type(key, uint32_t);
	__uint(value_size, sizeof(struct worker_counters));
} counters SEC(".maps");

/* The rule's id that each slot of theirs counts for: the loader's alone. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, uint32_t);
	__uint(value_size, CAP_RULE_SLOTS * sizeof(uint32_t));
} slot_rules SEC(".maps");

/* The block of this CPU, which runs one program at a time. */
static __always_inline struct worker_counters *counters_here(void)
{
	const uint32_t cpu = bpf_get_smp_processor_id();

	return bpf_map_lookup_elem(&counters, &cpu);
}

/* Whether the frame was given to a data plane that is there: it has a socket and keeps polling. */
static __always_inline bool hand_over(struct xdp_md *ctx, const struct state *state,
				      struct worker_counters *count, uint32_t bytes)
{
	if (port.mode == TWIN_ALONE ||
	    bpf_ktime_get_coarse_ns() >= WORD_LOAD(&state->serving_until_ns) ||
	    bpf_redirect_map(&xsks_map, ctx->rx_queue_index, XDP_ABORTED) != XDP_REDIRECT)
		return false;
	count_packet(&count->handed, bytes);
	return true;
}

static __always_inline void count_decision(struct worker_counters *count, uint32_t bytes,
					   const struct image *image,
					   const struct decision *decision)
{
	unsigned reason = decision->reason, verdict = decision->verdict;

	if (reason >= REASON_COUNT || verdict >= VERDICT_COUNT)
		absent();
	count_packet(&count->received, bytes);
	count_packet(&count->reason[reason], bytes);
	count_packet(&count->verdict[verdict], bytes);
	if (decision->rule != NONE) {
		unsigned slot = image_rule(image, decision->rule)->slot;
		unsigned outcome = decision_outcome(decision);

		if (slot >= CAP_RULE_SLOTS || outcome >= OUTCOME_COUNT)
			absent();
		count_packet(&count->rule[slot][outcome], bytes);
	}
}

/* Make room for a tag and put it in. The frame's data must be looked up anew afterwards. */
static __always_inline bool insert_tag(struct xdp_md *ctx, uint16_t vlan)
{
	uint8_t *head;

	if (bpf_xdp_adjust_head(ctx, -ETHERNET_TAG) != 0)
		return false;
	head = (uint8_t *)(long)ctx->data;
	if (head + ETHERNET_TAG + ETHERNET_MACS > (uint8_t *)(long)ctx->data_end)
		return false;
	ethernet_put_tag(head, ETHERTYPE_VLAN, vlan);
	return true;
}

/* Address the frame to the fallback of `service`, and say through which interface it goes. */
static __always_inline bool divert(struct xdp_md *ctx, const struct image *image, uint16_t service,
				   enum port_role *role)
{
	const struct service *of = REACH(&image->services[service]);
	const struct fallback *fallback = REACH(&image->fallbacks[of->fallback]);
	uint8_t *head = (uint8_t *)(long)ctx->data;

	if (head + ETHERNET_HEAD > (uint8_t *)(long)ctx->data_end)
		return false;
	if (fallback->flags & FALLBACK_PORT && port.interface[PORT_FALLBACK])
		*role = PORT_FALLBACK;
	return !ethernet_divert(head, fallback) || insert_tag(ctx, fallback->vlan);
}

/*
 * Send a decided frame on its way, unless it is dropped. `kernels`: it is for the kernel's own
 * stack, and so is what passes where there is no other interface. A redirect cannot tell whether
 * the other interface takes the frame: what was redirected counts as sent.
 */
static __always_inline int send(struct xdp_md *ctx, const struct image *image,
				const struct decision *decision, bool kernels,
				struct worker_counters *count, uint32_t bytes)
{
	bool diverted = decision->verdict == VERDICT_DIVERT;
	enum port_role role = PORT_SERVER;

	if (decision->verdict == VERDICT_DROP)
		return XDP_DROP;
	if (diverted && !divert(ctx, image, decision->service, &role)) {
		count_packet(&count->unsent, bytes);
		return XDP_DROP;
	}
	count_packet(&count->sent, bytes);
	if (kernels)
		return XDP_PASS;
	if (role == PORT_FALLBACK)
		return (int)bpf_redirect(port.interface[PORT_FALLBACK], 0);
	if (port.interface[PORT_SERVER])
		return (int)bpf_redirect(port.interface[PORT_SERVER], 0);
	return diverted ? XDP_TX : XDP_PASS;
}

/* Forward a frame from a server or fallback, of whom nothing is asked, to the edge. */
static __always_inline int give_back(struct worker_counters *count, uint32_t bytes)
{
	count_packet(&count->returned, bytes);
	return (int)bpf_redirect(port.interface[PORT_EDGE], 0);
}
