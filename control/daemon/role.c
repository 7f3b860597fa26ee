/* SPDX-License-Identifier: BSD-3-Clause */
/* Roles from SO_PEERCRED and SO_PEERGROUPS. See role.h. */
#include "daemon/role.h"

#include <errno.h>
#include <grp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int role_group(const char *name, gid_t *group, struct error *error)
{
	struct group *found;

	errno = 0;
	found = getgrnam(name);
	if (!found)
		return error_set(error, ERROR_INVALID, "--operators", "group %s: %s", name,
				 errno ? strerror(errno) : "there is none");
	*group = found->gr_gid;
	return 0;
}

/* The kernel's list of the peer's supplementary groups, taken when it connected. */
static int in_group(int fd, gid_t group, bool *in)
{
	socklen_t size = 0;
	gid_t *groups;
	int result = 0;

	*in = false;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, NULL, &size) == 0)
		return 0;
	if (errno != ERANGE)
		return -errno;
	groups = malloc(size);
	if (!groups)
		return -ENOMEM;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &size))
		result = -errno;
	for (size_t i = 0; result == 0 && i < size / sizeof *groups; i++)
		*in = *in || groups[i] == group;
	free(groups);
	return result;
}

int role_of(int fd, gid_t operators, struct peer *peer)
{
	struct ucred cred;
	socklen_t size = sizeof cred;
	bool member = false;
	int result;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &size))
		return -errno;
	if (operators != (gid_t)ROLE_NO_GROUP) {
		result = in_group(fd, operators, &member);
		if (result)
			return result;
		member = member || cred.gid == operators;
	}
	*peer = (struct peer){cred.uid, cred.pid, ROLE_VIEWER};
	if (cred.uid == 0 || cred.uid == geteuid())
		peer->role = ROLE_ADMIN;
	else if (member)
		peer->role = ROLE_OPERATOR;
	return 0;
}

const char *role_word(enum role role)
{
	static const char *const words[] = {"viewer", "operator", "admin"};

	return words[role];
}
