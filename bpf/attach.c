/* SPDX-License-Identifier: BSD-3-Clause */
/* Attaching the program to interfaces. To come: nothing is attached yet. See load.h. */
#include "loaded.h"

#include <errno.h>
#include <string.h>

int twin_attach(struct twin *twin, struct twin_error *error)
{
	(void)twin;
	return twin_fail(error, -ENOSYS, "the twin is attached to nothing yet");
}

unsigned twin_interfaces(struct twin *twin, struct twin_interface out[TWIN_INTERFACES])
{
	(void)twin;
	(void)out;
	return 0;
}

bool twin_serving(struct twin *twin)
{
	(void)twin;
	return false;
}

const struct worker_counters *twin_counters(const struct twin *twin, uint32_t *cpus,
					    const uint32_t **slot_rule)
{
	(void)twin;
	*cpus = 0;
	*slot_rule = NULL;
	return NULL;
}

int twin_detach(const char *pins, struct twin_error *error)
{
	(void)pins;
	memset(error, 0, sizeof *error);
	return 0;
}
