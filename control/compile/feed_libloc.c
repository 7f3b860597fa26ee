/* SPDX-License-Identifier: BSD-3-Clause */
/* libloc's database as a feed: every network, nested as they are. */
#include "compile/feeds.h"

#include "policy/text.h"
#include "wire.h"

#include <errno.h>
#include <libloc/database.h>
#include <stdio.h>
#include <string.h>

struct database {
	FILE *file;
	struct loc_ctx *context;
	struct loc_database *database;
	struct loc_database_enumerator *networks;
};

static void database_close(struct database *database)
{
	if (database->networks)
		loc_database_enumerator_unref(database->networks);
	if (database->database)
		loc_database_unref(database->database);
	if (database->context)
		loc_unref(database->context);
	if (database->file)
		fclose(database->file);
}

/* libloc logs to stderr; what it has to say comes back as a result, too. */
static void log_nothing(struct loc_ctx *context, int priority, const char *file, int line,
			const char *function, const char *format, va_list arguments)
{
	(void)context, (void)priority, (void)file, (void)line, (void)function;
	(void)format, (void)arguments;
}

static int database_open(const char *path, struct database *database, struct error *error)
{
	database->file = fopen(path, "re");
	if (!database->file && errno == ENOENT)
		return error_set(error, ERROR_DEGRADED, path,
				 "no such file; Debian's package libloc-database holds it");
	if (!database->file)
		return error_set(error, ERROR_DEGRADED, path, "%s", strerror(errno));
	if (loc_new(&database->context) != 0)
		return error_set(error, ERROR_DEGRADED, path, "libloc does not start");
	loc_set_log_fn(database->context, log_nothing);
	if (loc_database_new(database->context, &database->database, database->file) != 0)
		return error_set(error, ERROR_INVALID, path, "not a libloc database");
	if (loc_database_enumerator_new(&database->networks, database->database,
					LOC_DB_ENUMERATE_NETWORKS, 0) != 0)
		return error_set(error, ERROR_INVALID, path, "its networks cannot be listed");
	return 0;
}

/* IPv4 networks come as v4-mapped IPv6 addresses with an IPv4 prefix length. */
static bool network_prefix(struct loc_network *network, struct prefix *prefix)
{
	const uint8_t *bytes = loc_network_get_first_address(network)->s6_addr;
	unsigned length = loc_network_prefix(network);
	bool ip6 = loc_network_address_family(network) == AF_INET6;

	if (length > (ip6 ? 128 : 32))
		return false;
	*prefix = (struct prefix){
		.address = {ip6 ? wire_u64(bytes) : 0,
			    ip6 ? wire_u64(bytes + 8) : wire_u32(bytes + 12)},
		.ip6 = ip6,
		.length = (uint8_t)length,
	};
	return true;
}

static int add_network(struct loc_network *network, const char *path, struct feed_data *data,
		       struct error *error)
{
	const char *country = loc_network_get_country_code(network);
	struct feed_prefix prefix = {.asn = loc_network_get_asn(network)};

	if (!network_prefix(network, &prefix.prefix))
		return error_set(error, ERROR_INVALID, path, "a network is too long");
	if (country && text_is_country(country))
		memcpy(prefix.country, country, sizeof prefix.country);
	return feed_add(data, &prefix, path, error);
}

int feed_libloc(const char *path, struct feed_data *data, struct error *error)
{
	struct database database = {0};
	struct loc_network *network;
	int result = database_open(path, &database, error);

	while (result == 0) {
		network = NULL;
		if (loc_database_enumerator_next_network(database.networks, &network) != 0)
			result = error_set(error, ERROR_INVALID, path, "a network cannot be read");
		if (!network)
			break;
		result = add_network(network, path, data, error);
		loc_network_unref(network);
	}
	database_close(&database);
	return result;
}
