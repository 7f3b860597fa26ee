/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The folder on a BPF file system where links and maps stay when the process that made them ends.
 * A file is known by a word and, where there is one for each interface, the interface's name.
 */
#pragma once

/* Open what is pinned there: a file descriptor, or a negative errno. `interface` may be NULL. */
int pins_get(const char *folder, const char *word, const char *interface);

/* Pin a map or link, in the place of what was there. */
int pins_put(const char *folder, const char *word, const char *interface, int fd);

/* Remove a file; fine where there is none. */
int pins_remove(const char *folder, const char *word, const char *interface);

/*
 * Call back with the name of each interface for which the folder has a file of `word`; until that
 * returns something else than 0, which is returned. The file may be removed meanwhile. -ENOENT
 * without a folder.
 */
int pins_each(const char *folder, const char *word,
	      int (*found)(const char *interface, void *argument), void *argument);
