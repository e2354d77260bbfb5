/* SPDX-License-Identifier: Apache-2.0 */
/* Slots of proxies: small integers, used as index in all maps. */
#pragma once

#include "collector/kernel/kernel.h"

/* Reads the owners of slots from newly loaded maps. Returns 0 or -errno. */
int slots_read(struct kernel *kernel);

/* Returns the slot of this network namespace, from this or an earlier process; -ENOENT: none. */
int64_t slot_find(const struct kernel *kernel, uint32_t netns_inode, uint64_t netns_cookie);

/* Returns a slot that no proxy uses, not even one from an earlier process; -ENOSPC: none. */
int64_t slot_free(const struct kernel *kernel);

/*
 * Clears a slot for its next proxy after the network namespace of the former proxy is gone. Only
 * the number of its generation stays in the maps. The first step hides it from the socket programs.
 * Walks the sessions. Returns 0 or the first -errno.
 */
int slot_clear(struct kernel *kernel, uint32_t slot);
