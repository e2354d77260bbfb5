/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pin folders of instances that do not run: PATH/v<layout>[-<proxies>]/<instance>. A running
 * instance holds a lock on its folder, so a folder that we can lock is unused.
 */
#pragma once

#include <stdbool.h>

#include "lib/config/config.h"

struct pin_folder {
	char path[CONFIG_PATH_SIZE];
	const char *instance; /* "node" or a cookie; borrowed */
	int lock;	      /* held during the callback */
};

/* Returns whether to remove the folder and all its attachments. */
typedef bool pin_folder_filter(const struct pin_folder *folder, void *context);

/*
 * Calls `is_stale` for each unused folder and removes the folder if it returns true. Returns the
 * number of pins removed; after an error it tries the rest and returns the first -errno.
 */
int pin_folders_remove(const struct config *config, pin_folder_filter *is_stale, void *context);

/*
 * Returns whether this folder name belongs to a sidecar (16 hex digits); *cookie is then the cookie
 * of its network namespace.
 */
bool pin_folder_cookie(const char *instance, uint64_t *cookie);
