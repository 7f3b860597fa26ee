/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * libloc's database as a feed: every network, nested as they are. libloc itself can list
 * them, but prints each as text on the way, for a log that nobody reads, and takes a second
 * for a million; so its tree is walked here, in the layout that its header gives. The tests
 * ask libloc whether the outcome is the same.
 */
#include "compile/feeds.h"

#include "compile/memory.h"
#include "policy/text.h"
#include "wire.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#define LIBLOC_PRIVATE
#include <libloc/format.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	MOST_BYTES = 1 << 30, /* of a file: twenty times what there is today */
	HEADER_BYTES = sizeof(struct loc_database_magic) + sizeof(struct loc_database_header_v1),
	MAPPED_DEPTH = 96, /* where IPv4 begins in the tree: ::ffff:0:0/96 */
	DEEPEST = 128,
};

typedef struct loc_database_network_node_v1 tree_node;
typedef struct loc_database_network_v1 tree_network;

/* A copy of the file: whoever changes it meanwhile must not change what is read. */
struct database {
	const char *path;
	uint8_t *data;
	size_t size;
	const tree_node *nodes;
	const tree_network *networks;
	uint32_t node_count, network_count;
};

/* A node whose turn has not come yet. */
struct turn {
	unsigned __int128 address;
	uint32_t node;
	unsigned depth;
};

static int damaged(const struct database *database, struct error *error)
{
	return error_set(error, ERROR_INVALID, database->path, "not a whole libloc database");
}

static int open_failed(const char *path, struct error *error)
{
	if (errno == ENOENT)
		return error_set(error, ERROR_DEGRADED, path,
				 "no such file; Debian's package libloc-database holds it");
	return error_set(error, ERROR_DEGRADED, path, "%s", strerror(errno));
}

static int read_all(int file, struct database *database, struct error *error)
{
	for (size_t done = 0; done < database->size;) {
		ssize_t got = read(file, database->data + done, database->size - done);

		if (got < 0 && errno != EINTR)
			return error_set(error, ERROR_DEGRADED, database->path, "%s",
					 strerror(errno));
		if (got == 0)
			return damaged(database, error);
		done += got > 0 ? (size_t)got : 0;
	}
	return 0;
}

static int read_database(int file, struct database *database, struct error *error)
{
	struct stat status;
	void *data;

	if (fstat(file, &status) != 0 || !S_ISREG(status.st_mode) || status.st_size > MOST_BYTES ||
	    status.st_size < HEADER_BYTES)
		return damaged(database, error);
	database->size = (size_t)status.st_size;
	data = mmap(NULL, database->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		    0);
	if (data == MAP_FAILED)
		return no_memory(error);
	madvise(data, database->size, MADV_HUGEPAGE);
	database->data = data;
	return read_all(file, database, error);
}

/* Where `length` bytes at `offset` lie, both as in the file; NULL: not within it. */
static const void *part(const struct database *database, uint32_t offset, uint32_t length)
{
	uint64_t at = __builtin_bswap32(offset), bytes = __builtin_bswap32(length);

	return at + bytes <= database->size && at % 4 == 0 ? database->data + at : NULL;
}

static int find_parts(struct database *database, struct error *error)
{
	static const struct loc_database_magic magic = {LOC_DATABASE_MAGIC, LOC_DATABASE_VERSION_1};
	struct loc_database_header_v1 header;

	if (memcmp(database->data, &magic, sizeof magic) != 0)
		return error_set(error, ERROR_INVALID, database->path,
				 "not a libloc database of version %d", LOC_DATABASE_VERSION_1);
	memcpy(&header, database->data + sizeof magic, sizeof header);
	database->nodes = part(database, header.network_tree_offset, header.network_tree_length);
	database->networks = part(database, header.network_data_offset, header.network_data_length);
	if (!database->nodes || !database->networks)
		return damaged(database, error);
	database->node_count =
		__builtin_bswap32(header.network_tree_length) / sizeof *database->nodes;
	database->network_count =
		__builtin_bswap32(header.network_data_length) / sizeof *database->networks;
	return 0;
}

/* IPv4 networks are those of v4-mapped addresses. */
static struct prefix turn_prefix(const struct turn *turn)
{
	bool ip6 = turn->depth < MAPPED_DEPTH || turn->address >> 32 != 0xffff;

	return (struct prefix){
		.address = {ip6 ? (uint64_t)(turn->address >> 64) : 0,
			    ip6 ? (uint64_t)turn->address : (uint32_t)turn->address},
		.ip6 = ip6,
		.length = (uint8_t)(ip6 ? turn->depth : turn->depth - MAPPED_DEPTH),
	};
}

static int add_network(const struct database *database, const struct turn *turn, uint32_t index,
		       struct feed_data *data, struct error *error)
{
	struct feed_prefix prefix = {.prefix = turn_prefix(turn)};
	const tree_network *network;

	if (index >= database->network_count)
		return damaged(database, error);
	network = &database->networks[index];
	prefix.asn = __builtin_bswap32(network->asn);
	if (text_is_country_code(network->country_code))
		memcpy(prefix.country, network->country_code, sizeof prefix.country);
	return feed_add(data, &prefix, database->path, error);
}

/* Put a child's turn on the stack, if there is that child. False: no tree has such a one. */
static bool push(const struct database *database, const struct turn *turn, uint32_t child,
		 unsigned __int128 bit, struct turn **top)
{
	if (child == 0)
		return true;
	child = __builtin_bswap32(child);
	if (child >= database->node_count || turn->depth == DEEPEST)
		return false;
	*(*top)++ = (struct turn){
		.address = turn->address | bit << (DEEPEST - 1 - turn->depth),
		.node = child,
		.depth = turn->depth + 1,
	};
	return true;
}

/*
 * Walk the tree from the root, zeros before ones, so that networks come in the order of their
 * addresses. A tree has no more nodes on its way than in all.
 */
static int walk(const struct database *database, struct feed_data *data, struct error *error)
{
	struct turn stack[DEEPEST + 2] = {{0}}, *top = stack + (database->node_count > 0);

	for (uint32_t taken = 0; top > stack; taken++) {
		struct turn turn = *--top;
		const tree_node *node = &database->nodes[turn.node];

		if (taken == database->node_count)
			return damaged(database, error);
		if (node->network != UINT32_MAX &&
		    add_network(database, &turn, __builtin_bswap32(node->network), data, error))
			return -1;
		if (!push(database, &turn, node->one, 1, &top) ||
		    !push(database, &turn, node->zero, 0, &top))
			return damaged(database, error);
	}
	return 0;
}

int feed_libloc(const char *path, struct feed_data *data, struct error *error)
{
	struct database database = {.path = path};
	int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	int result;

	if (file < 0)
		return open_failed(path, error);
	result = read_database(file, &database, error);
	close(file);
	if (result == 0)
		result = find_parts(&database, error);
	if (result == 0)
		result = walk(&database, data, error);
	if (database.data)
		munmap(database.data, database.size);
	return result;
}
