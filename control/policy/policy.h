/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The policy as a person wrote it: params, in document order, nothing compiled. Made by
 * policy_parse(), changed in place by the daemon's requests, turned into an image by
 * compile(). Lists are arrays with a count; all memory is the policy's own. Indices refer
 * to the policy's own arrays; NONE (core/image.h) is "not given".
 */
#pragma once

#include "policy/entries.h"
#include "policy/error.h"
#include "image.h"

#include <jansson.h>

/* Zero where not given. */
struct rate_params {
	uint64_t pps;
	uint64_t bps;
	uint64_t burst; /* packets where pps is given, else bytes; 0: the default */
};

struct prefix_list {
	struct prefix *prefixes;
	size_t count;
};

struct guard_port {
	uint8_t protocol; /* PROTO_TCP or PROTO_UDP */
	uint16_t port;
};

struct guard_params {
	struct prefix_list sources, destinations;
	struct guard_port *ports;
	size_t port_count;
};

struct set_params {
	char *name;
	uint8_t verdict; /* SET_ALLOW or SET_BLOCK */
	struct entries entries;
};

enum feed_type { FEED_LIBLOC, FEED_CSV };

struct feed_params {
	enum feed_type type;
	char *file; /* bare name; CSV only */
};

enum term_type { TERM_COUNTRY, TERM_ASN, TERM_PREFIX, TERM_GROUP, TERM_UNMAPPED, TERM_ANY };

struct term {
	enum term_type type;
	bool negative;
	char country[2];
	uint32_t asn;
	struct prefix prefix;
	uint16_t group; /* index into groups */
};

struct group_params {
	char *name;
	struct term *terms;
	size_t count;
};

struct service_params {
	char *name;
	struct prefix_list destinations; /* count 0: any */
	int protocol;                    /* -1: any */
	uint16_t *ports;                 /* port_count 0: any */
	size_t port_count;
	uint16_t fallback; /* index, or NONE */
};

struct fallback_params {
	char *name;
	uint8_t mac[6];
	uint16_t vlan; /* 0: not given */
	bool port;     /* out of the pair's fallback port */
};

struct rule_params {
	char *name;
	uint16_t service, origin; /* indices of service and group, or NONE */
	bool unmapped;            /* standing: unmapped */
	uint16_t admit_bp;        /* 0 to 10000 */
	uint8_t scope;            /* enum rule_scope */
	uint8_t otherwise;        /* VERDICT_DROP or VERDICT_DIVERT */
	struct rate_params source, total;
};

struct policy {
	char *name;
	bool has_salt;
	uint8_t salt[16];
	uint8_t malformed, link_other, unmatched; /* enum verdict; link: arp is DROP */
	struct guard_params guard;
	struct set_params *sets;
	size_t set_count;
	bool has_feeds; /* the document names them; else libloc alone */
	struct feed_params *feeds;
	size_t feed_count;
	struct group_params *groups;
	size_t group_count;
	struct service_params *services;
	size_t service_count;
	struct fallback_params *fallbacks;
	size_t fallback_count;
	struct rule_params *rules;
	size_t rule_count;
	struct rate_params host;
	uint64_t expired_ns; /* UTC: entries that expired before may have been dropped */
};

/*
 * Parse and check a document of `size` bytes (any JSON text). now_ns (UTC) is what `ttl`
 * counts from; 0: `ttl` is refused, as in a file. *policy is made anew, for
 * policy_free(). 0, or -1 with *error and *policy set to NULL.
 */
int policy_parse(const char *text, size_t size, uint64_t now_ns, struct policy **policy,
		 struct error *error);

/* The empty policy: everything passes, no feeds are read. NULL: no memory. */
struct policy *policy_empty(void);

/* A copy, for changing; it shares the sets' entries. NULL: no memory. */
struct policy *policy_copy(const struct policy *policy);

void policy_free(struct policy *policy);

/*
 * The document that parses to this policy again: canonical, everything that is not the
 * default, in document order. The salt only if asked. A new reference; NULL: no memory.
 */
json_t *policy_print(const struct policy *policy, bool with_salt);

/* The same with the salt and without the sets' entries. */
json_t *policy_print_frame(const struct policy *policy);

/* An index by name, or NONE. */
uint16_t policy_rule(const struct policy *policy, const char *name);
uint16_t policy_set(const struct policy *policy, const char *name);

/* Parts of the grammar that requests share. `path` names the place in errors. 0 or -1. */
int policy_parse_percentage(const char *text, const char *path, uint16_t *admit_bp,
			    struct error *error);
int policy_parse_limit(const json_t *limit, const char *path, struct rate_params *rate,
		       struct error *error);
int policy_parse_entry(const json_t *entry, const char *path, uint64_t now_ns,
		       struct entry_params *out, struct error *error);
void policy_print_percentage(uint16_t admit_bp, char text[8]);
json_t *policy_print_limit(const struct rate_params *rate);
json_t *policy_print_entry(const struct entry_params *entry);

/*
 * Add entries (replacing those of equal prefix, the last one given for it counting) or remove
 * prefixes. The reasons of `entries` become the set's. *changed counts entries that are new or
 * different, or gone. 0, or -ENOMEM with nothing changed or taken over.
 */
int set_params_add(struct set_params *set, struct entry_params *entries, size_t count,
		   size_t *changed);
int set_params_remove(struct set_params *set, const struct prefix *prefixes, size_t count,
		      size_t *changed);

/* Drop at most so many entries, of a set or of all, that have expired at now_ns (UTC). How many. */
size_t set_params_expire(struct set_params *set, uint64_t now_ns, size_t most);
size_t policy_expire(struct policy *policy, uint64_t now_ns, size_t most);

/* How many entries all sets have. */
size_t policy_entries(const struct policy *policy);

/* A new empty set at the end; its index, or NONE: no memory or past CAP_SETS. */
uint16_t policy_add_set(struct policy *policy, const char *name, uint8_t verdict);
