/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The contents of --web.config.file and of the files that it names. The process webconfig passes
 * them to web in a memfd of two halves. Half `sequence & 1` holds bundle `sequence`; the other half
 * is free for the next bundle.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "lib/web_config/settings.h"

enum bundle_part { BUNDLE_CONFIG, BUNDLE_PEM, BUNDLE_PARTS = BUNDLE_PEM + PEM_MAX };

struct bundle {
	char *data[BUNDLE_PARTS]; /* owned; NULL: no such part */
	size_t size[BUNDLE_PARTS];
};

/* Wipes and frees the contents. */
void bundle_free(struct bundle *bundle);

/* Writes the bundle into its half of the memfd. Returns 0 or -errno. */
int bundle_write(int fd, uint64_t sequence, const struct bundle *bundle);

/*
 * Reads bundle `sequence`. Returns 0, or -errno and an empty bundle. The caller must check
 * afterwards that `sequence` is still current, else the contents may be mixed.
 */
int bundle_read(int fd, uint64_t sequence, struct bundle *bundle);
