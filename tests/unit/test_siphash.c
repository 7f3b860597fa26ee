/* SPDX-License-Identifier: BSD-3-Clause */
/* SipHash-2-4 against its authors' vectors and against libsodium. */
#include "siphash.h"
#include "suite.h"

#include <sodium.h>
#include <string.h>

/* The reference vectors: key 00 01 .. 0f, message 00 01 .. of the row's length. */
static const uint64_t vectors[] = {
	UINT64_C(0x726fdb47dd0e0e31), UINT64_C(0x74f839c593dc67fd), UINT64_C(0x0d6c8009d9a94f5a),
	UINT64_C(0x85676696d7fb7e2d), UINT64_C(0xcf2794e0277187b7), UINT64_C(0x18765564cd99a68d),
	UINT64_C(0xcbc9466e58fee3ce), UINT64_C(0xab0200f58b01d137), UINT64_C(0x93f5f5799a932462),
	UINT64_C(0x9e0082df0ba9e4b0), UINT64_C(0x7a5dbbc594ddb9f3), UINT64_C(0xf4b32f46226bada7),
	UINT64_C(0x751e8fbc860ee5fb), UINT64_C(0x14ea5627c0843d90), UINT64_C(0xf723ca908e7af2ee),
	UINT64_C(0xa129ca6149be45e5),
};

static const uint8_t counting[64] = {
	0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21,
	22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43,
	44, 45, 46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63,
};

static void test_vectors(void)
{
	struct siphash_key key = siphash_key_from(counting);

	for (size_t size = 0; size < sizeof vectors / sizeof *vectors; size++)
		CU_ASSERT_EQUAL(siphash(key, counting, size), vectors[size]);
}

static uint64_t sodium(const uint8_t key[16], const void *data, size_t size)
{
	uint64_t hash;

	crypto_shorthash((unsigned char *)&hash, data, size, key);
	return hash;
}

static void test_libsodium(void)
{
	for (int round = 0; round < 10000; round++) {
		uint8_t key[16], data[200];
		uint32_t word4;
		uint64_t word8;

		randombytes_buf(key, sizeof key);
		randombytes_buf(data, sizeof data);
		memcpy(&word4, data, sizeof word4);
		memcpy(&word8, data, sizeof word8);
		size_t size = data[100] % sizeof data;
		CU_ASSERT_EQUAL(siphash(siphash_key_from(key), data, size),
				sodium(key, data, size));
		CU_ASSERT_EQUAL(siphash_4(siphash_key_from(key), word4), sodium(key, data, 4));
		CU_ASSERT_EQUAL(siphash_8(siphash_key_from(key), word8), sodium(key, data, 8));
	}
}

int main(void)
{
	CU_TestInfo tests[] = {
		{"published vectors", test_vectors},
		{"equal to libsodium", test_libsodium},
		CU_TEST_INFO_NULL,
	};

	if (sodium_init() < 0)
		return EXIT_FAILURE;
	return suite_run("siphash", tests);
}
