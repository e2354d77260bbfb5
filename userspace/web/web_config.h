/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The settings that web serves with now. Those that were in force before live on for as long as a
 * connection was begun with them.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "lib/tls/tls.h"
#include "lib/web_config/settings.h"

struct web_config {
	SLIST_ENTRY(web_config) link; /* once nobody uses it any more */
	unsigned int users;
	struct settings *settings;
	struct tls *tls; /* NULL: plain HTTP */
};

/*
 * Makes it of bundle `sequence` in that memfd, with one user, the caller. NULL: `why` says why not,
 * which means nothing when the sequence has changed meanwhile.
 */
struct web_config *web_config_load(int fd, uint64_t sequence, char why[static SETTINGS_WHY]);

/* NULL stays NULL. */
struct web_config *web_config_use(struct web_config *config);

/*
 * Who was its last user may be in the middle of GnuTLS: it is freed by web_config_sweep, from
 * outside.
 */
void web_config_release(struct web_config *config);
void web_config_sweep(void);
