/* SPDX-License-Identifier: Apache-2.0 */
/* Internal to this folder. */
#pragma once

#include <stdbool.h>

#include "collector/attach/attach.h"

/*
 * Filters of a clsact qdisc, for kernels without TCX. Our filters are known by their name:
 * "wgsocks:", the instance in hex (also the handle), and ":qdisc" if we created the qdisc. So
 * several instances can use one interface, and a new process finds the filter of its predecessor.
 * Used by attach.c; see attach.h.
 */

/*
 * Attaches a filter, or replaces the program of our filter. Sets priority, qdisc_created and
 * taken_over.
 */
int clsact_open(struct attachment *attachment, const struct attachment_spec *spec);

/* Returns 1 if our filter exists, 0 if not, or -errno. */
int clsact_alive(const struct attachment *attachment);

/* Removes our filter, and the qdisc if we created it and it is empty. Returns 0 or -errno. */
int clsact_remove(struct attachment *attachment);

/*
 * Removes the filters of `instance` (0: of all) in one direction of an interface, and the qdisc as
 * above. Returns the number of filters or -errno.
 */
int clsact_remove_filters(uint32_t ifindex, enum attach_direction direction, uint32_t instance);

/*
 * TCX links (Linux 6.6 and later), pinned or not. Used by attach.c; see attach.h for the contract.
 */

/*
 * Creates and pins the link, or reuses the pinned link. Sets link_fd and taken_over. Returns 0;
 * -EOPNOTSUPP: the kernel has no TCX, or its 64 entries are in use; -ENODEV; or another -errno.
 */
int tcx_open(struct attachment *attachment, const struct attachment_spec *spec);

/* Returns 1 if the link is attached to its interface, 0 if the interface is gone, or -errno. */
int tcx_alive(const struct attachment *attachment);

/* Detaches and unpins; link_fd stays open. Returns 0 or -errno. */
int tcx_remove(struct attachment *attachment);

/*
 * Detaches and unpins the TCX link pinned at `path`. Returns 1; 0 if the path is missing or not a
 * TCX link; or -errno.
 */
int tcx_remove_pinned(const char *path);

/*
 * Unpins the TCX link at `path` if its interface is gone. Returns 1 if it did, 0 if not, or -errno.
 */
int tcx_prune_pinned(const char *path);
