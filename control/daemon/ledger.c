/* SPDX-License-Identifier: BSD-3-Clause */
/* The ledger. See ledger.h. */
#include "daemon/ledger.h"

#include "daemon/file.h"
#include "policy/grow.h"
#include "policy/text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

/* How a batch begins; records follow. */
struct batch {
	uint64_t size; /* bytes of its records */
	uint64_t hash; /* of the records, keyed by the hash of the batch before, or zero */
};

/* What a set has of one prefix from here on. The reason follows, without a NUL. */
struct record {
	struct address address;
	uint64_t expires_ns; /* UTC; 0: never */
	uint16_t set;        /* its place among the policy's */
	uint8_t ip6, length; /* of the prefix */
	uint8_t gone;        /* 1: the set does not have it any more */
	uint8_t reason;      /* bytes; 0: none */
	uint8_t pad[2];
};
_Static_assert(sizeof(struct record) == 32, "part of the ledger");

enum {
	SPARE_BYTES = 1024 * 1024, /* that a ledger may always waste */
	RECORD_MOST = sizeof(struct record) + UINT8_MAX,
};

void ledger_file(char name[LEDGER_FILE_NAME], uint64_t ledger)
{
	snprintf(name, LEDGER_FILE_NAME, "ledger-%016llx", (unsigned long long)ledger);
}

/* A batch being put together. */
struct draft {
	uint16_t set;
	char *bytes;
	size_t size, capacity;
};

static int draft_add(struct draft *draft, const void *bytes, size_t size)
{
	char *grown = grow(draft->bytes, &draft->capacity, draft->size + size, 1);

	if (!grown)
		return -ENOMEM;
	draft->bytes = grown;
	memcpy(draft->bytes + draft->size, bytes, size);
	draft->size += size;
	return 0;
}

static int draft_record(void *context, const struct entry_params *before,
			const struct entry_params *after)
{
	struct draft *draft = context;
	const struct entry_params *entry = after ? after : before;
	const char *reason = after && after->reason ? after->reason : "";
	struct record record = {
		.address = entry->prefix.address,
		.expires_ns = after ? after->expires_ns : 0,
		.set = draft->set,
		.ip6 = entry->prefix.ip6,
		.length = entry->prefix.length,
		.gone = !after,
		.reason = (uint8_t)strlen(reason),
	};

	return draft_add(draft, &record, sizeof record) != 0 ||
			       draft_add(draft, reason, record.reason) != 0
		       ? -ENOMEM
		       : 0;
}

static const struct entries *entries_of(const struct policy *policy, size_t set)
{
	static const struct entries none;

	return policy && set < policy->set_count ? &policy->sets[set].entries : &none;
}

/* What differs; before NULL: everything. The batch is keyed by `hash`. 0 or -ENOMEM. */
static int draft_make(struct draft *draft, const struct policy *before, const struct policy *after,
		      uint64_t hash)
{
	size_t sets = after->set_count;
	struct batch batch = {0};
	int result = draft_add(draft, &batch, sizeof batch);

	if (before && before->set_count > sets)
		sets = before->set_count;
	for (size_t i = 0; result == 0 && i < sets; i++) {
		draft->set = (uint16_t)i;
		result = entries_compare(entries_of(before, i), entries_of(after, i), draft_record,
					 draft);
	}
	if (result != 0)
		return result;
	batch.size = draft->size - sizeof batch;
	batch.hash =
		siphash((struct siphash_key){hash, 0}, draft->bytes + sizeof batch, batch.size);
	memcpy(draft->bytes, &batch, sizeof batch);
	return 0;
}

static uint64_t draft_hash(const struct draft *draft)
{
	struct batch batch;

	memcpy(&batch, draft->bytes, sizeof batch);
	return batch.hash;
}

/*
 * A file's name is no earlier one's, whatever it holds: one that begins with the same entries
 * may have grown since, and a manifest on disk count on it.
 */
static int write_first(int folder, const struct policy *after, struct manifest_ledger *now)
{
	char name[LEDGER_FILE_NAME];
	struct draft draft = {0};
	uint64_t ledger;
	int result = getrandom(&ledger, sizeof ledger, 0) == sizeof ledger ? 0 : -EAGAIN;

	if (result == 0)
		result = draft_make(&draft, NULL, after, 0);
	if (result == 0) {
		ledger_file(name, ledger);
		result = file_create(folder, name, draft.bytes, draft.size, 0640);
	}
	if (result == 0)
		*now = (struct manifest_ledger){ledger, draft.size, draft_hash(&draft)};
	free(draft.bytes);
	return result;
}

static int write_next(int folder, const struct policy *before, const struct manifest_ledger *at,
		      const struct policy *after, struct manifest_ledger *now)
{
	char name[LEDGER_FILE_NAME];
	struct draft draft = {0};
	int result = draft_make(&draft, before, after, at->hash);

	ledger_file(name, at->name);
	*now = *at;
	if (result == 0 && draft.size > sizeof(struct batch)) {
		result = file_append(folder, name, at->size, draft.bytes, draft.size);
		if (result == 0)
			*now = (struct manifest_ledger){at->name, at->size + draft.size,
							draft_hash(&draft)};
	}
	free(draft.bytes);
	return result;
}

/* How much the first batch of a ledger takes; 0 if it cannot be read. */
static uint64_t first_size(int folder, const struct manifest_ledger *at)
{
	char name[LEDGER_FILE_NAME];
	struct batch batch = {0};
	uint8_t *bytes;
	size_t size;

	ledger_file(name, at->name);
	if (file_read(folder, name, sizeof batch, &bytes, &size) != 0)
		return 0;
	if (size >= sizeof batch)
		memcpy(&batch, bytes, sizeof batch);
	free(bytes);
	return batch.size;
}

/*
 * Whether a ledger wastes most of its bytes. What so many entries take depends on their
 * reasons: as much as the first batch did, but no more and no less than they can.
 */
static bool out_of_proportion(int folder, const struct manifest_ledger *at, uint64_t entries)
{
	uint64_t most = entries * RECORD_MOST, needed;

	if (at->size <= 4 * entries * sizeof(struct record) + SPARE_BYTES)
		return false;
	needed = first_size(folder, at);
	return at->size > 4 * (needed < most ? needed : most) + SPARE_BYTES;
}

int ledger_write(int folder, const struct policy *before, const struct manifest_ledger *at,
		 const struct policy *after, struct manifest_ledger *now)
{
	uint64_t entries = policy_entries(after);

	if (entries == 0) {
		*now = (struct manifest_ledger){0};
		return 0;
	}
	if (!before || at->size == 0 || out_of_proportion(folder, at, entries))
		return write_first(folder, after, now);
	return write_next(folder, before, at, after, now);
}

/* Whether a record, with its reason, can be of any policy. */
static bool record_is_good(const struct record *record, const char *reason)
{
	struct prefix prefix = {record->address, record->ip6, record->length};

	return record->set < CAP_SETS && record->ip6 <= 1 && record->gone <= 1 &&
	       record->length <= (record->ip6 ? 128 : 32) && prefix_is_whole(&prefix) &&
	       record->expires_ns <= TEXT_TIME_MOST && strlen(reason) == record->reason &&
	       (record->reason == 0 || text_is_reason(reason));
}

static int record_apply(const struct record *record, const char *reason, struct entries *sets)
{
	struct entry_params entry = {
		.prefix = {record->address, record->ip6, record->length},
		.expires_ns = record->expires_ns,
	};
	int result;

	if (record->gone)
		return entries_drop(&sets[record->set], &entry.prefix);
	if (record->reason) {
		entry.reason = reason_new(reason);
		if (!entry.reason)
			return -ENOMEM;
	}
	result = entries_put(&sets[record->set], &entry);
	if (result != 0)
		reason_unref(entry.reason);
	return result;
}

/* Take the `count` bytes of *into from the front of what is left. False: there are not so many. */
static bool take(const char **bytes, size_t *size, void *into, size_t count)
{
	if (*size < count)
		return false;
	memcpy(into, *bytes, count);
	*bytes += count;
	*size -= count;
	return true;
}

/* Apply a batch's records. 0, -ENOMEM or -EBADMSG. */
static int batch_apply(const char *bytes, size_t size, struct entries *sets)
{
	while (size > 0) {
		char reason[UINT8_MAX + 1];
		struct record record;
		int result;

		if (!take(&bytes, &size, &record, sizeof record) ||
		    !take(&bytes, &size, reason, record.reason))
			return -EBADMSG;
		reason[record.reason] = '\0';
		if (!record_is_good(&record, reason))
			return -EBADMSG;
		result = record_apply(&record, reason, sets);
		if (result != 0)
			return result;
	}
	return 0;
}

/* Apply all batches, which must end with the hash that the manifest has. */
static int batches_apply(const char *bytes, size_t size, uint64_t expected, struct entries *sets)
{
	uint64_t hash = 0;

	while (size > 0) {
		struct batch batch;
		int result;

		if (!take(&bytes, &size, &batch, sizeof batch) || batch.size > size ||
		    batch.hash != siphash((struct siphash_key){hash, 0}, bytes, batch.size))
			return -EBADMSG;
		result = batch_apply(bytes, batch.size, sets);
		if (result != 0)
			return result;
		hash = batch.hash;
		bytes += batch.size;
		size -= batch.size;
	}
	return hash == expected ? 0 : -EBADMSG;
}

/* Give the policy what its sets hold. -EBADMSG: there is some for sets that it has not. */
static int sets_fill(struct entries *sets, struct policy *policy)
{
	for (size_t i = 0; i < policy->set_count; i++) {
		policy->sets[i].entries = sets[i];
		sets[i] = (struct entries){0};
	}
	for (size_t i = policy->set_count; i < CAP_SETS; i++) {
		if (sets[i].root)
			return -EBADMSG;
	}
	return policy_entries(policy) <= CAP_SET_ENTRIES ? 0 : -EBADMSG;
}

static int read_file(int folder, const struct manifest_ledger *ledger, struct entries *sets)
{
	char name[LEDGER_FILE_NAME];
	uint8_t *bytes;
	size_t size;
	int result;

	ledger_file(name, ledger->name);
	result = file_read(folder, name, ledger->size, &bytes, &size);
	if (result != 0)
		return result;
	if (size < ledger->size)
		result = -EBADMSG;
	else
		result = batches_apply((const char *)bytes, ledger->size, ledger->hash, sets);
	free(bytes);
	return result;
}

int ledger_read(int folder, const struct manifest_ledger *ledger, struct policy *policy,
		const char **why)
{
	struct entries *sets;
	int result;

	if (ledger->size == 0)
		return 0;
	sets = calloc(CAP_SETS, sizeof *sets);
	result = sets ? read_file(folder, ledger, sets) : -ENOMEM;
	if (result == 0)
		result = sets_fill(sets, policy);
	for (size_t i = 0; sets && i < CAP_SETS; i++)
		entries_free(&sets[i]);
	free(sets);
	*why = result == -EBADMSG ? "is not what the manifest says" : strerror(-result);
	return result;
}
