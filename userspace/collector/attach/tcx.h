/* SPDX-License-Identifier: Apache-2.0 */
/* TCX links (Linux 6.6+), pinned or not. Used by attach.c; see attach.h for what it all means. */
#pragma once

#include <stdbool.h>

#include "collector/attach/attach.h"

/*
 * Creates and pins the link, or takes over the pinned one: fills link_fd and taken_over. Returns 0, -EOPNOTSUPP when
 * the kernel has no TCX (or no place left), -ENODEV, or another -errno.
 */
int tcx_open(struct attachment *attachment, const struct attachment_spec *spec);

/* 1 while the link is on its interface, 0 when that is gone, -errno. */
int tcx_alive(const struct attachment *attachment);

/* Detaches and unpins; link_fd stays open. Returns 0 or -errno. */
int tcx_remove(struct attachment *attachment);

/* Detaches the TCX link pinned at `path` and unpins it. Returns 1, 0 when nothing or no TCX link is there, -errno. */
int tcx_remove_pinned(const char *path);

/* Unpins the TCX link at `path` if its interface is gone. Returns 1, 0 when it is not one of those, -errno. */
int tcx_prune_pinned(const char *path);
