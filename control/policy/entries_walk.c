/* SPDX-License-Identifier: BSD-3-Clause */
/* Going through a tree of entries, and through two at once. See entries.h. */
#include "policy/entries_node.h"

static bool is_expired(const struct entry_params *entry, uint64_t now_ns)
{
	return entry->expires_ns != 0 && entry->expires_ns <= now_ns;
}

static size_t node_expired(const struct entries_node *node, uint64_t now_ns)
{
	size_t expired = 0;

	for (unsigned i = 0; i < node->used; i++) {
		if (node->leaf)
			expired += is_expired(&node->entry[i], now_ns);
		else if (node->child[i].sum.earliest <= now_ns)
			expired += node_expired(node->child[i].node, now_ns);
	}
	return expired;
}

size_t entries_expired(const struct entries *entries, uint64_t now_ns)
{
	bool any = entries->root && entries->sum.earliest <= now_ns;

	return any ? node_expired(entries->root, now_ns) : 0;
}

/* Whether there can be any of the cursor's kind in what is described so. */
static bool may_hold(const struct entries_cursor *cursor, const struct entries_sum *sum)
{
	return cursor->kind == ENTRIES_WIDE      ? sum->wide > 0
	       : cursor->kind == ENTRIES_EXPIRED ? sum->earliest <= cursor->now_ns
						 : true;
}

static bool is_kind(const struct entries_cursor *cursor, const struct entry_params *entry)
{
	return cursor->kind == ENTRIES_WIDE      ? prefix_wide(&entry->prefix)
	       : cursor->kind == ENTRIES_EXPIRED ? is_expired(entry, cursor->now_ns)
						 : true;
}

static void push(struct entries_cursor *cursor, const struct entries_node *node)
{
	cursor->path[cursor->depth].node = node;
	cursor->path[cursor->depth++].at = 0;
}

/* Past what the cursor is at, whether that is an entry or all of a child. */
static void step(struct entries_cursor *cursor)
{
	while (cursor->depth > 0 &&
	       ++cursor->path[cursor->depth - 1].at == cursor->path[cursor->depth - 1].node->used)
		cursor->depth--;
}

static const struct entries_child *child_at(const struct entries_cursor *cursor)
{
	const struct entries_node *node = cursor->path[cursor->depth - 1].node;

	return node->leaf ? NULL : &node->child[cursor->path[cursor->depth - 1].at];
}

const struct entry_params *entries_at(const struct entries_cursor *cursor)
{
	if (cursor->depth == 0)
		return NULL;
	return &cursor->path[cursor->depth - 1].node->entry[cursor->path[cursor->depth - 1].at];
}

/* From where the cursor is to the first entry of its kind. */
static void settle(struct entries_cursor *cursor)
{
	while (cursor->depth > 0) {
		const struct entries_child *child = child_at(cursor);

		if (child && may_hold(cursor, &child->sum))
			push(cursor, child->node);
		else if (!child && is_kind(cursor, entries_at(cursor)))
			return;
		else
			step(cursor);
	}
}

static struct entries_cursor begin(const struct entries *entries)
{
	struct entries_cursor cursor = {.kind = ENTRIES_ALL};

	if (entries->root)
		push(&cursor, entries->root);
	return cursor;
}

struct entries_cursor entries_first(const struct entries *entries, enum entries_kind kind,
				    uint64_t now_ns)
{
	struct entries_cursor cursor = begin(entries);

	cursor.kind = kind;
	cursor.now_ns = now_ns;
	if (!may_hold(&cursor, &entries->sum))
		cursor.depth = 0;
	settle(&cursor);
	return cursor;
}

void entries_next(struct entries_cursor *cursor)
{
	step(cursor);
	settle(cursor);
}

static size_t child_live(const struct entries_child *child, uint64_t now_ns)
{
	size_t expired = child->sum.earliest <= now_ns ? node_expired(child->node, now_ns) : 0;

	return child->sum.count - expired;
}

struct entries_cursor entries_skip(const struct entries *entries, size_t skip, uint64_t now_ns)
{
	struct entries_cursor cursor = begin(entries);

	while (cursor.depth > 0) {
		const struct entries_child *child = child_at(&cursor);
		size_t live = child ? child_live(child, now_ns)
				    : !is_expired(entries_at(&cursor), now_ns);

		if (live > skip && !child)
			return cursor;
		if (live > skip) {
			push(&cursor, child->node);
			continue;
		}
		skip -= live;
		step(&cursor);
	}
	return cursor;
}

static const struct prefix *prefix_at(const struct entries_cursor *cursor)
{
	const struct entries_child *child = child_at(cursor);

	return child ? &child->first : &entries_at(cursor)->prefix;
}

/*
 * Two cursors of which one is at a child: go into the child that begins first, or has more,
 * unless both are at the same one. False: an entry of the other comes first.
 */
static bool descend(struct entries_cursor *a, struct entries_cursor *b)
{
	const struct entries_child *left = child_at(a), *right = child_at(b);
	int order = prefix_compare(prefix_at(a), prefix_at(b));

	if (left && right && left->node == right->node) {
		step(a);
		step(b);
	} else if (left &&
		   (!right || order < 0 || (order == 0 && left->sum.count >= right->sum.count))) {
		if (!right && order > 0)
			return false;
		push(a, left->node);
	} else {
		if (!left && order < 0)
			return false;
		push(b, right->node);
	}
	return true;
}

int entries_compare(const struct entries *before, const struct entries *after,
		    entries_differ *differ, void *context)
{
	struct entries_cursor a = begin(before), b = begin(after);
	int result = 0;

	if (before->root == after->root)
		return 0;
	while (result == 0 && (a.depth > 0 || b.depth > 0)) {
		int order = a.depth == 0 ? 1 : b.depth == 0 ? -1 : 0;
		const struct entry_params *old = NULL, *new = NULL;

		if (order == 0 && (child_at(&a) || child_at(&b)) && descend(&a, &b))
			continue;
		if (order != 0 && child_at(order > 0 ? &b : &a)) {
			push(order > 0 ? &b : &a, child_at(order > 0 ? &b : &a)->node);
			continue;
		}
		if (order == 0)
			order = prefix_compare(prefix_at(&a), prefix_at(&b));
		old = order <= 0 ? entries_at(&a) : NULL;
		new = order >= 0 ? entries_at(&b) : NULL;
		if (!old || !new || !entry_same(old, new))
			result = differ(context, old, new);
		if (old)
			step(&a);
		if (new)
			step(&b);
	}
	return result;
}
