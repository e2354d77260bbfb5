/* SPDX-License-Identifier: Apache-2.0 */
/* Between the files of this folder. */
#pragma once

#include <stdbool.h>

#include "collector/attach/attach.h"

/*
 * Filters of a clsact qdisc, for kernels without TCX. Ours are known by their name, "wgsocks:" and
 * the instance in hex, which is their handle as well, and ":qdisc" where we made the qdisc: several
 * instances stand side by side, and an earlier process of the same instance is found again. Used by
 * attach.c; see attach.h.
 */

/*
 * Attaches, or exchanges the program of the filter that is there: fills priority, qdisc_created,
 * taken_over.
 */
int clsact_open(struct attachment *attachment, const struct attachment_spec *spec);

/* 1 while our filter is there, 0 when it is gone, -errno. */
int clsact_alive(const struct attachment *attachment);

/* Removes our filter, and the qdisc when we made it and it is empty. Returns 0 or -errno. */
int clsact_remove(struct attachment *attachment);

/*
 * Removes each filter of `instance` (0: of any) in one direction of an interface, and the qdisc as
 * above. Returns their number or -errno.
 */
int clsact_remove_filters(uint32_t ifindex, enum attach_direction direction, uint32_t instance);

/* TCX links (Linux 6.6+), pinned or not. Used by attach.c; see attach.h for what it all means. */

/*
 * Creates and pins the link, or takes over the pinned one: fills link_fd and taken_over. Returns 0,
 * -EOPNOTSUPP when the kernel has no TCX (or no place left), -ENODEV, or another -errno.
 */
int tcx_open(struct attachment *attachment, const struct attachment_spec *spec);

/* 1 while the link is on its interface, 0 when that is gone, -errno. */
int tcx_alive(const struct attachment *attachment);

/* Detaches and unpins; link_fd stays open. Returns 0 or -errno. */
int tcx_remove(struct attachment *attachment);

/*
 * Detaches the TCX link pinned at `path` and unpins it. Returns 1, 0 when nothing or no TCX link is
 * there, -errno.
 */
int tcx_remove_pinned(const char *path);

/*
 * Unpins the TCX link at `path` if its interface is gone. Returns 1, 0 when it is not one of those,
 * -errno.
 */
int tcx_prune_pinned(const char *path);
