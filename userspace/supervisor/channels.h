/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The channels between the children: a socket pair and shared files. The supervisor keeps them
 * open, so that they outlive the children.
 */
#pragma once

#include <stdbool.h>

#include "lib/process/process.h"

struct channels {
	int web, collector;	       /* the two ends of a SEQPACKET pair */
	int snapshot, snapshot_reader; /* one memfd: read-write, read-only */
	int bundle, bundle_reader;     /* the same for the web configuration; -1: not used */
};

#define CHANNELS_NONE                  \
	{                              \
		-1, -1, -1, -1, -1, -1 \
	}

/* Opens all channels; the bundle only if wanted. Returns 0, or -errno after logging it. */
int channels_open(struct channels *channels, bool bundle_wanted);

/* In a child after the fork: moves its descriptors into *child and closes the others. */
void channels_take(struct channels *channels, struct child *child);
