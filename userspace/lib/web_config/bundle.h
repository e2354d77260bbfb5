/* SPDX-License-Identifier: Apache-2.0 */
/*
 * --web.config.file and the files that it names, as bytes: on their way from the process that may
 * read them to the one that serves with them, through a memfd of two halves. Half sequence & 1
 * holds bundle `sequence`; the other one is being written.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "lib/web_config/settings.h"

enum bundle_part { BUNDLE_CONFIG, BUNDLE_PEM, BUNDLE_PARTS = BUNDLE_PEM + PEM_MAX };

struct bundle {
	char *data[BUNDLE_PARTS]; /* NULL: not there */
	size_t size[BUNDLE_PARTS];
};

/* Gives the memory back, wiped. */
void bundle_free(struct bundle *bundle);

/* 0 or -errno. */
int bundle_write(int fd, uint64_t sequence, const struct bundle *bundle);

/*
 * 0 or -errno; the bundle is empty then. The caller looks afterwards whether `sequence` is still
 * the current one.
 */
int bundle_read(int fd, uint64_t sequence, struct bundle *bundle);
