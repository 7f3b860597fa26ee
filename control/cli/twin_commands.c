/* SPDX-License-Identifier: BSD-3-Clause */
/* sluice attach, detach. */
#include "client.h"
#include "twin.h"

#include <stdio.h>
#include <string.h>

static bool is(const json_t *object, const char *name)
{
	return json_is_true(json_object_get(object, name));
}

static const char *doing(const json_t *twin, const char *mode)
{
	if (is(twin, "detached"))
		return "DETACHED";
	if (!is(twin, "filters"))
		return "NOT ATTACHED";
	if (strcmp(mode, "alone") == 0)
		return "decides";
	if (!is(twin, "serving"))
		return "DECIDES: the data plane does not take frames";
	return strcmp(mode, "steer") == 0 ? "hands the services' frames to the data plane"
					  : "hands over to the data plane";
}

static void print_interface(const json_t *interface)
{
	const char *name = "", *role = "";
	int attached = 0, native = 0;
	json_int_t sockets = 0;

	json_unpack((json_t *)interface, "{s:s, s:s, s:b, s:b, s:I}", "name", &name, "role", &role,
		    "attached", &attached, "native", &native, "sockets", &sockets);
	printf("            %s, %s: %s", name, role,
	       !attached ? "not attached"
	       : native  ? "native"
			 : "generic");
	if (sockets > 0)
		printf(", %" JSON_INTEGER_FORMAT " socket%s", sockets, sockets == 1 ? "" : "s");
	putchar('\n');
}

void print_twin(const json_t *twin)
{
	const char *mode = json_string_value(json_object_get(twin, "mode"));
	json_t *interface;
	size_t i;

	if (!mode)
		return;
	printf("twin        %s, %s\n", mode, doing(twin, mode));
	json_array_foreach (json_object_get(twin, "interfaces"), i, interface)
		print_interface(interface);
}

static int ask_twin(const struct cli *cli, const char *method)
{
	const char *reason = cli->option[OPTION_REASON];
	json_t *answer = ask(cli, method, json_pack("{s:s*}", "reason", reason));

	if (!answer)
		return EXIT_REFUSED;
	if (cli->option[OPTION_JSON])
		return print_answer(answer);
	print_twin(json_object_get(answer, "twin"));
	json_decref(answer);
	return finish_output();
}

int command_attach(const struct cli *cli)
{
	return ask_twin(cli, "twin.attach");
}

int command_detach(const struct cli *cli)
{
	return ask_twin(cli, "twin.detach");
}
