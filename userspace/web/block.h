/* SPDX-License-Identifier: Apache-2.0 */
/* Copying what another process wrote: read, not mapped, so that it can neither change under us nor end in a SIGBUS. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define BLOCK_MAX (256ull << 20)

/*
 * Reads `length` bytes from the start of the file into *block, which grows when needed and is kept.
 * Returns 0; -EBADMSG when the file is shorter or `length` is above BLOCK_MAX; -ENOMEM; another -errno.
 */
int block_read(int fd, uint64_t length, void **block, size_t *max);
