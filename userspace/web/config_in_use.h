/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The settings that web serves with now. Those that were in force before live on for as long as a connection was begun
 * with them.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "lib/tls/tls.h"
#include "lib/web_config/settings.h"

struct active {
	SLIST_ENTRY(active) link; /* once nobody uses it any more */
	unsigned int users;
	struct settings *settings;
	struct tls *tls; /* NULL: plain HTTP */
};

/*
 * Makes it of bundle `sequence` in that memfd, with one user, the caller. NULL: `why` says why not, which means nothing
 * when the sequence has changed meanwhile.
 */
struct active *active_load(int fd, uint64_t sequence, char why[static SETTINGS_WHY]);

/* NULL stays NULL. */
struct active *active_use(struct active *active);

/* Who was its last user may be in the middle of GnuTLS: it is freed by active_sweep, from outside. */
void active_release(struct active *active);
void active_sweep(void);
