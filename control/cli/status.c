/* SPDX-License-Identifier: BSD-3-Clause */
/* sluice status: what is enforced, what becomes of the traffic, and who bears the load. */
#include "client.h"
#include "counters.h"
#include "table.h"
#include "twin.h"

#include <stdio.h>
#include <string.h>

static struct count count_of(const json_t *object, const char *name)
{
	json_int_t packets = 0, bytes = 0;

	json_unpack(json_object_get(object, name), "{s:I, s:I}", "packets", &packets, "bytes",
		    &bytes);
	return (struct count){(uint64_t)packets, (uint64_t)bytes};
}

static void print_count(const char *label, const json_t *stats, const char *name)
{
	struct count count = count_of(stats, name);
	char packets[NUMBER_TEXT], bytes[NUMBER_TEXT];

	number_print(count.packets, packets);
	number_print(count.bytes, bytes);
	printf("%-11s %s packet%s, %s byte%s\n", label, packets, count.packets == 1 ? "" : "s",
	       bytes, count.bytes == 1 ? "" : "s");
}

static void print_dataplane(const json_t *dataplane)
{
	int running = 0;
	json_int_t generation = 0, workers = 0, pid = 0;
	const char *started = "";
	int from_disk = 0;

	json_unpack((json_t *)dataplane, "{s:b, s?I, s?I, s?I, s?s, s?b}", "running", &running,
		    "generation", &generation, "workers", &workers, "pid", &pid, "started",
		    &started, "from_disk", &from_disk);
	if (!running) {
		puts("data plane  not running");
		return;
	}
	printf("data plane  generation %" JSON_INTEGER_FORMAT ", %" JSON_INTEGER_FORMAT
	       " worker%s, pid %" JSON_INTEGER_FORMAT "\n",
	       generation, workers, workers == 1 ? "" : "s", pid);
	printf("            since %.19sZ%s\n", started,
	       from_disk ? ", started without the daemon" : "");
}

static void print_problem(const char *problem)
{
	bool coloured = table_coloured();

	printf("%sproblem:%s    %s\n", coloured ? "\033[1;31m" : "", coloured ? "\033[m" : "",
	       problem);
}

static void print_health(const json_t *health)
{
	json_t *problem;
	size_t i;

	printf("generation  %" JSON_INTEGER_FORMAT "\n",
	       json_integer_value(json_object_get(health, "generation")));
	print_dataplane(json_object_get(health, "dataplane"));
	print_twin(json_object_get(health, "twin"));
	json_array_foreach (json_object_get(health, "problems"), i, problem)
		print_problem(json_string_value(problem));
}

static void print_reasons(const json_t *stats)
{
	static const struct table_column columns[] = {{"REASON", TABLE_WORD},
						      {"PACKETS", TABLE_NUMBER},
						      {"PACKETS%", TABLE_NUMBER},
						      {"BYTES", TABLE_NUMBER},
						      {"BYTES%", TABLE_NUMBER}};
	struct libscols_table *table = table_new(columns, 5);
	struct count received = count_of(stats, "received");

	for (unsigned i = 0; table && i < REASON_COUNT; i++) {
		struct count count = count_of(json_object_get(stats, "reasons"), reason_word(i));
		char text[4][NUMBER_TEXT];

		number_print(count.packets, text[0]);
		share_print(count.packets, received.packets, text[1]);
		number_print(count.bytes, text[2]);
		share_print(count.bytes, received.bytes, text[3]);
		table_row(table, (const char *const[]){reason_word(i), text[0], text[1], text[2],
						       text[3]});
	}
	table_print(table);
}

/* What a rule's packets came to, and its row. */
static void add_rule(struct libscols_table *table, const json_t *rule)
{
	struct count count[OUTCOME_COUNT], all = {0, 0}, admitted;
	const char *name = "", *wanted = "";
	char text[7][NUMBER_TEXT];

	json_unpack((json_t *)rule, "{s:s, s:s}", "rule", &name, "admit", &wanted);
	for (unsigned i = 0; i < OUTCOME_COUNT; i++) {
		count[i] = count_of(rule, outcome_word(i));
		count_sum(&all, &count[i]);
	}
	admitted = count[OUTCOME_ADMITTED];
	number_print(all.packets, text[0]);
	share_print(admitted.packets, all.packets, text[1]);
	number_print(all.bytes, text[2]);
	share_print(admitted.bytes, all.bytes, text[3]);
	number_print(count[OUTCOME_SHED].packets, text[4]);
	number_print(count[OUTCOME_DIVERTED].packets, text[5]);
	number_print(count[OUTCOME_SOURCE_LIMIT].packets + count[OUTCOME_RULE_LIMIT].packets +
			     count[OUTCOME_HOST_LIMIT].packets,
		     text[6]);
	table_row(table, (const char *const[]){name, wanted, text[0], text[1], text[2], text[3],
					       text[4], text[5], text[6]});
}

static void print_rules(const json_t *stats)
{
	static const struct table_column columns[] = {
		{"RULE", TABLE_TEXT},      {"WANTED", TABLE_NUMBER},
		{"PACKETS", TABLE_NUMBER}, {"PACKETS-IN", TABLE_NUMBER},
		{"BYTES", TABLE_NUMBER},   {"BYTES-IN", TABLE_NUMBER},
		{"SHED", TABLE_NUMBER},    {"DIVERTED", TABLE_NUMBER},
		{"LIMITED", TABLE_NUMBER}};
	struct libscols_table *table;
	json_t *rules = json_object_get(stats, "rules"), *rule;
	size_t i;

	if (json_array_size(rules) == 0)
		return;
	putchar('\n');
	table = table_new(columns, 9);
	json_array_foreach (rules, i, rule) {
		if (table)
			add_rule(table, rule);
	}
	table_print(table);
}

/* A link's speed as people say it, or whether it is up where nobody knows. */
static void link_print(const json_t *link, char text[NUMBER_TEXT])
{
	json_int_t mbps = json_integer_value(json_object_get(link, "mbps"));

	if (!json_is_true(json_object_get(link, "up")))
		snprintf(text, NUMBER_TEXT, "down");
	else if (mbps == 0)
		snprintf(text, NUMBER_TEXT, "up");
	else if (mbps % 1000)
		snprintf(text, NUMBER_TEXT, "%" JSON_INTEGER_FORMAT "M", mbps);
	else
		snprintf(text, NUMBER_TEXT, "%" JSON_INTEGER_FORMAT "G", mbps / 1000);
}

static void add_port(struct libscols_table *table, const json_t *port)
{
	const char *name = "", *role = "", *spread = "";
	json_int_t queues = 0, missed = 0, no_buffer = 0, rx_errors = 0, tx_errors = 0;
	char text[6][NUMBER_TEXT];

	json_unpack((json_t *)port, "{s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I}", "port", &name,
		    "role", &role, "spread", &spread, "queues", &queues, "missed", &missed,
		    "no_buffer", &no_buffer, "rx_errors", &rx_errors, "tx_errors", &tx_errors);
	link_print(json_object_get(port, "link"), text[0]);
	number_print((uint64_t)queues, text[1]);
	number_print(count_of(port, "received").packets, text[2]);
	number_print(count_of(port, "sent").packets, text[3]);
	number_print((uint64_t)(missed + no_buffer), text[4]);
	number_print((uint64_t)(rx_errors + tx_errors), text[5]);
	table_row(table, (const char *const[]){name, role, text[0], text[1], spread, text[2],
					       text[3], text[4], text[5]});
}

static void print_ports(const json_t *stats)
{
	static const struct table_column columns[] = {
		{"PORT", TABLE_TEXT},     {"ROLE", TABLE_WORD},     {"LINK", TABLE_NUMBER},
		{"QUEUES", TABLE_NUMBER}, {"SPREAD", TABLE_WORD},   {"RECEIVED", TABLE_NUMBER},
		{"SENT", TABLE_NUMBER},   {"MISSED", TABLE_NUMBER}, {"ERRORS", TABLE_NUMBER}};
	struct libscols_table *table;
	json_t *ports = json_object_get(stats, "ports"), *port;
	size_t i;

	if (json_array_size(ports) == 0)
		return;
	putchar('\n');
	table = table_new(columns, 9);
	json_array_foreach (ports, i, port) {
		if (table)
			add_port(table, port);
	}
	table_print(table);
}

static void add_worker(struct libscols_table *table, const json_t *worker)
{
	json_int_t index = 0, generation = 0;
	const char *busy = "";
	double per_poll = 0;
	char text[5][NUMBER_TEXT];

	json_unpack((json_t *)worker, "{s:I, s:I, s:s, s:F}", "worker", &index, "generation",
		    &generation, "busy", &busy, "packets_per_poll", &per_poll);
	snprintf(text[0], NUMBER_TEXT, "%" JSON_INTEGER_FORMAT, index);
	snprintf(text[1], NUMBER_TEXT, "%" JSON_INTEGER_FORMAT, generation);
	snprintf(text[2], NUMBER_TEXT, "%.1f", per_poll);
	number_print(count_of(worker, "received").packets, text[3]);
	number_print(count_of(worker, "from_servers").packets, text[4]);
	table_row(table, (const char *const[]){text[0], text[1], busy, text[2], text[3], text[4]});
}

static void print_workers(const json_t *stats)
{
	static const struct table_column columns[] = {
		{"WORKER", TABLE_NUMBER},   {"GENERATION", TABLE_NUMBER},
		{"BUSY", TABLE_NUMBER},     {"PER-POLL", TABLE_NUMBER},
		{"RECEIVED", TABLE_NUMBER}, {"FROM-SERVERS", TABLE_NUMBER}};
	struct libscols_table *table;
	json_t *workers = json_object_get(stats, "per_worker"), *worker;
	size_t i;

	if (json_array_size(workers) == 0)
		return;
	putchar('\n');
	table = table_new(columns, 6);
	json_array_foreach (workers, i, worker) {
		if (table)
			add_worker(table, worker);
	}
	table_print(table);
}

static int print_status(json_t *health, json_t *stats)
{
	const json_t *twin = json_object_get(json_object_get(stats, "planes"), "twin");

	print_health(health);
	print_count("received", stats, "received");
	if (twin) {
		print_count("  by twin", twin, "received");
		print_count("handed on", twin, "handed");
	}
	print_count("sent", stats, "sent");
	print_count("unsent", stats, "unsent");
	print_count("returned", stats, "returned");
	putchar('\n');
	print_reasons(stats);
	print_rules(stats);
	print_ports(stats);
	print_workers(stats);
	json_decref(health);
	json_decref(stats);
	return finish_output();
}

int command_status(const struct cli *cli)
{
	struct error error;
	struct client *client = client_open(cli, &error);
	json_t *health = NULL, *stats = NULL;

	if (client)
		health = client_ask(client, "health", json_object(), &error);
	if (health)
		stats = client_ask(client, "stats.get", json_object(), &error);
	client_close(client);
	if (!stats) {
		json_decref(health);
		return refuse_error(NULL, &error);
	}
	if (cli->option[OPTION_JSON])
		return print_answer(json_pack("{s:o, s:o}", "health", health, "stats", stats));
	return print_status(health, stats);
}
