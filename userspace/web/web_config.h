/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The web configuration in force. An older one stays valid as long as a connection that began with
 * it is open.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "lib/tls/tls.h"
#include "lib/web_config/settings.h"

struct web_config {
	SLIST_ENTRY(web_config) link; /* in the list of unused ones, when users is 0 */
	unsigned int users;
	struct settings *settings;
	struct tls *tls; /* NULL: plain HTTP */
};

/*
 * Loads it from bundle `sequence` of the memfd; the caller is its first user. On errors returns
 * NULL with a reason in `why`, which is meaningless if the sequence has changed meanwhile.
 */
struct web_config *web_config_load(int fd, uint64_t sequence, char why[static SETTINGS_WHY]);

/* Adds a user. Returns `config`; NULL is allowed. */
struct web_config *web_config_use(struct web_config *config);

/*
 * Removes a user. The last one may be inside a call of GnuTLS, so web_config_sweep frees it later.
 */
void web_config_release(struct web_config *config);
void web_config_sweep(void);
