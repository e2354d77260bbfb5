/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pin folders of others than the running instance: PATH/v<layout>[-<proxies>]/<instance>.
 * Whoever runs holds a lock on its own, so what can be locked is nobody's.
 */
#pragma once

#include <stdbool.h>

#include "lib/config/config.h"

struct pin_folder {
	char path[CONFIG_PATH_SIZE];
	const char *instance; /* "node", a cookie; borrowed */
	int lock;	      /* held during the callback */
};

/* Returns whether the folder is to be removed, with all that is attached by it. */
typedef bool pin_folder_filter(const struct pin_folder *folder, void *context);

/*
 * Hands each folder that nobody holds to `is_stale`, and removes those that it says. Returns the
 * number of pins that were removed, or the first -errno after having tried all.
 */
int pin_folders_remove(const struct config *config, pin_folder_filter *is_stale, void *context);

/*
 * Whether a folder of this name is a sidecar's: 16 hex digits; *cookie is then the cookie of its
 * network namespace.
 */
bool pin_folder_cookie(const char *instance, uint64_t *cookie);
