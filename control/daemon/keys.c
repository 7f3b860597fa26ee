/* SPDX-License-Identifier: BSD-3-Clause */
/* Request keys. See keys.h. */
#include "daemon/keys.h"

#include <stdio.h>
#include <string.h>

const struct key *keys_find(const struct keys *keys, uid_t uid, const char *text)
{
	for (unsigned i = 0; i < KEYS_KEPT; i++) {
		const struct key *key = &keys->kept[i];

		if (key->answer && key->uid == uid && strcmp(key->text, text) == 0)
			return key;
	}
	return NULL;
}

void keys_add(struct keys *keys, uid_t uid, const char *text, uint64_t request, json_t *answer)
{
	struct key *key = &keys->kept[keys->next];

	json_decref(key->answer);
	*key = (struct key){.uid = uid, .request = request, .answer = json_incref(answer)};
	snprintf(key->text, sizeof key->text, "%s", text);
	keys->next = (keys->next + 1) % KEYS_KEPT;
}

void keys_free(struct keys *keys)
{
	for (unsigned i = 0; i < KEYS_KEPT; i++)
		json_decref(keys->kept[i].answer);
}
