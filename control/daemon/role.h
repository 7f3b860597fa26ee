/* SPDX-License-Identifier: BSD-3-Clause */
/* Who a client is, from its socket's credentials, and what that lets it do. */
#pragma once

#include "policy/error.h"

#include <sys/types.h>

/* In ascending order: each may do what those before it may. */
enum role { ROLE_VIEWER, ROLE_OPERATOR, ROLE_ADMIN };

enum { ROLE_NO_GROUP = -1 };

struct peer {
	uid_t uid;
	pid_t pid;
	enum role role;
};

/* The id of the group called `name`. 0, or -1 with *error. */
int role_group(const char *name, gid_t *group, struct error *error);

/* Who is at the other end of `fd`; `operators` is a group or ROLE_NO_GROUP. 0, or -errno. */
int role_of(int fd, gid_t operators, struct peer *peer);

const char *role_word(enum role role);
