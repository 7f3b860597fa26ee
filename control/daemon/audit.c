/* SPDX-License-Identifier: BSD-3-Clause */
/* The audit log. See audit.h. */
#include "daemon/audit.h"

#include "policy/grow.h"
#include "policy/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What takes more than this is told of by its size: one parameter, and all of them. */
enum { AUDIT_VALUE_BYTES = 512, AUDIT_PARAMS_BYTES = 4096 };

static size_t text_size(const json_t *value)
{
	return json_dumpb(value, NULL, 0, JSON_COMPACT | JSON_ENCODE_ANY);
}

static json_t *summary_of(const char *name, json_t *value)
{
	size_t size = text_size(value);

	/* A policy is in the state folder as a whole, and has a salt that no log should show. */
	if (strcmp(name, "policy") == 0) {
		value = json_object_get(value, "name");
		return value && text_size(value) <= AUDIT_VALUE_BYTES ? json_incref(value)
								      : json_null();
	}
	if (size <= AUDIT_VALUE_BYTES)
		return json_incref(value);
	if (json_is_array(value))
		return json_pack("{sI}", "count", (json_int_t)json_array_size(value));
	return json_pack("{sI}", "bytes", (json_int_t)size);
}

static json_t *summary(const json_t *params)
{
	json_t *all, *value;
	const char *name;

	if (!json_object_get(params, "policy") && text_size(params) <= AUDIT_VALUE_BYTES)
		return json_incref((json_t *)params);
	all = json_object();
	json_object_foreach ((json_t *)params, name, value)
		json_object_set_new(all, name, summary_of(name, value));
	if (text_size(all) <= AUDIT_PARAMS_BYTES)
		return all;
	json_decref(all);
	return json_pack("{sI}", "bytes", (json_int_t)text_size(params));
}

static json_t *outcome(const struct audited *audited)
{
	if (audited->error)
		return json_pack("{ss, ss, ss}", "code", error_word(audited->error->code), "path",
				 audited->error->path, "message", audited->error->message);
	return json_integer(audited->staged ? audited->staged : (json_int_t)audited->generation);
}

static char *line_of(const struct audit *audit, const struct audited *audited, uint64_t now_ns)
{
	const struct peer *peer = audited->peer;
	const char *key = audited->error ? "error" : audited->staged ? "staged" : "generation";
	char time[TEXT_TIME], *text = NULL;
	json_t *line;

	text_print_time(now_ns, time);
	line = json_pack("{ss, sI, sI, ss, ss, so, so}", "time", time, "uid", (json_int_t)peer->uid,
			 "pid", (json_int_t)peer->pid, "role", role_word(peer->role), "method",
			 audited->method, "params", summary(audited->params), key,
			 outcome(audited));
	if (line && (audit->unwritten == 0 ||
		     json_object_set_new(line, "unwritten", json_integer(audit->unwritten)) == 0))
		text = json_dumps(line, JSON_COMPACT);
	json_decref(line);
	return text;
}

/* All of it, or nothing. 0, or errno. */
static int append(int folder, const char *lines, size_t size)
{
	int fd = openat(folder, AUDIT_FILE, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW,
			0640);
	int result = 0;
	off_t end;
	ssize_t put;

	if (fd < 0)
		return errno;
	end = lseek(fd, 0, SEEK_END);
	put = write(fd, lines, size);
	if (put != (ssize_t)size) {
		result = put < 0 ? errno : ENOSPC;
		if (end >= 0 && ftruncate(fd, end))
			result = errno;
	}
	close(fd);
	return result;
}

/* Whether a flood of requests that were denied fills the disk already. */
static bool is_flood(struct audit *audit, const struct audited *audited, uint64_t now_ns)
{
	uint64_t minute = now_ns / 60000000000;

	if (!audited->error || audited->error->code != ERROR_DENIED)
		return false;
	if (audit->minute != minute) {
		audit->minute = minute;
		audit->denied = 0;
	}
	return ++audit->denied > AUDIT_DENIED_A_MINUTE;
}

void audit_add(struct audit *audit, const struct audited *audited, uint64_t now_ns)
{
	char *line, *lines;
	size_t size;

	if (is_flood(audit, audited, now_ns)) {
		audit->unwritten++;
		return;
	}
	line = line_of(audit, audited, now_ns);
	size = line ? strlen(line) : 0;
	lines = line ? grow(audit->lines, &audit->capacity, audit->size + size + 1, 1) : NULL;
	if (lines) {
		audit->lines = lines;
		memcpy(audit->lines + audit->size, line, size);
		audit->lines[audit->size + size] = '\n';
		audit->size += size + 1;
	} else {
		audit->failed = ENOMEM;
	}
	free(line);
}

void audit_flush(struct audit *audit)
{
	if (audit->size == 0)
		return;
	audit->failed = append(audit->folder, audit->lines, audit->size);
	if (audit->failed == 0)
		audit->unwritten = 0;
	audit->size = 0;
}

void audit_write(struct audit *audit, const struct audited *audited, uint64_t now_ns)
{
	audit_add(audit, audited, now_ns);
	audit_flush(audit);
}

void audit_close(struct audit *audit)
{
	free(audit->lines);
}
