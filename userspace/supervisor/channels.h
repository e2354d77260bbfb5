/* SPDX-License-Identifier: Apache-2.0 */
/* What the children talk through: kept by the supervisor, so that it outlives them. */
#pragma once

#include <stdbool.h>

#include "lib/process/process.h"

struct channels {
	int web, collector;	       /* the ends of a SEQPACKET pair */
	int snapshot, snapshot_reader; /* one memfd: read-write, read-only */
	int bundle, bundle_reader;     /* another one, where there is a --web.config.file */
};

#define CHANNELS_NONE                  \
	{                              \
		-1, -1, -1, -1, -1, -1 \
	}

/* Opens all of it, the bundle when it is wanted. Returns 0 or -errno, logged. */
int channels_open(struct channels *channels, bool bundle_wanted);

/* In a child after the fork: gives it its part and closes the rest. */
void channels_take(struct channels *channels, struct child *child);
