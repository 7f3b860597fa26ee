/* SPDX-License-Identifier: BSD-3-Clause */
/* explain and health. */
#include "daemon/methods.h"

#include "daemon/clock.h"
#include "daemon/load.h"
#include "explain/explain.h"
#include "policy/text.h"

#include <string.h>

/* A main thread that has not come round for so long stands still; one that loads, longer. */
static const uint64_t heartbeat_late_ns = UINT64_C(1000000000);
static const uint64_t loading_late_ns = UINT64_C(5000000000);

int explain_method(struct call *call)
{
	struct daemon *daemon = call->daemon;
	const struct edition *active = &daemon->publisher.active;
	json_int_t port = call_integer(call, "port", EXPLAIN_NO_PORT);
	struct packet packet;
	json_t *answer;

	if (json_object_get(call->params, "port") && (port < 0 || port > UINT16_MAX))
		return error_set(call->error, ERROR_INVALID, "port", "is not 0 to 65535");
	if (explain_packet(call_string(call, "source", ""), call_string(call, "destination", ""),
			   (int)port, call_string(call, "protocol", "tcp"), &packet, call->error))
		return -1;
	if (call_check_policy(call))
		return -1;
	if (active->generation == 0)
		return error_set(call->error, ERROR_DEGRADED, "", "no policy has been applied yet");
	/* Opened when first asked for: a change does not wait for this. */
	if (daemon->image_generation != active->generation) {
		if (compiled_image(&active->compiled, &daemon->image, call->error))
			return -1;
		daemon->image_generation = active->generation;
	}
	answer = explain(&daemon->image, &packet, call->now_ns);
	if (!answer)
		return call_no_memory(call);
	json_decref(call->answer);
	call->answer = answer;
	return 0;
}

static json_t *print_dataplane(const struct board_dataplane *dataplane)
{
	char started[TEXT_TIME];
	uint32_t from_disk;

	if (!dataplane)
		return json_pack("{sb}", "running", 0);
	text_print_time(dataplane->started_ns, started);
	from_disk = __atomic_load_n(&dataplane->from_disk, __ATOMIC_RELAXED);
	return json_pack("{sb, sI, sI, sI, sb, ss}", "running", 1, "pid",
			 (json_int_t)dataplane->pid, "workers",
			 (json_int_t)dataplane_workers(dataplane), "generation",
			 (json_int_t)dataplane_generation(dataplane), "from_disk", from_disk != 0,
			 "started", started);
}

static int add_problem(json_t *problems, const char *place, const char *message)
{
	return json_array_append_new(problems,
				     json_sprintf("%s%s%s", place, *place ? ": " : "", message));
}

/* That no data plane runs is as it should be where the twin is the whole filter. */
static int absence_problem(const struct twinning *twinning, json_t *problems)
{
	bool filters = twinning_filters(twinning);

	if (filters && twinning->options->mode == TWIN_ALONE)
		return 0;
	return add_problem(problems, "",
			   filters ? "no data plane is running: the twin decides"
				   : "no data plane is running: nothing is filtered");
}

/* A data plane whose sockets the twin does not know of, or that lets it wait. */
static int handing_problem(const struct twinning *twinning, json_t *problems)
{
	if (!twinning_filters(twinning) || twinning->options->mode == TWIN_ALONE ||
	    twinning_serving(twinning))
		return 0;
	return add_problem(problems, "", "the data plane takes no frames: the twin decides");
}

static int dataplane_problems(const struct publisher *publisher,
			      const struct board_dataplane *dataplane, json_t *problems)
{
	uint64_t generation = publisher->active.generation, now_ns = clock_ns(CLOCK_BOOTTIME);
	uint64_t late_ns = publisher_busy(publisher) ? loading_late_ns : heartbeat_late_ns;
	uint64_t heartbeat_ns, crossed;
	struct board_refusal refusal;
	int failed = 0;

	if (!dataplane)
		return absence_problem(publisher->twinning, problems);
	failed |= handing_problem(publisher->twinning, problems);
	heartbeat_ns = __atomic_load_n(&dataplane->heartbeat_ns, __ATOMIC_RELAXED);
	if (now_ns > heartbeat_ns + late_ns)
		failed |= add_problem(problems, "data plane", "its main thread stands still");
	crossed = dataplane_generation(dataplane);
	if (crossed == 0)
		failed |= add_problem(problems, "",
				      "the data plane has no image: every packet passes");
	if (dataplane_refused(dataplane, generation, &refusal))
		failed |= add_problem(problems, "data plane refuses the active generation",
				      refusal.message);
	else if (!publisher_busy(publisher) && crossed != 0 && crossed != generation)
		failed |= add_problem(problems, "data plane", "decides by another generation");
	return failed;
}

/* Of a data plane that runs; the file of one that died may still be there. */
static int vitals_problems(const struct boards *boards, json_t *problems)
{
	struct vitals_view view;
	int result = vitals_map(boards, &view);

	if (result)
		return add_problem(problems, BOARD_VITALS, strerror(-result));
	result = load_problems(&view, clock_ns(CLOCK_BOOTTIME), problems);
	vitals_unmap(&view);
	return result;
}

static int own_problems(struct daemon *daemon, json_t *problems)
{
	const struct publisher *publisher = &daemon->publisher;
	struct error faults[DAEMON_FAULTS];
	unsigned count = daemon_faults(daemon, faults);
	int failed = 0;

	for (unsigned i = 0; i < count; i++)
		failed |= add_problem(problems, faults[i].path, faults[i].message);
	if (publisher->unkept.code)
		failed |= json_array_append_new(
			problems, json_sprintf("the active generation is not on disk: %s: %s",
					       publisher->unkept.path, publisher->unkept.message));
	return failed;
}

int health_method(struct call *call)
{
	struct daemon *daemon = call->daemon;
	const struct publisher *publisher = &daemon->publisher;
	const struct board_dataplane *dataplane = boards_dataplane(&daemon->boards);
	json_t *problems = json_array();

	if (own_problems(daemon, problems) || twin_problems(&daemon->twinning, problems) ||
	    dataplane_problems(publisher, dataplane, problems) ||
	    (dataplane && vitals_problems(&daemon->boards, problems))) {
		json_decref(problems);
		return call_no_memory(call);
	}
	if (call_add(call, "ok", json_boolean(json_array_size(problems) == 0)) ||
	    call_add(call, "generation", json_integer((json_int_t)publisher->active.generation)) ||
	    call_add(call, "dataplane", print_dataplane(dataplane)) ||
	    call_add(call, "twin", twin_print(&daemon->twinning))) {
		json_decref(problems);
		return -1;
	}
	return call_add(call, "problems", problems);
}
