/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the two targets of the decision's one source disagree about. On the host a table is
 * memory and a loop may take what turns it needs: everything here is nothing. The kernel's
 * verifier follows no pointer that it finds in a table and wants to see every loop end, so for
 * BPF an image's pointers are places, and bpf/tables.h, included before all of core/, says how
 * to get at what is there.
 */
#pragma once

#include <stdbool.h>

#ifndef __bpf__

/* The value of an element of one of an image's tables. */
#define READ(element) (element)

/* A pointer to it, for elements that fill a line. */
#define REACH(pointer) (pointer)

/* Whether a table that is never NULL is known to be empty without a look. */
#define NOWHERE(pointer) false

/* A function that few packets need, kept out of the loops over all of them. */
#define SELDOM static __attribute__((noinline, cold, unused))

/*
 * A function that the verifier looks at by itself, once, and not again on every way that leads to
 * it. It takes numbers, and pointers to structs that it is ASSURED of.
 */
#define ALONE            static inline
#define ASSURED(pointer) ((void)(pointer))

/* A number of which the verifier is to forget what it knows, lest it go every way apart. */
#define FORGOTTEN(number) (number)

#endif

enum {
	TURNS_SEARCH = 32,  /* of a search that halves up to 2^32 */
	TURNS_CHAIN = 512,  /* entries that hold a source, of both families' prefix lengths */
	TURNS_SINGLES = 64, /* full lines of single addresses in a row: the twin takes no more */
	TURNS_SWAP = 8,     /* of those who want the same word at once */
};

/*
 * Whether a loop that ends by itself may take another turn; the host's always may. In the kernel
 * it ends after `most`: *turns, zero at first, counts them.
 */
static inline bool loop_may_turn(unsigned *turns, unsigned most)
{
#ifdef __bpf__
	return ++*turns < most;
#else
	(void)turns;
	(void)most;
	return true;
#endif
}
