/* SPDX-License-Identifier: BSD-3-Clause */
/* Attaching the program to interfaces, and how that stands. See load.h. */
#include "clock.h"
#include "hook.h"
#include "loaded.h"
#include "pins.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Note what is wrong with an interface. */
__attribute__((format(printf, 3, 4))) static int problem(struct attached *attached, int code,
							 const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(attached->problem, sizeof attached->problem, format, arguments);
	va_end(arguments);
	return code;
}

/* What the program for an interface is to know. All of its pair must be there. */
static int plan(const struct twin *twin, struct attached *attached, struct twin_port *port)
{
	const struct twin_pair *pair = &twin->options.pair[attached->pair];

	*port = (struct twin_port){.mode = twin->options.mode, .role = attached->role};
	for (unsigned role = 0; role < PORT_ROLES; role++) {
		if (!pair->name[role][0])
			continue;
		port->interface[role] = if_nametoindex(pair->name[role]);
		if (!port->interface[role])
			return problem(attached, -ENODEV, "there is no interface %s",
				       pair->name[role]);
	}
	return 0;
}

/* Have all maps but the interface's own be those that all programs share. */
static int share_maps(const struct twin *twin, struct twin_bpf *bpf)
{
	struct bpf_map *map;
	int result = 0;

	bpf_object__for_each_map(map, twin->bpf->obj)
	{
		struct bpf_map *own = bpf_object__find_map_by_name(bpf->obj, bpf_map__name(map));

		if (result == 0 && !bpf_map__is_internal(map) && bpf_map__fd(map) >= 0)
			result = bpf_map__reuse_fd(own, bpf_map__fd(map));
	}
	return result;
}

static int load_for(const struct twin *twin, struct attached *attached,
		    const struct twin_port *port, bool keeps_sockets)
{
	int sockets = keeps_sockets ? pins_get(twin->options.pins, "xsks", attached->name) : -1;
	struct twin_bpf *bpf = twin_bpf__open();
	int result = bpf ? share_maps(twin, bpf) : -errno;

	if (result == 0 && sockets >= 0)
		result = bpf_map__reuse_fd(bpf->maps.xsks_map, sockets);
	if (result == 0) {
		memcpy((void *)&bpf->rodata->port, port, sizeof *port);
		bpf_program__set_autoload(bpf->progs.sluice_ask, false);
		result = twin_bpf__load(bpf);
	}
	if (sockets >= 0)
		close(sockets);
	if (result != 0) {
		twin_bpf__destroy(bpf);
		return problem(attached, result, "the kernel refuses the twin's program: %s",
			       strerror(-result));
	}
	twin_bpf__destroy(attached->bpf);
	attached->bpf = bpf;
	attached->port = *port;
	return 0;
}

static int pin_new(const struct twin *twin, struct attached *attached)
{
	const char *pins = twin->options.pins;
	int result =
		pins_put(pins, "xsks", attached->name, bpf_map__fd(attached->bpf->maps.xsks_map));

	if (result == 0)
		result = pins_put(pins, "link", attached->name, attached->link);
	if (result == 0)
		return 0;
	pins_remove(pins, "xsks", attached->name);
	close(attached->link);
	attached->link = -1;
	return problem(attached, result, "cannot be pinned: %s", strerror(-result));
}

/* Attach to an interface where nothing of the twin's is. */
static int attach_new(const struct twin *twin, struct attached *attached,
		      const struct twin_port *port)
{
	unsigned interface = port->interface[attached->role];
	int result = hook_foreign(interface, attached->problem, sizeof attached->problem);

	if (result == 0)
		result = load_for(twin, attached, port, false);
	if (result != 0)
		return result;
	attached->link = hook_make(bpf_program__fd(attached->bpf->progs.xsk_def_prog), interface);
	if (attached->link < 0)
		return problem(attached, attached->link, "the program cannot be attached: %s",
			       strerror(-attached->link));
	return pin_new(twin, attached);
}

/* Put the program into the place of the one that is attached. */
static int replace(const struct twin *twin, struct attached *attached, const struct twin_port *port)
{
	int result = load_for(twin, attached, port, true);

	if (result != 0)
		return result;
	result = bpf_link_update(attached->link, bpf_program__fd(attached->bpf->progs.xsk_def_prog),
				 NULL);
	if (result == 0)
		result = pins_put(twin->options.pins, "xsks", attached->name,
				  bpf_map__fd(attached->bpf->maps.xsks_map));
	if (result == 0)
		return 0;
	/* Lest it be taken for the one that is attached when this is tried again. */
	twin_bpf__destroy(attached->bpf);
	attached->bpf = NULL;
	return problem(attached, result, "the program cannot be replaced: %s", strerror(-result));
}

/* The link that is pinned for the interface, if it is still on it; else there is none. */
static void find_link(const struct twin *twin, struct attached *attached)
{
	unsigned interface = if_nametoindex(attached->name);

	if (attached->link < 0)
		attached->link = pins_get(twin->options.pins, "link", attached->name);
	if (attached->link >= 0 && !hook_is_on(attached->link, interface)) {
		close(attached->link);
		attached->link = -1;
	}
}

static int attach_one(const struct twin *twin, struct attached *attached)
{
	struct twin_port port;
	int result;

	attached->problem[0] = '\0';
	result = plan(twin, attached, &port);
	if (result != 0)
		return result;
	find_link(twin, attached);
	if (attached->link < 0)
		result = attach_new(twin, attached, &port);
	else if (!attached->bpf || memcmp(&port, &attached->port, sizeof port) != 0)
		result = replace(twin, attached, &port);
	if (result == 0)
		hook_offloads(attached->name, attached->problem, sizeof attached->problem);
	return result;
}

struct removal {
	const char *pins;
	const struct twin *keeps; /* NULL: none */
};

static int remove_link(const char *interface, void *argument)
{
	const struct removal *removal = argument;
	int link, result = 0;

	for (unsigned i = 0; removal->keeps && i < removal->keeps->attached_count; i++) {
		if (strcmp(removal->keeps->attached[i].name, interface) == 0)
			return 0;
	}
	link = pins_get(removal->pins, "link", interface);
	if (link >= 0) {
		result = hook_end(link);
		close(link);
	}
	if (result == 0)
		result = pins_remove(removal->pins, "link", interface);
	if (result == 0)
		result = pins_remove(removal->pins, "xsks", interface);
	return result;
}

int twin_attach(struct twin *twin, struct twin_error *error)
{
	struct removal others = {twin->options.pins, twin};
	int failed = 0, result;

	if (!twin->options.pins)
		return twin_fail(error, -EINVAL, "without a folder for pins nothing is attached");
	if (twin->generations.active->root == TWIN_NO_ROOT)
		return twin_fail(error, -EAGAIN, "the twin has no policy yet");
	for (unsigned i = 0; i < twin->attached_count; i++) {
		struct attached *attached = &twin->attached[i];

		result = attach_one(twin, attached);
		if (result == 0 || failed)
			continue;
		failed = result;
		snprintf(error->message, sizeof error->message, "%s: %s", attached->name,
			 attached->problem);
	}
	result = pins_each(twin->options.pins, "link", remove_link, &others);
	if (failed || result == 0)
		return failed;
	return twin_fail(error, result, "a link that is no longer wanted stays");
}

/* How many sockets the interface's map has. */
static unsigned count_sockets(const struct attached *attached)
{
	const uint8_t frame[64] = {0};
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = frame, .data_size_in = sizeof frame);

	if (!attached->bpf ||
	    bpf_prog_test_run_opts(bpf_program__fd(attached->bpf->progs.sluice_sockets), &run))
		return 0;
	return run.retval;
}

unsigned twin_interfaces(struct twin *twin, struct twin_interface out[TWIN_INTERFACES])
{
	for (unsigned i = 0; i < twin->attached_count; i++) {
		struct attached *attached = &twin->attached[i];
		struct twin_interface *interface = &out[i];

		*interface = (struct twin_interface){.role = attached->role};
		memcpy(interface->name, attached->name, sizeof interface->name);
		memcpy(interface->problem, attached->problem, sizeof interface->problem);
		if (twin->options.pins)
			find_link(twin, attached);
		interface->attached = attached->link >= 0;
		if (interface->attached) {
			interface->native = hook_is_native(if_nametoindex(attached->name));
			interface->sockets = count_sockets(attached);
		} else if (!interface->problem[0]) {
			snprintf(interface->problem, sizeof interface->problem, "%s",
				 attached->bpf ? "it is gone" : "not attached yet");
		}
	}
	return twin->attached_count;
}

bool twin_serving(struct twin *twin)
{
	bool serving = clock_coarse_ns() < WORD_LOAD(&twin->join.state->serving_until_ns);
	unsigned sockets = 0;

	for (unsigned i = 0; serving && i < twin->attached_count; i++) {
		if (twin->attached[i].role == PORT_EDGE && twin->attached[i].link >= 0)
			sockets += count_sockets(&twin->attached[i]);
	}
	return sockets > 0;
}

void attach_close(struct twin *twin)
{
	for (unsigned i = 0; i < twin->attached_count; i++) {
		twin_bpf__destroy(twin->attached[i].bpf);
		if (twin->attached[i].link >= 0)
			close(twin->attached[i].link);
	}
}

int twin_detach(const char *pins, struct twin_error *error)
{
	static const char *const maps[] = {"counters", "slot_rules"};
	struct removal all = {pins, NULL};
	int result = pins_each(pins, "link", remove_link, &all);

	if (result == -ENOENT)
		return 0;
	for (unsigned part = 0; part < JOIN_PARTS && result == 0; part++)
		result = pins_remove(pins, join_part_name(part), NULL);
	for (unsigned i = 0; i < sizeof maps / sizeof *maps && result == 0; i++)
		result = pins_remove(pins, maps[i], NULL);
	if (result == 0 && rmdir(pins) != 0)
		result = -errno;
	return result ? twin_fail(error, result, pins) : 0;
}
