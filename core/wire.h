/* SPDX-License-Identifier: BSD-3-Clause */
/* Unaligned loads from network byte order to the host's. */
#pragma once

#include <stdint.h>

/* For BPF, clang would copy byte by byte, and its verifier knows what the machine can do. */
#ifdef __bpf__
#define WIRE_LOAD(v, p) ((v) = *(const __typeof__(v) __attribute__((may_alias)) *)(p))
#else
#define WIRE_LOAD(v, p) __builtin_memcpy(&(v), p, sizeof(v))
#endif

static inline uint16_t wire_u16(const uint8_t *p)
{
	uint16_t v;

	WIRE_LOAD(v, p);
	return __builtin_bswap16(v);
}

static inline uint32_t wire_u32(const uint8_t *p)
{
	uint32_t v;

	WIRE_LOAD(v, p);
	return __builtin_bswap32(v);
}

static inline uint64_t wire_u64(const uint8_t *p)
{
	uint64_t v;

	WIRE_LOAD(v, p);
	return __builtin_bswap64(v);
}

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "images and keys are little-endian");
