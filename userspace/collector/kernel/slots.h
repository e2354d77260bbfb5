/* SPDX-License-Identifier: Apache-2.0 */
/* Slots of proxies: a small integer each, which every map goes by. */
#pragma once

#include "collector/kernel/kernel.h"

/* Who has which slot, of maps that were just loaded. Returns 0 or -errno. */
int slots_read(struct kernel *kernel);

/*
 * The slot that the maps have for this network namespace, from an earlier process or ours; -ENOENT.
 */
int64_t slot_find(const struct kernel *kernel, uint32_t netns_inode, uint64_t netns_cookie);

/* One that nobody has, not even a proxy that an earlier process left; -ENOSPC. */
int64_t slot_free(const struct kernel *kernel);

/*
 * Makes a slot ready for its next proxy, when the network namespace of the former one is gone:
 * nothing of it is left in any map but the number of its generation. The socket programs do not
 * find it from the first step on. Walks the sessions. Returns 0 or the first -errno.
 */
int slot_clear(struct kernel *kernel, uint32_t slot);
