/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The image: one policy, compiled. It consists of segments, each a header and a few flat
 * arrays, position-independent and named by the hash of its content, so that a new
 * generation rewrites only what changed. A manifest lists the segments of a generation.
 *
 * The daemon's compiler writes segments; the data plane, the twin and the offline verbs
 * read them, each on a copy of its own that nobody else can write. A reader trusts
 * nothing: image_open() checks magic, version, sizes, checksum and every index in every
 * array before it hands out a struct image, after which the packet path checks nothing.
 */
#pragma once

#include "bucket.h"
#include "range.h"
#include "reason.h"
#include "siphash.h"

#include <stddef.h>

enum {
	IMAGE_VERSION = 4,
	IMAGE_ALIGN = 64, /* of a segment in memory and of every array in it */
};
#define SEGMENT_MAGIC  UINT32_C(0x53434c53) /* "SLCS" */
#define MANIFEST_MAGIC UINT32_C(0x4d434c53) /* "SLCM" */

/* clang-format off */
/*        symbol      file name    arrays    what it holds */
#define SEGMENTS(X)                                                                      \
	X(RULES,    "rules",    RULES)    /* settings, rules with shares and limits */   \
	X(SERVICES, "services", SERVICES) /* who is meant, and which rule decides */     \
	X(GUARD,    "guard",    GUARD)    /* what no rule may touch */                   \
	X(SETS,     "sets",     SETS)     /* allowed and blocked prefixes, with expiry */ \
	X(SINGLES,  "singles",  SINGLES)  /* likewise single addresses */                \
	X(LATER,    "later",    SINGLES)  /* what has changed of them since */           \
	X(LATEST,   "latest",   SINGLES)  /* and since then: few, and soon replaced */   \
	X(ORIGINS,  "origins",  ORIGINS)  /* where a source is from */                   \
	X(DOCUMENT, "document", DOCUMENT) /* the policy but for its sets' entries */

enum segment_kind {
#define X(symbol, name, arrays) SEGMENT_##symbol,
	SEGMENTS(X)
#undef X
	SEGMENT_KINDS
};

/* The arrays of each kind of segment, in order: symbol, element type. */
#define RULES_ARRAYS(X)                              \
	X(RULES_SETTINGS, struct settings) /* one */ \
	X(RULES_RULES, struct rule)                  \
	X(RULES_NAMES, char)

#define SERVICES_ARRAYS(X)                                                                     \
	X(SERVICES_INDEX4, struct range_cell) /* destinations: value, a class */               \
	X(SERVICES_FIRST4, uint32_t)                                                           \
	X(SERVICES_VALUE4, uint32_t)                                                           \
	X(SERVICES_INDEX6, struct range_cell)                                                  \
	X(SERVICES_FIRST6, struct address)                                                     \
	X(SERVICES_VALUE6, uint32_t)                                                           \
	X(SERVICES_TCP, uint16_t)      /* [65536] port class of a TCP port */                  \
	X(SERVICES_UDP, uint16_t)      /* [65536] likewise UDP */                              \
	X(SERVICES_PROTOCOL, uint16_t) /* [256] of a protocol without ports */                 \
	X(SERVICES_FRAGMENT, uint16_t) /* [256] of a later fragment */                         \
	X(SERVICES_CLASSES, uint32_t)  /* one: how many port classes there are */              \
	X(SERVICES_CELLS, uint16_t)    /* [destination class][port class]: service, or none */ \
	X(SERVICES_CHOICE, uint16_t)   /* [service or none][origin]: rule, or none */          \
	X(SERVICES_SERVICES, struct service)                                                   \
	X(SERVICES_FALLBACKS, struct fallback)                                                 \
	X(SERVICES_NAMES, char)

#define GUARD_ARRAYS(X)                                                                   \
	X(GUARD_SOURCE_INDEX4, struct range_cell) /* source ranges; a value is 0 or 1 */  \
	X(GUARD_SOURCE_FIRST4, uint32_t)                                                  \
	X(GUARD_SOURCE_VALUE4, uint32_t)                                                  \
	X(GUARD_SOURCE_INDEX6, struct range_cell)                                         \
	X(GUARD_SOURCE_FIRST6, struct address)                                            \
	X(GUARD_SOURCE_VALUE6, uint32_t)                                                  \
	X(GUARD_DESTINATION_INDEX4, struct range_cell) /* destination ranges; likewise */ \
	X(GUARD_DESTINATION_FIRST4, uint32_t)                                             \
	X(GUARD_DESTINATION_VALUE4, uint32_t)                                             \
	X(GUARD_DESTINATION_INDEX6, struct range_cell)                                    \
	X(GUARD_DESTINATION_FIRST6, struct address)                                       \
	X(GUARD_DESTINATION_VALUE6, uint32_t)                                             \
	X(GUARD_TCP, uint64_t) /* [1024] a bit for each destination port, or empty */     \
	X(GUARD_UDP, uint64_t)

#define SETS_ARRAYS(X)                                                               \
	X(SETS_INDEX4, struct range_cell) /* sources: value, an entry or SET_NONE */ \
	X(SETS_FIRST4, uint32_t)                                                     \
	X(SETS_VALUE4, uint32_t)                                                     \
	X(SETS_INDEX6, struct range_cell)                                            \
	X(SETS_FIRST6, struct address)                                               \
	X(SETS_VALUE6, uint32_t)                                                     \
	X(SETS_ENTRIES, struct set_entry)                                            \
	X(SETS_EXPIRES, uint64_t) /* ns of the reader's clock; 0 is never; [0] is 0 */

#define SINGLES_ARRAYS(X)                                                      \
	X(SINGLES_SEED, uint64_t) /* one, the same in all layers: see below */ \
	X(SINGLES_EXACT4, struct exact4) /* lines, a power of two, or none */  \
	X(SINGLES_EXACT6, struct exact6)                                       \
	X(SINGLES_PAIRS, struct set_pair)                                      \
	X(SINGLES_EXPIRES, uint64_t) /* as SETS_EXPIRES */

#define ORIGINS_ARRAYS(X)                                                              \
	X(ORIGINS_INDEX4, struct range_cell) /* source ranges; a value is an origin */ \
	X(ORIGINS_FIRST4, uint32_t)                                                    \
	X(ORIGINS_VALUE4, uint32_t)                                                    \
	X(ORIGINS_INDEX6, struct range_cell)                                           \
	X(ORIGINS_FIRST6, struct address)                                              \
	X(ORIGINS_VALUE6, uint32_t)                                                    \
	X(ORIGINS_ORIGINS, struct origin) /* [0] is what no feed maps */

#define DOCUMENT_ARRAYS(X) X(DOCUMENT_TEXT, char)
/* clang-format on */

#define X(symbol, type) symbol,
enum { RULES_ARRAYS(X) RULES_ARRAY_COUNT };
enum { SERVICES_ARRAYS(X) SERVICES_ARRAY_COUNT };
enum { GUARD_ARRAYS(X) GUARD_ARRAY_COUNT };
enum { SETS_ARRAYS(X) SETS_ARRAY_COUNT };
enum { SINGLES_ARRAYS(X) SINGLES_ARRAY_COUNT };
enum { ORIGINS_ARRAYS(X) ORIGINS_ARRAY_COUNT };
enum { DOCUMENT_ARRAYS(X) DOCUMENT_ARRAY_COUNT };
#undef X

enum { SEGMENT_ARRAYS = 16 };

struct segment_array {
	uint64_t offset; /* bytes from the segment's start; a multiple of IMAGE_ALIGN */
	uint64_t count;  /* elements */
};

/* How every segment begins. */
struct segment_header {
	uint32_t magic, version;
	uint32_t kind; /* enum segment_kind */
	uint32_t arrays;
	uint64_t size; /* bytes of the whole segment */
	uint64_t hash; /* image_hash() of what follows this field: the segment's name */
	struct segment_array array[SEGMENT_ARRAYS];
	uint8_t pad[32];
};
_Static_assert(sizeof(struct segment_header) == 320, "a multiple of IMAGE_ALIGN");

enum { SEGMENT_HASHED_FROM = offsetof(struct segment_header, array) };

struct manifest_segment {
	uint64_t hash;
	uint64_t size; /* bytes */
};

/* Where the daemon finds the entries of the document's sets: control/daemon/ledger.h. */
struct manifest_ledger {
	uint64_t name; /* of its file */
	uint64_t size; /* bytes of it that count */
	uint64_t hash; /* of them */
};

/* One generation: the segments it consists of, by kind. */
struct manifest {
	uint32_t magic, version;
	uint64_t generation;
	uint64_t published_ns; /* CLOCK_REALTIME when it was published */
	struct manifest_segment segment[SEGMENT_KINDS];
	struct manifest_ledger ledger;
	uint64_t hash; /* image_hash() of all before */
};
_Static_assert(sizeof(struct manifest) == 200, "part of the image");

/* What holds for the whole policy. */
struct settings {
	uint8_t salt[16];
	uint8_t malformed; /* enum verdict, pass or drop */
	uint8_t other;     /* verdict for what is neither IP nor ARP: pass or drop */
	uint8_t unmatched; /* verdict when no rule matches: pass or drop */
	uint8_t pad[5];
	struct bucket_limit host;
};
_Static_assert(sizeof(struct settings) == 72, "part of the image");

enum rule_scope { SCOPE_ALL, SCOPE_NEW };

struct rule {
	uint64_t admit;    /* a key is admitted when its 32-bit hash is below: 0 to 2^32 */
	uint32_t id;       /* hash of the name, distinct within an image; knows its state */
	uint32_t name;     /* offset in RULES_NAMES of a NUL-terminated string */
	uint16_t slot;     /* 0 in the segment; the loader's: index into state and counters */
	uint8_t scope;     /* enum rule_scope */
	uint8_t otherwise; /* enum verdict of who is not admitted: drop or divert */
	uint16_t admit_bp; /* the percentage in hundredths, for people */
	uint8_t pad[2];
	struct bucket_limit source;
	struct bucket_limit total;
};
_Static_assert(sizeof(struct rule) == 120, "part of the image");

enum { NONE = 0xffff }; /* no service, rule, fallback */

struct service {
	uint32_t name;
	uint16_t fallback; /* index, or NONE */
	uint8_t pad[2];
};
_Static_assert(sizeof(struct service) == 8, "part of the image");

enum { FALLBACK_PORT = 1, FALLBACK_VLAN = 2 };

/* Where a diverted frame goes: its destination MAC, and VLAN and port where flags say. */
struct fallback {
	uint8_t mac[6];
	uint16_t vlan; /* 1 to 4094 */
	uint32_t name;
	uint8_t flags;
	uint8_t pad[3];
};
_Static_assert(sizeof(struct fallback) == 16, "part of the image");

enum {
	ORIGIN_UNMAPPED = 0,
	ORIGIN_NONE = 0xffff, /* nobody asked */
};

/*
 * The direct table: for each IPv4 /24 what most ask of it, so that a source which neither guard
 * nor sets hold takes one look. A cell is the origin of the whole /24 or DIRECT_SPLIT, and beside
 * it DIRECT_HELD where guard or sets hold some address of it.
 */
enum {
	DIRECT_SPLIT = 0x7fff,
	DIRECT_HELD = 0x8000,
	DIRECT_CELLS = 1 << 24,
	DIRECT_BYTES = DIRECT_CELLS * sizeof(uint16_t),
	DIRECT_RANGES = 4096,
	DIRECT_IN_VAIN =
		DIRECT_CELLS / 64, /* so many marked for what is held no more are too many */
};
_Static_assert((int)CAP_ORIGINS < (int)DIRECT_SPLIT, "an origin fits beside DIRECT_HELD");

struct origin {
	char country[2]; /* zero bytes where the feed names none */
	uint8_t mapped;  /* a feed knows it */
	uint8_t pad;
	uint32_t asn; /* only where a group tells it apart; else 0 */
};
_Static_assert(sizeof(struct origin) == 8, "part of the image");

/*
 * What sets say of a source: verdict and expiry in one word. Zero is an empty place in an
 * exact line.
 */
enum { SET_ALLOW = 1, SET_BLOCK = 2, SET_PAIR = 3 };
enum { SET_EXPIRY_BITS = 30 };
#define SET_NONE UINT32_C(0xffffffff)

static inline uint32_t set_word(uint32_t verdict, uint32_t expiry)
{
	return verdict << SET_EXPIRY_BITS | expiry;
}

static inline uint32_t set_verdict(uint32_t word)
{
	return word >> SET_EXPIRY_BITS;
}

static inline uint32_t set_expiry(uint32_t word)
{
	return word & ((UINT32_C(1) << SET_EXPIRY_BITS) - 1);
}

/* An entry reached by range, and the next to ask once this one has expired. */
struct set_entry {
	uint32_t word;
	uint32_t next; /* a higher index, or SET_NONE: chains end */
};
_Static_assert(sizeof(struct set_entry) == 8, "part of the image");

/* The word of an address that an earlier layer has, and no set any more. */
#define SET_GONE UINT32_C(1)

/* A word SET_PAIR has in the place of its expiry the index of two words: block and allow. */
struct set_pair {
	uint32_t block, allow;
};
_Static_assert(sizeof(struct set_pair) == 8, "part of the image");

enum { EXACT4_WAYS = 8, EXACT6_WAYS = 3 };

/* Lines of single addresses; a full line continues in the one after it, the last in the first. */
struct exact4 {
	uint32_t address[EXACT4_WAYS];
	uint32_t word[EXACT4_WAYS];
};
_Static_assert(sizeof(struct exact4) == 64, "one cache line");

struct exact6 {
	struct address address[EXACT6_WAYS];
	uint32_t word[EXACT6_WAYS];
	uint32_t pad;
};
_Static_assert(sizeof(struct exact6) == 64, "one cache line");

/*
 * One layer of single addresses. SEGMENT_SINGLES has them all; what changes goes to small
 * layers over it, so that one address more does not take ten million to be written again. The
 * latest layer that has an address is the one that counts.
 */
struct singles {
	const struct exact4 *exact4; /* one empty line where there is none */
	const struct exact6 *exact6;
	uint32_t mask4, mask6; /* lines less one */
	const struct set_pair *pairs;
	const uint64_t *expires;
};

enum { SINGLES_LAYERS = 3 }; /* latest, later and the rest */

/* A checked image: views into the reader's copy of the segments, which must outlive it. */
struct image {
	const struct settings *settings;
	struct rule *rules; /* the loader fills in their slots */
	const char *rule_names;

	struct range destination;
	const uint16_t *port_tcp, *port_udp, *port_protocol, *port_fragment;
	const uint16_t *cells, *choice;
	const struct service *services;
	const struct fallback *fallbacks;
	const char *service_names;

	struct range guard_source, guard_destination;
	const uint64_t *guard_tcp, *guard_udp; /* NULL: no port is guarded */

	struct singles singles[SINGLES_LAYERS];
	uint64_t singles_seed; /* where addresses hash to */
	struct range sets;
	const struct set_entry *set_entries;
	const uint64_t *set_expires;

	const uint16_t *direct4; /* of image_direct4(), if the reader had it made; or NULL */

	struct range origin;
	const struct origin *origins;

	const char *document; /* not NUL-terminated */
	size_t document_size;

	uint32_t rule_count, service_count, fallback_count, origin_count;
	uint32_t destination_classes, port_classes;
	bool limits_sources; /* some rule does */
	struct siphash_key salt;
};

#ifndef __bpf__ /* where bpf/tables.h has these */

static inline const struct settings *image_settings(const struct image *image)
{
	return image->settings;
}

static inline const struct rule *image_rule(const struct image *image, uint16_t rule)
{
	return &image->rules[rule];
}

#endif

/* What is wrong with a segment or manifest: which, and in words. Static strings. */
struct image_error {
	const char *segment; /* its kind's name, or "manifest" */
	const char *array;   /* the array's symbol, or "" */
	const char *message;
};

/* Content hash: SipHash-2-4 under an all-zero key. It names and detects; it does not authenticate.
 */
uint64_t image_hash(const void *data, size_t size);

/* The name of a segment kind, as in file names and messages. */
const char *segment_name(enum segment_kind kind);

/* The size in bytes of an element of array `array` of a `kind` segment. */
size_t segment_element(enum segment_kind kind, unsigned array);

/* How many arrays a `kind` segment has. */
unsigned segment_arrays(enum segment_kind kind);

/* Check `size` bytes that claim to be a manifest. 0, or -EBADMSG with *error set. */
int manifest_check(const struct manifest *manifest, size_t size, struct image_error *error);

/*
 * Check one segment against the manifest entry that named it: header, hash, array bounds
 * and every index that points inside the segment. `data` is IMAGE_ALIGN-aligned.
 * 0, or -EBADMSG with *error set.
 */
int segment_check(enum segment_kind kind, const void *data, const struct manifest_segment *expected,
		  struct image_error *error);

/*
 * Join SEGMENT_KINDS segments that segment_check() passed into *image, checking every
 * index that points from one into another. The segments stay the caller's, and must
 * outlive the image. 0, or -EBADMSG with *error set and *image untouched.
 */
int image_open(void *const segments[SEGMENT_KINDS], struct image *image, struct image_error *error);

/* Which array of a segment of this kind says when entries expire, or -1: none does. */
int segment_expiries(enum segment_kind kind);

/*
 * Move the expiries in a segment that segment_check() passed from nanoseconds of UTC to the
 * reader's clock: utc_minus_clock_ns is UTC now less the clock now. Once for each copy.
 */
void segment_rebase_expiry(enum segment_kind kind, void *segment, int64_t utc_minus_clock_ns);

/*
 * Make the direct table in DIRECT_BYTES of memory. It follows from the segments, so none has it: a
 * reader in a hurry makes it in memory of its own and sets image->direct4, which is worth it where
 * there are more than DIRECT_RANGES of IPv4 origins.
 */
void image_direct4(const struct image *image, uint16_t *direct4);

/*
 * Add what SEGMENT_GUARD, _SETS or a layer of singles of `image` holds to a table that was made
 * for another image with the same origins, and that others may be using. What that one held stays
 * marked: such a source costs the lookups, and is told nothing wrong.
 */
void image_direct4_add(const struct image *image, enum segment_kind kind, uint16_t *direct4);

/*
 * Whether what is decided by the image depends on the time at all: it has limits, or entries that
 * expire. `segments` are those that it was made of.
 */
bool image_timed(void *const segments[SEGMENT_KINDS], const struct image *image);

/* About how many cells guard and the prefixes of sets mark. */
uint32_t image_direct4_wide(const struct image *image);

/* Names for people; NULL for NONE. */
static inline const char *image_rule_name(const struct image *image, uint16_t rule)
{
	return rule == NONE ? NULL : image->rule_names + image->rules[rule].name;
}

static inline const char *image_service_name(const struct image *image, uint16_t service)
{
	return service == NONE ? NULL : image->service_names + image->services[service].name;
}
