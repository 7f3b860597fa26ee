/* SPDX-License-Identifier: BSD-3-Clause */
/* See folding.h. */
#include "daemon/folding.h"

#include "daemon/segment_files.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* The thread. It has the fold to itself, and of the store the folder. */
static void *run(void *context)
{
	struct folding *folding = context;
	const uint64_t one = 1;

	folding->result = fold_run(folding->fold);
	if (folding->result == 0)
		folding->result = segment_file_write(folding->store, SEGMENT_SINGLES,
						     fold_segment(folding->fold));
	while (write(folding->over, &one, sizeof one) < 0 && errno == EINTR)
		;
	return NULL;
}

static void end(struct folding *folding)
{
	pthread_join(folding->thread, NULL);
	folding->running = false;
}

static void drop(struct folding *folding)
{
	fold_free(folding->fold);
	folding->fold = NULL;
}

static int on_over(sd_event_source *source, int fd, uint32_t events, void *context)
{
	struct folding *folding = context;
	uint64_t ignored;

	(void)source;
	(void)events;
	if (read(fd, &ignored, sizeof ignored) < 0)
		return 0;
	end(folding);
	/* For want of memory or disk it is tried again when the layer has grown. */
	if (folding->result != 0)
		drop(folding);
	else
		folding->store->ahead = segment_hash(fold_segment(folding->fold));
	return 0;
}

int folding_open(sd_event *event, struct store *store, struct folding *folding)
{
	int result;

	*folding = (struct folding){.store = store};
	folding->over = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (folding->over < 0)
		return -errno;
	result = sd_event_add_io(event, &folding->source, folding->over, EPOLLIN, on_over, folding);
	if (result >= 0)
		return 0;
	close(folding->over);
	return result;
}

void folding_close(struct folding *folding)
{
	if (folding->running)
		end(folding);
	sd_event_source_disable_unref(folding->source);
	fold_free(folding->fold);
	folding->store->writes_ahead = false;
	close(folding->over);
}

void folding_consider(struct folding *folding, const struct edition *active)
{
	const struct segment *later = active->compiled.segment[SEGMENT_LATER];

	if (folding->fold)
		return;
	/* If one was built upon, a manifest names its file by now. */
	folding->store->writes_ahead = false;
	folding->store->ahead = 0;
	if (folding->seen == later->data)
		return;
	folding->seen = later->data;
	if (!active->compiled.kept || !fold_is_due(&active->compiled))
		return;
	folding->fold = fold_new(active->policy, &active->compiled);
	if (!folding->fold)
		return;
	folding->store->writes_ahead = true;
	folding->running = pthread_create(&folding->thread, NULL, run, folding) == 0;
	if (!folding->running)
		drop(folding);
}

bool folding_take(struct folding *folding, const struct compiled *previous, struct compiled *base)
{
	bool taken;

	if (!folding->fold || folding->running)
		return false;
	taken = fold_base(folding->fold, previous, base);
	drop(folding);
	return taken;
}
