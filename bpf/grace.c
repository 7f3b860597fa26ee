/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * See grace.h. Of what makes the kernel wait for running programs, one is a promise to whoever
 * replaces a map in a map of maps: when that returns, no program uses the former. So a map of maps
 * that no program knows is written to. (membarrier would do as well, but not where the kernel was
 * told to leave CPUs alone, as it often is beside DPDK.)
 */
#include "grace.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

struct grace {
	int inner, outer;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	uint64_t asked, passed; /* these and the next are the lock's */
	bool closing;
};

static int make_maps(struct grace *grace)
{
	LIBBPF_OPTS(bpf_map_create_opts, options);

	grace->inner = bpf_map_create(BPF_MAP_TYPE_ARRAY, "sluice_inner", sizeof(uint32_t),
				      sizeof(uint32_t), 1, NULL);
	if (grace->inner < 0)
		return grace->inner;
	options.inner_map_fd = (uint32_t)grace->inner;
	grace->outer = bpf_map_create(BPF_MAP_TYPE_ARRAY_OF_MAPS, "sluice_grace", sizeof(uint32_t),
				      sizeof(uint32_t), 1, &options);
	if (grace->outer < 0)
		close(grace->inner);
	return grace->outer < 0 ? grace->outer : 0;
}

static void wait_for_programs(const struct grace *grace)
{
	const uint32_t first = 0;

	/* It fails for want of memory at most, and nobody must take a failure for success. */
	while (bpf_map_update_elem(grace->outer, &first, &grace->inner, BPF_ANY) != 0)
		sleep(1);
}

static void *serve(void *argument)
{
	struct grace *grace = argument;

	pthread_mutex_lock(&grace->lock);
	while (!grace->closing || grace->passed < grace->asked) {
		uint64_t number = grace->asked;

		if (grace->passed == number) {
			pthread_cond_wait(&grace->changed, &grace->lock);
			continue;
		}
		pthread_mutex_unlock(&grace->lock);
		wait_for_programs(grace);
		pthread_mutex_lock(&grace->lock);
		grace->passed = number;
		pthread_cond_broadcast(&grace->changed);
	}
	pthread_mutex_unlock(&grace->lock);
	return NULL;
}

/* Signals are for the thread that calls. */
static int start(struct grace *grace)
{
	sigset_t all, before;
	int result;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	result = pthread_create(&grace->thread, NULL, serve, grace);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return -result;
}

int grace_open(struct grace **grace)
{
	struct grace *made = calloc(1, sizeof *made);
	int result;

	if (!made)
		return -ENOMEM;
	result = make_maps(made);
	if (result != 0) {
		free(made);
		return result;
	}
	pthread_mutex_init(&made->lock, NULL);
	pthread_cond_init(&made->changed, NULL);
	result = start(made);
	if (result == 0) {
		*grace = made;
		return 0;
	}
	close(made->outer);
	close(made->inner);
	free(made);
	return result;
}

void grace_close(struct grace *grace)
{
	if (!grace)
		return;
	pthread_mutex_lock(&grace->lock);
	grace->closing = true;
	pthread_cond_broadcast(&grace->changed);
	pthread_mutex_unlock(&grace->lock);
	pthread_join(grace->thread, NULL);
	pthread_cond_destroy(&grace->changed);
	pthread_mutex_destroy(&grace->lock);
	close(grace->outer);
	close(grace->inner);
	free(grace);
}

uint64_t grace_ask(struct grace *grace)
{
	uint64_t number;

	pthread_mutex_lock(&grace->lock);
	number = ++grace->asked;
	pthread_cond_broadcast(&grace->changed);
	pthread_mutex_unlock(&grace->lock);
	return number;
}

bool grace_passed(struct grace *grace, uint64_t number)
{
	bool passed;

	pthread_mutex_lock(&grace->lock);
	passed = grace->passed >= number;
	pthread_mutex_unlock(&grace->lock);
	return passed;
}

void grace_wait(struct grace *grace, uint64_t number)
{
	pthread_mutex_lock(&grace->lock);
	while (grace->passed < number)
		pthread_cond_wait(&grace->changed, &grace->lock);
	pthread_mutex_unlock(&grace->lock);
}
