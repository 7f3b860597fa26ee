/* SPDX-License-Identifier: BSD-3-Clause */
/* Changing a tree of entries. See entries.h. */
#include "policy/entries_node.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct reason {
	unsigned references;
	char text[];
};

static struct reason *reason_of(char *text)
{
	return (struct reason *)(void *)(text - offsetof(struct reason, text));
}

char *reason_new(const char *text)
{
	size_t size = strlen(text) + 1;
	struct reason *reason = malloc(sizeof *reason + size);

	if (!reason)
		return NULL;
	reason->references = 1;
	return memcpy(reason->text, text, size);
}

char *reason_ref(char *reason)
{
	if (reason)
		reason_of(reason)->references++;
	return reason;
}

void reason_unref(char *reason)
{
	if (reason && --reason_of(reason)->references == 0)
		free(reason_of(reason));
}

bool entry_same(const struct entry_params *a, const struct entry_params *b)
{
	return a->expires_ns == b->expires_ns &&
	       (a->reason == b->reason ||
		(a->reason && b->reason && strcmp(a->reason, b->reason) == 0));
}

static void node_unref(struct entries_node *node)
{
	if (--node->references > 0)
		return;
	for (unsigned i = 0; i < node->used; i++) {
		if (node->leaf)
			reason_unref(node->entry[i].reason);
		else
			node_unref(node->child[i].node);
	}
	free(node);
}

struct entries entries_copy(const struct entries *entries)
{
	if (entries->root)
		entries->root->references++;
	return *entries;
}

void entries_free(struct entries *entries)
{
	if (entries->root)
		node_unref(entries->root);
	*entries = (struct entries){0};
}

static struct entries_node *node_new(bool leaf)
{
	struct entries_node *node = malloc(sizeof *node);

	if (node) {
		node->references = 1;
		node->used = 0;
		node->leaf = leaf;
	}
	return node;
}

/* Have the node at *slot to ourselves. 0 or -ENOMEM. */
static int node_own(struct entries_node **slot)
{
	struct entries_node *shared = *slot, *own;

	if (shared->references == 1)
		return 0;
	own = malloc(sizeof *own);
	if (!own)
		return -ENOMEM;
	memcpy(own, shared, sizeof *own);
	own->references = 1;
	for (unsigned i = 0; i < own->used; i++) {
		if (own->leaf)
			reason_ref(own->entry[i].reason);
		else
			own->child[i].node->references++;
	}
	shared->references--;
	*slot = own;
	return 0;
}

static const struct entries_sum nothing = {.earliest = UINT64_MAX};

static struct entries_sum sum_add(struct entries_sum a, struct entries_sum b)
{
	return (struct entries_sum){
		.count = a.count + b.count,
		.wide = a.wide + b.wide,
		.earliest = a.earliest < b.earliest ? a.earliest : b.earliest,
	};
}

static struct entries_sum entry_sum(const struct entry_params *entry)
{
	return (struct entries_sum){
		.count = 1,
		.wide = prefix_wide(&entry->prefix),
		.earliest = entry->expires_ns ? entry->expires_ns : UINT64_MAX,
	};
}

static struct entries_sum node_sum(const struct entries_node *node)
{
	struct entries_sum sum = nothing;

	for (unsigned i = 0; i < node->used; i++)
		sum = sum_add(sum, node->leaf ? entry_sum(&node->entry[i]) : node->child[i].sum);
	return sum;
}

static const struct prefix *node_first(const struct entries_node *node)
{
	return node->leaf ? &node->entry[0].prefix : &node->child[0].first;
}

static bool node_full(const struct entries_node *node)
{
	return node->used == (node->leaf ? LEAF_MOST : INNER_MOST);
}

unsigned leaf_place(const struct entries_node *node, const struct prefix *prefix)
{
	unsigned low = 0, high = node->used;

	while (low < high) {
		unsigned middle = (low + high) / 2;

		if (prefix_compare(&node->entry[middle].prefix, prefix) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

unsigned node_child(const struct entries_node *node, const struct prefix *prefix)
{
	unsigned low = 1, high = node->used;

	while (low < high) {
		unsigned middle = (low + high) / 2;

		if (prefix_compare(&node->child[middle].first, prefix) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low - 1;
}

static bool leaf_has(const struct entries_node *leaf, unsigned at, const struct prefix *prefix)
{
	return at < leaf->used && prefix_compare(&leaf->entry[at].prefix, prefix) == 0;
}

const struct entry_params *entries_find(const struct entries *entries, const struct prefix *prefix)
{
	const struct entries_node *node = entries->root;
	unsigned at;

	if (!node)
		return NULL;
	while (!node->leaf)
		node = node->child[node_child(node, prefix)].node;
	at = leaf_place(node, prefix);
	return leaf_has(node, at, prefix) ? &node->entry[at] : NULL;
}

/* Describe child `at` of a node after it has changed. */
static void child_renew(struct entries_node *node, unsigned at)
{
	struct entries_child *child = &node->child[at];

	child->first = *node_first(child->node);
	child->sum = node_sum(child->node);
}

/* Make room at place `at`, or close the gap there. */
static void node_shift(struct entries_node *node, unsigned at, int by)
{
	unsigned from = by > 0 ? at : at + 1, count = node->used - from;

	if (node->leaf)
		memmove(&node->entry[(int)from + by], &node->entry[from],
			count * sizeof node->entry[0]);
	else
		memmove(&node->child[(int)from + by], &node->child[from],
			count * sizeof node->child[0]);
	node->used = (unsigned)((int)node->used + by);
}

/* Append what `from` has from place `at` on. */
static void node_move(struct entries_node *to, struct entries_node *from, unsigned at)
{
	unsigned count = from->used - at;

	if (to->leaf)
		memcpy(&to->entry[to->used], &from->entry[at], count * sizeof to->entry[0]);
	else
		memcpy(&to->child[to->used], &from->child[at], count * sizeof to->child[0]);
	to->used += count;
	from->used = at;
}

/* Where to cut a full node: what comes in order leaves full nodes behind. */
static unsigned cut_of(const struct entries_node *node, const struct prefix *prefix)
{
	const struct prefix *last = node->leaf ? &node->entry[node->used - 1].prefix
					       : &node->child[node->used - 1].first;

	return prefix_compare(prefix, last) > 0 ? node->used - 1 : node->used / 2;
}

/* Cut child `at`, which is full, in two. The node has room. 0 or -ENOMEM. */
static int child_split(struct entries_node *node, unsigned at, const struct prefix *prefix)
{
	struct entries_node *right;

	if (node_own(&node->child[at].node) != 0)
		return -ENOMEM;
	right = node_new(node->child[at].node->leaf);
	if (!right)
		return -ENOMEM;
	node_move(right, node->child[at].node, cut_of(node->child[at].node, prefix));
	node_shift(node, at + 1, 1);
	node->child[at + 1].node = right;
	child_renew(node, at);
	child_renew(node, at + 1);
	return 0;
}

/* Into a leaf with room. True: it took another's place. */
static bool leaf_put(struct entries_node *leaf, const struct entry_params *entry)
{
	unsigned at = leaf_place(leaf, &entry->prefix);
	bool replaces = leaf_has(leaf, at, &entry->prefix);

	if (replaces)
		reason_unref(leaf->entry[at].reason);
	else
		node_shift(leaf, at, 1);
	leaf->entry[at] = *entry;
	return replaces;
}

/* Put below *slot, which is not full. */
static int node_put(struct entries_node **slot, const struct entry_params *entry, bool *replaces)
{
	struct entries_node *node;
	struct entries_child *child;
	unsigned at;

	if (node_own(slot) != 0)
		return -ENOMEM;
	node = *slot;
	if (node->leaf) {
		*replaces = leaf_put(node, entry);
		return 0;
	}
	at = node_child(node, &entry->prefix);
	if (node_full(node->child[at].node)) {
		if (child_split(node, at, &entry->prefix) != 0)
			return -ENOMEM;
		at = node_child(node, &entry->prefix);
	}
	child = &node->child[at];
	if (node_put(&child->node, entry, replaces) != 0)
		return -ENOMEM;
	child->first = *node_first(child->node);
	child->sum = *replaces ? node_sum(child->node) : sum_add(child->sum, entry_sum(entry));
	return 0;
}

/* A root over the one that is full. */
static int root_raise(struct entries *entries)
{
	struct entries_node *root = node_new(false);

	if (!root)
		return -ENOMEM;
	root->used = 1;
	root->child[0].node = entries->root;
	child_renew(root, 0);
	entries->root = root;
	return 0;
}

int entries_put(struct entries *entries, const struct entry_params *entry)
{
	bool replaces;

	if (!entries->root) {
		entries->root = node_new(true);
		entries->sum = nothing;
	}
	if (!entries->root || (node_full(entries->root) && root_raise(entries) != 0) ||
	    node_put(&entries->root, entry, &replaces) != 0)
		return -ENOMEM;
	entries->sum = replaces ? node_sum(entries->root) : sum_add(entries->sum, entry_sum(entry));
	return 0;
}

/* Give what little child `at + 1` has to child `at`, if both have little. */
static void child_merge(struct entries_node *node, unsigned at)
{
	struct entries_node *left = node->child[at].node;
	unsigned most = left->leaf ? LEAF_MOST : INNER_MOST;

	if (at + 1 >= node->used || left->used + node->child[at + 1].node->used > most / 2 ||
	    node_own(&node->child[at].node) != 0 || node_own(&node->child[at + 1].node) != 0)
		return;
	node_move(node->child[at].node, node->child[at + 1].node, 0);
	free(node->child[at + 1].node);
	node_shift(node, at + 1, -1);
	child_renew(node, at);
}

/* Drop what is below *slot. */
static int node_drop(struct entries_node **slot, const struct prefix *prefix)
{
	struct entries_node *node;
	unsigned at;

	if (node_own(slot) != 0)
		return -ENOMEM;
	node = *slot;
	if (node->leaf) {
		at = leaf_place(node, prefix);
		reason_unref(node->entry[at].reason);
		node_shift(node, at, -1);
		return 0;
	}
	at = node_child(node, prefix);
	if (node_drop(&node->child[at].node, prefix) != 0)
		return -ENOMEM;
	if (node->child[at].node->used == 0) {
		free(node->child[at].node);
		node_shift(node, at, -1);
		return 0;
	}
	child_renew(node, at);
	child_merge(node, at);
	return 0;
}

int entries_drop(struct entries *entries, const struct prefix *prefix)
{
	struct entries_node *root;

	if (!entries_find(entries, prefix))
		return 0;
	if (node_drop(&entries->root, prefix) != 0)
		return -ENOMEM;
	root = entries->root;
	if (root->used == 0) {
		entries_free(entries);
		return 0;
	}
	entries->sum = node_sum(root);
	if (!root->leaf && root->used == 1) {
		entries->root = root->child[0].node;
		free(root);
	}
	return 0;
}
