/* SPDX-License-Identifier: BSD-3-Clause */
/* Ledgers: what is written comes back, whatever was changed; what is damaged does not. */
#include "daemon/ledger.h"

#include "random.h"
#include "suite.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SETS = 3, PLACES = 400, CHANGES = 300, LONG_REASONS = 10000 };

static char path[] = "/tmp/test_ledger.XXXXXX";
static int folder;

static struct policy *policy_new(unsigned sets)
{
	struct policy *policy = policy_empty();
	char name[8];

	for (unsigned i = 0; i < sets; i++) {
		snprintf(name, sizeof name, "s%u", i);
		CU_ASSERT_EQUAL_FATAL(policy_add_set(policy, name, SET_BLOCK), i);
	}
	return policy;
}

static void change(struct policy *policy)
{
	struct entries *entries = &policy->sets[random_below(SETS)].entries;
	unsigned place = random_below(PLACES);
	struct entry_params entry = {
		.prefix = {{place % 2, place}, place % 2, place % 2 ? 128 : 32},
		.expires_ns = random_u64() % 3,
	};
	char reason[32];

	snprintf(reason, sizeof reason, "because of %u", place);
	if (random_below(3) == 0) {
		CU_ASSERT_EQUAL_FATAL(entries_drop(entries, &entry.prefix), 0);
		return;
	}
	if (random_below(2))
		entry.reason = reason_new(reason);
	CU_ASSERT_EQUAL_FATAL(entries_put(entries, &entry), 0);
}

static int differs(void *context, const struct entry_params *before,
		   const struct entry_params *after)
{
	(void)context;
	(void)before;
	(void)after;
	return 1;
}

static void check_read(const struct manifest_ledger *ledger, const struct policy *policy)
{
	struct policy *read = policy_new(SETS);
	const char *why;

	CU_ASSERT_EQUAL(ledger_read(folder, ledger, read, &why), 0);
	for (unsigned i = 0; i < SETS; i++)
		CU_ASSERT_EQUAL(entries_compare(&read->sets[i].entries, &policy->sets[i].entries,
						differs, NULL),
				0);
	policy_free(read);
}

static unsigned count_files(void)
{
	DIR *listed = fdopendir(openat(folder, ".", O_RDONLY | O_DIRECTORY));
	unsigned count = 0;
	struct dirent *entry;

	while ((entry = readdir(listed)))
		count += entry->d_name[0] != '.';
	closedir(listed);
	return count;
}

/* One file, whatever part of it counts; and now and then a change that comes to nothing. */
static void test_changes(void)
{
	struct policy *policy = policy_new(SETS);
	struct manifest_ledger ledger = {0}, half = {0};
	struct policy *at_half = NULL;

	for (unsigned i = 0; i < CHANGES; i++) {
		struct policy *next = policy_copy(policy);
		struct manifest_ledger now;

		for (unsigned j = random_below(5); j > 0; j--)
			change(next);
		CU_ASSERT_EQUAL(ledger_write(folder, policy, &ledger, next, &now), 0);
		if (i % 7 == 6) {
			policy_free(next);
			continue;
		}
		policy_free(policy);
		policy = next;
		ledger = now;
		if (i == CHANGES / 2) {
			at_half = policy_copy(policy);
			half = ledger;
		}
	}
	check_read(&ledger, policy);
	check_read(&half, at_half);
	CU_ASSERT_EQUAL(ledger.name, half.name);
	CU_ASSERT(ledger.size > half.size);
	policy_free(policy);
	policy_free(at_half);
}

static void test_nothing(void)
{
	struct policy *policy = policy_new(SETS);
	struct manifest_ledger ledger = {1, 2, 3};
	unsigned files = count_files();

	CU_ASSERT_EQUAL(ledger_write(folder, NULL, &ledger, policy, &ledger), 0);
	CU_ASSERT(ledger.name == 0 && ledger.size == 0 && ledger.hash == 0);
	CU_ASSERT_EQUAL(count_files(), files);
	check_read(&ledger, policy);
	policy_free(policy);
}

/* A set that goes takes its entries along; what then says that it has some is not read. */
static void test_fewer_sets(void)
{
	struct policy *policy = policy_new(SETS), *fewer = policy_new(1), *read = policy_new(1);
	struct manifest_ledger ledger, now;
	const char *why;

	for (unsigned i = 0; i < 50; i++)
		change(policy);
	entries_free(&fewer->sets[0].entries);
	fewer->sets[0].entries = entries_copy(&policy->sets[0].entries);
	CU_ASSERT_EQUAL(ledger_write(folder, NULL, NULL, policy, &ledger), 0);
	CU_ASSERT_EQUAL(ledger_write(folder, policy, &ledger, fewer, &now), 0);
	CU_ASSERT_EQUAL(ledger_read(folder, &now, read, &why), 0);
	CU_ASSERT_EQUAL(policy_entries(read), policy_entries(fewer));
	entries_free(&read->sets[0].entries);
	CU_ASSERT_EQUAL(ledger_read(folder, &ledger, read, &why), -EBADMSG);
	policy_free(policy);
	policy_free(fewer);
	policy_free(read);
}

/* What is superseded many times over is written anew. */
static void test_out_of_proportion(void)
{
	struct policy *policy = policy_new(SETS), *other = policy_copy(policy);
	struct manifest_ledger ledger = {0}, first;

	change(policy);
	change(other);
	while (policy_entries(policy) == 0 || policy_entries(other) == 0) {
		change(policy);
		change(other);
	}
	CU_ASSERT_EQUAL(ledger_write(folder, NULL, &ledger, policy, &first), 0);
	ledger = first;
	for (unsigned i = 0; i < 50000 && ledger.name == first.name; i++)
		CU_ASSERT_EQUAL(ledger_write(folder, i % 2 ? other : policy, &ledger,
					     i % 2 ? policy : other, &ledger),
				0);
	CU_ASSERT_NOT_EQUAL(ledger.name, first.name);
	CU_ASSERT(ledger.size < 4096);
	policy_free(policy);
	policy_free(other);
}

/* Reasons are part of what entries need: a change of one writes one, however long they are. */
static void test_long_reasons(void)
{
	struct policy *policy = policy_new(SETS), *next;
	struct manifest_ledger first, now;
	char reason[UINT8_MAX + 1];

	memset(reason, 'r', UINT8_MAX);
	reason[UINT8_MAX] = '\0';
	for (unsigned i = 0; i < LONG_REASONS; i++) {
		struct entry_params entry = {{{0, i}, 0, 32}, 0, reason_new(reason)};

		CU_ASSERT_EQUAL_FATAL(entries_put(&policy->sets[0].entries, &entry), 0);
	}
	CU_ASSERT_EQUAL(ledger_write(folder, NULL, NULL, policy, &first), 0);
	CU_ASSERT(first.size > UINT64_C(4) * 32 * LONG_REASONS + 1024 * 1024);
	next = policy_copy(policy);
	CU_ASSERT_EQUAL(entries_drop(&next->sets[0].entries, &(struct prefix){{0, 7}, 0, 32}), 0);
	CU_ASSERT_EQUAL(ledger_write(folder, policy, &first, next, &now), 0);
	CU_ASSERT_EQUAL(now.name, first.name);
	CU_ASSERT(now.size - first.size < 100);
	check_read(&now, next);
	policy_free(policy);
	policy_free(next);
}

/* What begins as an earlier ledger did is another file: that one may have grown, and count. */
static void test_again(void)
{
	struct policy *policy = policy_new(SETS), *grown;
	struct manifest_ledger first, ledger, again;

	for (unsigned i = 0; i < 20; i++)
		change(policy);
	grown = policy_copy(policy);
	while (policy_entries(grown) < policy_entries(policy) + 20)
		change(grown);
	CU_ASSERT_EQUAL(ledger_write(folder, NULL, NULL, policy, &first), 0);
	CU_ASSERT_EQUAL(ledger_write(folder, policy, &first, grown, &ledger), 0);
	CU_ASSERT_EQUAL(ledger.name, first.name);
	CU_ASSERT_EQUAL(ledger_write(folder, NULL, NULL, policy, &again), 0);
	CU_ASSERT_NOT_EQUAL(again.name, first.name);
	check_read(&ledger, grown);
	check_read(&again, policy);
	policy_free(policy);
	policy_free(grown);
}

static int read_damaged(const struct manifest_ledger *ledger)
{
	struct policy *read = policy_new(SETS);
	const char *why = NULL;
	int result = ledger_read(folder, ledger, read, &why);

	CU_ASSERT(result == 0 || why != NULL);
	policy_free(read);
	return result;
}

static void test_damage(void)
{
	struct policy *policy = policy_new(SETS);
	struct manifest_ledger ledger, other;
	char name[LEDGER_FILE_NAME];
	uint8_t byte;
	int file;

	for (unsigned i = 0; i < 20; i++)
		change(policy);
	CU_ASSERT_EQUAL(ledger_write(folder, NULL, NULL, policy, &ledger), 0);
	ledger_file(name, ledger.name);
	file = openat(folder, name, O_RDWR);
	for (uint64_t at = 0; at < ledger.size; at++) {
		CU_ASSERT_EQUAL(pread(file, &byte, 1, (off_t)at), 1);
		byte ^= 1;
		CU_ASSERT_EQUAL(pwrite(file, &byte, 1, (off_t)at), 1);
		CU_ASSERT_EQUAL(read_damaged(&ledger), -EBADMSG);
		byte ^= 1;
		CU_ASSERT_EQUAL(pwrite(file, &byte, 1, (off_t)at), 1);
	}
	for (uint64_t size = 1; size < ledger.size; size++) {
		other = (struct manifest_ledger){ledger.name, size, ledger.hash};
		CU_ASSERT_EQUAL(read_damaged(&other), -EBADMSG);
	}
	other = (struct manifest_ledger){ledger.name, ledger.size + 1, ledger.hash};
	CU_ASSERT_EQUAL(read_damaged(&other), -EBADMSG);
	other = (struct manifest_ledger){ledger.name + 1, ledger.size, ledger.hash};
	CU_ASSERT_EQUAL(read_damaged(&other), -ENOENT);
	CU_ASSERT_EQUAL(read_damaged(&ledger), 0);
	close(file);
	policy_free(policy);
}

int main(void)
{
	CU_TestInfo tests[] = {
		{"changes", test_changes},
		{"nothing", test_nothing},
		{"fewer sets", test_fewer_sets},
		{"out of proportion", test_out_of_proportion},
		{"long reasons", test_long_reasons},
		{"again", test_again},
		{"damage", test_damage},
		CU_TEST_INFO_NULL,
	};
	char command[64];
	int result;

	if (!mkdtemp(path) || (folder = open(path, O_RDONLY | O_DIRECTORY)) < 0)
		return EXIT_FAILURE;
	result = suite_run("ledger", tests);
	snprintf(command, sizeof command, "rm -r %s", path);
	return system(command) ? EXIT_FAILURE : result;
}
