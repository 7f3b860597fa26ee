/* SPDX-License-Identifier: BSD-3-Clause */
/* See staging.h. */
#include "staging.h"

#include <stage_bpf.h> /* made by bpftool */

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { TARGETS = 16, SENDERS_BYTES = STAGE_SENDERS * sizeof(struct stage_sender) };

struct stage {
	struct stage_bpf *bpf;
};

/* Each talks to one target, as in frames.c. */
static int fill(struct stage *stage, struct traffic *traffic)
{
	struct stage_sender *senders = mmap(NULL, SENDERS_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED,
					    bpf_map__fd(stage->bpf->maps.senders), 0);

	if (senders == MAP_FAILED)
		return -1;
	for (uint32_t i = 0; i < STAGE_SENDERS; i++) {
		uint32_t source = traffic_next(traffic);

		senders[i].address = htonl(traffic_address(source));
		senders[i].target = source % TARGETS;
	}
	munmap(senders, SENDERS_BYTES);
	return 0;
}

static int load(struct stage *stage, bool frags)
{
	uint32_t flags = frags ? BPF_F_XDP_HAS_FRAGS : 0;

	stage->bpf = stage_bpf__open();
	if (!stage->bpf)
		return -1;
	bpf_program__set_flags(stage->bpf->progs.stage, flags);
	bpf_program__set_flags(stage->bpf->progs.empty, flags);
	return stage_bpf__load(stage->bpf);
}

struct stage *stage_open(struct traffic *traffic, bool frags)
{
	struct stage *stage = calloc(1, sizeof *stage);

	if (stage && load(stage, frags) == 0 && fill(stage, traffic) == 0)
		return stage;
	perror("cannot set the stage in the kernel");
	stage_close(stage);
	return NULL;
}

void stage_close(struct stage *stage)
{
	if (!stage)
		return;
	if (stage->bpf)
		stage_bpf__destroy(stage->bpf);
	free(stage);
}

int stage_for(struct stage *stage, int program)
{
	const uint32_t first = 0;

	if (bpf_map_update_elem(bpf_map__fd(stage->bpf->maps.measured), &first, &program, BPF_ANY))
		return -1;
	return bpf_program__fd(stage->bpf->progs.stage);
}

int stage_empty(const struct stage *stage)
{
	return bpf_program__fd(stage->bpf->progs.empty);
}

int stage_drop(const struct stage *stage)
{
	return bpf_program__fd(stage->bpf->progs.drop);
}

int stage_flood(struct stage *stage, unsigned interface)
{
	stage->bpf->bss->out = interface;
	return bpf_program__fd(stage->bpf->progs.flood);
}
