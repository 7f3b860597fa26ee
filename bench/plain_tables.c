/* SPDX-License-Identifier: BSD-3-Clause */
/* See plain_tables.h. */
#include "plain_tables.h"
#include "calibrate.h"

#include <rte_errno.h>
#include <rte_hash_crc.h>
#include <rte_malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NETWORKS = 1 << 24 };

size_t plain_bytes(uint32_t sources)
{
	/* A hash entry, its key, a meter, each with what rounding up may add; tables of rte_lpm. */
	return (size_t)(sources + 200000) * 96 + ((size_t)320 << 20);
}

static uint32_t hash_address(const void *key, uint32_t size, uint32_t seed)
{
	(void)size;
	return rte_hash_crc_4byte(*(const uint32_t *)key, seed);
}

static int compare_addresses(const void *a, const void *b, size_t size)
{
	(void)size;
	return *(const uint32_t *)a != *(const uint32_t *)b;
}

static int open_sources(struct plain *plain, uint32_t entries, int socket)
{
	char name[RTE_HASH_NAMESIZE];
	const struct rte_hash_parameters parameters = {
		.name = name,
		.entries = entries,
		.key_len = sizeof(uint32_t),
		.hash_func = hash_address,
		.socket_id = socket,
	};

	snprintf(name, sizeof name, "sources-%u", entries);
	plain->sources = rte_hash_create(&parameters);
	plain->meters = rte_malloc_socket(NULL, entries * sizeof *plain->meters, 64, socket);
	if (!plain->sources || !plain->meters)
		return -1;
	rte_hash_set_cmp_func(plain->sources, compare_addresses);
	return 0;
}

/* Single addresses block, as in bench/policy.json alone the set "bots" holds any. */
static int add_blocked(struct plain *plain, const struct policy *policy)
{
	const struct set_params *set = &policy->sets[policy_set(policy, "bots")];
	struct entries_cursor cursor = entries_first(&set->entries, ENTRIES_ALL, 0);
	const struct entry_params *entry;

	for (; (entry = entries_at(&cursor)); entries_next(&cursor)) {
		const struct prefix *prefix = &entry->prefix;
		uint32_t address = (uint32_t)prefix->address.lo;

		if (!prefix->ip6 && prefix->length == 32 &&
		    rte_hash_add_key_data(plain->sources, &address, &plain->blocked))
			return -1;
	}
	return 0;
}

static void paint(uint8_t *marks, const struct prefix *prefix, enum plain_mark mark)
{
	if (!prefix->ip6 && prefix->length <= 24)
		memset(&marks[(uint32_t)prefix->address.lo >> 8], mark,
		       (size_t)1 << (24 - prefix->length));
}

/* What holds for each /24 as a whole; the benchmark's prefixes do not nest. */
static uint8_t *paint_marks(const struct policy *policy)
{
	uint8_t *marks = calloc(NETWORKS, 1);

	for (size_t s = 0; marks && s < policy->set_count; s++) {
		const struct set_params *set = &policy->sets[s];
		struct entries_cursor cursor = entries_first(&set->entries, ENTRIES_ALL, 0);
		const struct entry_params *entry;

		for (; (entry = entries_at(&cursor)); entries_next(&cursor))
			paint(marks, &entry->prefix,
			      set->verdict == SET_BLOCK ? PLAIN_BLOCK : PLAIN_ALLOW);
	}
	for (size_t i = 0; marks && i < policy->guard.sources.count; i++)
		paint(marks, &policy->guard.sources.prefixes[i], PLAIN_GUARD);
	return marks;
}

static uint32_t next_hop(const struct image *image, uint32_t address, uint8_t mark)
{
	return origin_find(image, false, (struct address){0, address}) |
	       (uint32_t)mark << PLAIN_ORIGIN_BITS;
}

/* Whether ranges begin inside a /24, going on from range *next; the next /24's follow. */
static bool is_split(const struct range4 *range, uint32_t network, uint32_t *next)
{
	uint32_t from = network << 8;

	while (*next < range->count && range->first[*next] <= from)
		++*next;
	return *next < range->count && range->first[*next] <= (from | 0xff);
}

static uint32_t count_split(const struct image *image)
{
	uint32_t split = 0, next = 0;

	for (uint32_t i = 0; i < NETWORKS; i++)
		split += is_split(&image->origin.ip4, i, &next);
	return split;
}

/*
 * Written as rte_lpm_add() would write a million prefixes, which it takes many minutes for, as
 * it looks through all rules of a depth for each.
 */
static void fill_lpm(const struct image *image, const uint8_t *marks, struct rte_lpm *lpm)
{
	uint32_t group = 0, next = 0;

	for (uint32_t i = 0; i < NETWORKS; i++) {
		struct rte_lpm_tbl_entry entry = {.valid = 1, .depth = 24};

		entry.next_hop = next_hop(image, i << 8, marks[i]);
		if (!is_split(&image->origin.ip4, i, &next)) {
			lpm->tbl24[i] = entry;
			continue;
		}
		lpm->tbl24[i] = (struct rte_lpm_tbl_entry){
			.next_hop = group, .valid = 1, .valid_group = 1, .depth = 24};
		for (uint32_t j = 0; j < 256; j++) {
			entry.next_hop = next_hop(image, i << 8 | j, marks[i]);
			lpm->tbl8[group * RTE_LPM_TBL8_GROUP_NUM_ENTRIES + j] = entry;
		}
		group++;
	}
}

static int open_lpm(struct plain *plain, const struct policy *policy, int socket)
{
	const struct rte_lpm_config config = {
		.max_rules = 1,
		.number_tbl8s = count_split(plain->image) + 1,
	};
	static struct rte_lpm *origins; /* of every plain chain, as all have one image */
	uint8_t *marks = paint_marks(policy);

	if (!origins && marks) {
		origins = rte_lpm_create("origins", socket, &config);
		if (origins)
			fill_lpm(plain->image, marks, origins);
	}
	free(marks);
	plain->lpm = origins;
	return origins ? 0 : -1;
}

static void open_meter(struct rte_meter_srtcm_profile *profile, const struct rate_params *rate,
		       struct meter *meter)
{
	struct rte_meter_srtcm_params params = {.cir = rate->pps, .cbs = rate->burst};

	rte_meter_srtcm_profile_config(profile, &params);
	rte_meter_srtcm_config(&meter->srtcm, profile);
	meter->srtcm.time = 0;
}

/* The rules that plain chains are measured by have the limits of the last. */
static void open_meters(struct plain *plain, const struct policy *policy)
{
	const struct rule_params *last = &policy->rules[policy->rule_count - 1];

	open_meter(&plain->source_profile, &last->source, &plain->shared);
	for (size_t i = 0; i < policy->rule_count; i++)
		open_meter(&plain->rule_profile, &last->total, &plain->rule[i]);
	open_meter(&plain->host_profile, &policy->host, &plain->host);
}

struct plain *plain_open(const struct policy *policy, const struct image *image, uint32_t sources,
			 int socket)
{
	const struct set_params *blocked = &policy->sets[policy_set(policy, "bots")];
	struct plain *plain = rte_zmalloc_socket(NULL, sizeof *plain, 64, socket);

	if (!plain)
		goto out;
	plain->image = image;
	plain->tsc_ghz = calibrate_tsc_ghz();
	plain->room = sources;
	if (open_sources(plain, sources + blocked->entries.sum.count, socket) ||
	    add_blocked(plain, policy) || open_lpm(plain, policy, socket))
		goto out;
	open_meters(plain, policy);
	return plain;
out:
	fprintf(stderr, "no memory for a plain chain of %u sources: %s\n", sources,
		rte_strerror(rte_errno));
	plain_close(plain);
	return NULL;
}

void plain_close(struct plain *plain)
{
	if (!plain)
		return;
	rte_hash_free(plain->sources);
	rte_free(plain->meters);
	rte_free(plain);
}
