/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-only */
/*
 * How the twin gets at what core/ reads and writes: see core/reach.h. The loader has checked
 * every place before the kernel sees it, so what is not there cannot be asked for; were it all
 * the same, the packet would be dropped.
 */
#pragma once

#include <linux/bpf.h>
#include <stdbool.h>
#include <stdint.h>

#include <bpf/bpf_helpers.h>

struct image;
struct settings;
struct rule;
struct state;
struct source_line;
struct rule_state;

static const void *table_reach(uint64_t place, uint32_t size);
static const struct settings *image_settings(const struct image *image);
static const struct rule *image_rule(const struct image *image, uint16_t rule);
static struct source_line *state_line(const struct state *state, uint32_t index);
static struct rule_state *state_rule(struct state *state, uint16_t slot);
static void state_fetch(const struct state *state, uint32_t index);

#define REACH(pointer) ((__typeof__(pointer))table_reach((uint64_t)(pointer), sizeof *(pointer)))
#define READ(element)  (*REACH(&(element)))

/* Place zero: an empty line. */
#define NOWHERE(pointer) ((uint64_t)(pointer) == 0)

#define SELDOM static inline
#define ALONE  __attribute__((noinline))
#define ASSURED(pointer)                                                                           \
	do {                                                                                       \
		if (!(pointer))                                                                    \
			absent();                                                                  \
	} while (0)

#define FORGOTTEN(number) forgotten(number)

/* Ends the program, or the function that is not part of it, with XDP_DROP. */
static __always_inline void absent(void)
{
	asm volatile("r0 = 1\n\texit" ::: "r0");
	__builtin_unreachable();
}

/* The verifier knows nothing of what a global function returns. */
__attribute__((noinline)) uint64_t forgotten(uint64_t number)
{
	asm volatile("" : "+r"(number));
	return number;
}

/* A function of its own takes no struct, and five arguments at most: core's have none. */
#define inline inline __attribute__((always_inline))

#include "twin.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, uint32_t);
	__uint(value_size, sizeof(struct twin_active));
} active SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, TWIN_ROOTS);
	__type(key, uint32_t);
	__uint(value_size, sizeof(struct twin_root));
} roots SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, TWIN_RULES);
	__type(key, uint32_t);
	__uint(value_size, sizeof(struct rule));
} rules SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1); /* the loader's to set */
	__type(key, uint32_t);
	__uint(value_size, TWIN_LINE);
} arena SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, uint32_t);
	__uint(value_size, sizeof(struct state));
} state SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, CAP_RULE_SLOTS);
	__type(key, uint32_t);
	__uint(value_size, sizeof(struct rule_state));
} rule_states SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, SOURCE_GROUP); /* the loader's to set */
	__type(key, uint32_t);
	__uint(value_size, sizeof(struct source_line));
} sources SEC(".maps");

/* A place of `size` bytes, a power of two up to a line, by which it is aligned. */
static __always_inline const void *table_reach(uint64_t place, uint32_t size)
{
	uint32_t number = (uint32_t)(place / TWIN_LINE);
	const uint8_t *line = bpf_map_lookup_elem(&arena, &number);

	if (!line)
		absent();
	return line + (place & (TWIN_LINE - size));
}

/* The root of the generation in force, which a packet asks for once; NULL: there is none. */
static __always_inline const struct twin_root *active_root(void)
{
	const uint32_t first = 0;
	const struct twin_active *now = bpf_map_lookup_elem(&active, &first);
	uint32_t root;

	if (!now)
		return NULL;
	root = WORD_LOAD(&now->root) - 1;
	return bpf_map_lookup_elem(&roots, &root);
}

static __always_inline const struct settings *image_settings(const struct image *image)
{
	return &((const struct twin_root *)image)->settings;
}

static __always_inline const struct rule *image_rule(const struct image *image, uint16_t rule)
{
	uint32_t number = ((const struct twin_root *)image)->first_rule + rule;
	const struct rule *found = bpf_map_lookup_elem(&rules, &number);

	if (!found)
		absent();
	return found;
}

static __always_inline struct source_line *state_line(const struct state *state, uint32_t index)
{
	struct source_line *line = bpf_map_lookup_elem(&sources, &index);

	(void)state;
	if (!line)
		absent();
	return line;
}

/* BPF cannot prefetch: what is read and not waited for comes as well. */
static __always_inline void state_fetch(const struct state *state, uint32_t index)
{
	(void)word_load(&state_line(state, index)->tags[0]);
}

static __always_inline struct rule_state *state_rule(struct state *state, uint16_t slot)
{
	const uint32_t index = slot;
	struct rule_state *rule = bpf_map_lookup_elem(&rule_states, &index);

	(void)state;
	if (!rule)
		absent();
	return rule;
}

/* The state's head; the rest of it is in maps of its own. */
static __always_inline struct state *state_head(void)
{
	const uint32_t first = 0;

	return bpf_map_lookup_elem(&state, &first);
}
