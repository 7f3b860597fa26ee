/* SPDX-License-Identifier: BSD-3-Clause */
/* See serving.h. */
#include "serving.h"

static void promise(struct serving *serving, uint64_t until_ns)
{
	__atomic_store_n(&serving->state->serving_until_ns, until_ns, __ATOMIC_RELEASE);
}

/* Whether every worker has polled since this was last asked. */
static bool all_poll(struct serving *serving)
{
	bool all = true;

	for (uint32_t i = 0; i < serving->board->workers; i++) {
		uint64_t polls =
			__atomic_load_n(&serving->board->worker[i].polls, __ATOMIC_RELAXED);

		all &= polls != serving->polls[i];
		serving->polls[i] = polls;
	}
	return all;
}

void serving_start(struct serving *serving, struct state *state,
		   const struct board_dataplane *board)
{
	*serving = (struct serving){.state = state, .board = board};
	if (!state)
		return;
	promise(serving, 0);
	all_poll(serving);
}

void serving_round(struct serving *serving, uint64_t now_ns)
{
	if (!serving->state || !all_poll(serving))
		return;
	if (__atomic_load_n(&serving->board->generation, __ATOMIC_RELAXED) != 0)
		promise(serving, now_ns + SERVING_NS);
}

void serving_end(struct serving *serving)
{
	if (serving->state)
		promise(serving, 0);
}
