/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Hostile ledgers. The input is one as it would be on disk, but for the batches' hashes, which
 * are put right: what is behind them is to be reached. It is refused with a reason, or a
 * document could say the same, and a ledger written of it does.
 */
#include "daemon/ledger.h"

#include "daemon/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SETS = 3 };

static void need(bool so)
{
	if (!so)
		abort();
}

/* How a batch begins: its records' bytes, and their hash keyed by that of the batch before. */
struct batch {
	uint64_t size, hash;
};

/* The hash of the last batch, all being right from here on. */
static uint64_t put_right(uint8_t *bytes, size_t size)
{
	struct batch batch = {0};

	for (size_t at = 0; size - at >= sizeof batch; at += sizeof batch + batch.size) {
		struct siphash_key key = {batch.hash, 0};

		memcpy(&batch, bytes + at, sizeof batch);
		if (batch.size > size - at - sizeof batch)
			break;
		batch.hash = siphash(key, bytes + at + sizeof batch, batch.size);
		memcpy(bytes + at, &batch, sizeof batch);
	}
	return batch.hash;
}

static struct policy *policy_new(void)
{
	struct policy *policy = policy_empty();

	need(policy != NULL);
	for (unsigned i = 0; i < SETS; i++)
		need(policy_add_set(policy, (char[]){(char)('a' + i), '\0'}, SET_BLOCK) == i);
	return policy;
}

static int differs(void *context, const struct entry_params *before,
		   const struct entry_params *after)
{
	(void)context;
	(void)before;
	(void)after;
	return 1;
}

static void check_same(const struct policy *one, const struct policy *other)
{
	for (unsigned i = 0; i < SETS; i++)
		need(entries_compare(&one->sets[i].entries, &other->sets[i].entries, differs,
				     NULL) == 0);
}

static void check_ledger(int folder, const struct policy *policy)
{
	struct policy *again = policy_new();
	char name[LEDGER_FILE_NAME];
	struct manifest_ledger ledger;
	const char *why;

	need(ledger_write(folder, NULL, NULL, policy, &ledger) == 0);
	need(ledger_read(folder, &ledger, again, &why) == 0);
	check_same(policy, again);
	policy_free(again);
	ledger_file(name, ledger.name);
	need(ledger.size == 0 || unlinkat(folder, name, 0) == 0);
}

static void check_document(const struct policy *policy)
{
	json_t *json = policy_print(policy, false);
	char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;
	struct policy *again;
	struct error error;

	need(text != NULL);
	need(policy_parse(text, strlen(text), 0, &again, &error) == 0);
	check_same(policy, again);
	policy_free(again);
	free(text);
	json_decref(json);
}

static void read_ledger(int folder, uint8_t *bytes, size_t size)
{
	struct manifest_ledger ledger = {.size = size, .hash = put_right(bytes, size)};
	struct policy *policy = policy_new();
	char name[LEDGER_FILE_NAME];
	const char *why = NULL;
	int result;

	ledger_file(name, ledger.name);
	need(file_create(folder, name, bytes, size, 0600) == 0);
	result = ledger_read(folder, &ledger, policy, &why);
	need(result == 0 || (result == -EBADMSG && why));
	if (result == 0) {
		check_ledger(folder, policy);
		check_document(policy);
	}
	policy_free(policy);
	need(unlinkat(folder, name, 0) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char path[] = "/dev/shm/fuzz_ledger.XXXXXX";
	uint8_t *bytes = malloc(size);
	int folder;

	if (!bytes)
		return 0;
	memcpy(bytes, data, size);
	need(mkdtemp(path) != NULL);
	folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	need(folder >= 0);
	read_ledger(folder, bytes, size);
	close(folder);
	need(rmdir(path) == 0);
	free(bytes);
	return 0;
}
