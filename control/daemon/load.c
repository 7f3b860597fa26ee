/* SPDX-License-Identifier: BSD-3-Clause */
/* See load.h. */
#include "daemon/load.h"

#include "policy/policy.h"

#include <inttypes.h>

static const uint64_t dropped_lately_ns = UINT64_C(10000000000);
static const uint64_t saturated_long_ns = UINT64_C(3000000000);

static json_int_t number(const uint64_t *word)
{
	return (json_int_t)__atomic_load_n(word, __ATOMIC_RELAXED);
}

json_t *load_print_count(const struct count *count)
{
	return json_pack("{sI, sI}", "packets", number(&count->packets), "bytes",
			 number(&count->bytes));
}

/* The file is the data plane's, but an index from it is checked all the same. */
static const char *role_word(const struct vitals_port *port)
{
	return port_role_word(port->role < PORT_ROLES ? port->role : PORT_EDGE);
}

static const char *spread_word(const struct vitals_port *port)
{
	return port_spread_word(port->spread < SPREAD_COUNT ? port->spread : SPREAD_UNKNOWN);
}

static json_t *print_name(const struct vitals_port *port)
{
	return json_sprintf("%.*s", VITALS_PORT_NAME - 1, port->name);
}

static json_t *print_link(const struct vitals_port *port)
{
	uint32_t mbps = __atomic_load_n(&port->speed_mbps, __ATOMIC_RELAXED);

	return json_pack("{sb, so}", "up", mbps != VITALS_DOWN, "mbps",
			 mbps == VITALS_SPEED_UNKNOWN || mbps == VITALS_DOWN ? json_null()
									     : json_integer(mbps));
}

static json_t *print_queues(const struct vitals_port *port)
{
	json_t *queues = json_array();
	uint32_t count = port->counted_queues < VITALS_QUEUES ? port->counted_queues
							      : (uint32_t)VITALS_QUEUES;

	for (uint32_t i = 0; i < count; i++) {
		const struct vitals_queue *queue = &port->queue[i];

		if (json_array_append_new(queues, json_pack("{so, sI}", "received",
							    load_print_count(&queue->received),
							    "missed", number(&queue->missed)))) {
			json_decref(queues);
			return NULL;
		}
	}
	return queues;
}

static json_t *print_port(const struct vitals_port *port)
{
	return json_pack("{so, sI, ss, so, sI, ss, so, so, sI, sI, sI, sI, so}", "port",
			 print_name(port), "pair", (json_int_t)port->pair, "role", role_word(port),
			 "link", print_link(port), "queues", (json_int_t)port->rx_queues, "spread",
			 spread_word(port), "received", load_print_count(&port->received), "sent",
			 load_print_count(&port->sent), "missed", number(&port->missed),
			 "no_buffer", number(&port->no_buffer), "rx_errors",
			 number(&port->rx_errors), "tx_errors", number(&port->tx_errors),
			 "per_queue", print_queues(port));
}

json_t *load_print_ports(const struct vitals_view *view)
{
	json_t *ports = json_array();

	for (uint32_t i = 0; i < view->ports; i++) {
		if (json_array_append_new(ports, print_port(&view->vitals->port[i]))) {
			json_decref(ports);
			return NULL;
		}
	}
	return ports;
}

static void print_share(const uint32_t *share_bp, char text[8])
{
	uint32_t bp = __atomic_load_n(share_bp, __ATOMIC_RELAXED);

	policy_print_percentage((uint16_t)(bp < 10000 ? bp : 10000), text);
}

static json_t *print_worker(uint32_t index, const struct vitals_worker *vitals,
			    const struct worker_counters *counters,
			    const struct board_worker *board)
{
	struct count returned = {0};
	char busy[8];

	count_sum(&returned, &counters->returned);
	count_sum(&returned, &counters->unreturned);
	print_share(&vitals->busy_bp, busy);
	return json_pack("{sI, sI, so, so, ss, sf}", "worker", (json_int_t)index, "generation",
			 number(&board->generation), "received",
			 load_print_count(&counters->received), "from_servers",
			 load_print_count(&returned), "busy", busy, "packets_per_poll",
			 __atomic_load_n(&vitals->burst_x100, __ATOMIC_RELAXED) / 100.0);
}

json_t *load_print_workers(const struct vitals_view *view, const struct counters_view *counters,
			   const struct board_dataplane *dataplane)
{
	json_t *workers = json_array();

	for (uint32_t i = 0; i < view->workers && i < counters->workers; i++) {
		json_t *worker =
			print_worker(i, &view->vitals->worker[i], &counters->counters->worker[i],
				     &dataplane->worker[i]);

		if (json_array_append_new(workers, worker)) {
			json_decref(workers);
			return NULL;
		}
	}
	return workers;
}

static int port_problems(const struct vitals_port *port, uint64_t now_ns, json_t *problems)
{
	uint64_t dropped_ns = __atomic_load_n(&port->dropped_ns, __ATOMIC_RELAXED);
	int failed = 0;

	if (__atomic_load_n(&port->speed_mbps, __ATOMIC_RELAXED) == VITALS_DOWN)
		failed |= json_array_append_new(problems,
						json_sprintf("port %.*s: its link is down",
							     VITALS_PORT_NAME - 1, port->name));
	if (dropped_ns && now_ns < dropped_ns + dropped_lately_ns)
		failed |= json_array_append_new(
			problems,
			json_sprintf("port %.*s: drops frames before any worker sees them, "
				     "%" JSON_INTEGER_FORMAT " so far: %s",
				     VITALS_PORT_NAME - 1, port->name,
				     number(&port->missed) + number(&port->no_buffer),
				     port->no_buffer ? "it ran out of buffers"
						     : "its receive queues were full"));
	return failed;
}

static int worker_problems(uint32_t index, const struct vitals_worker *worker, uint64_t now_ns,
			   json_t *problems)
{
	uint64_t since_ns = __atomic_load_n(&worker->saturated_ns, __ATOMIC_RELAXED);
	char busy[8];

	if (since_ns == 0 || now_ns < since_ns + saturated_long_ns)
		return 0;
	print_share(&worker->busy_bp, busy);
	return json_array_append_new(
		problems, json_sprintf("worker %u: is saturated, %s busy for %" PRIu64
				       " s: more workers are needed",
				       index, busy, (now_ns - since_ns) / UINT64_C(1000000000)));
}

int load_problems(const struct vitals_view *view, uint64_t now_ns, json_t *problems)
{
	int failed = 0;

	for (uint32_t i = 0; i < view->ports; i++)
		failed |= port_problems(&view->vitals->port[i], now_ns, problems);
	for (uint32_t i = 0; i < view->workers; i++)
		failed |= worker_problems(i, &view->vitals->worker[i], now_ns, problems);
	return failed;
}
