/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Filters of a clsact qdisc, for kernels without TCX. Ours are known by their name, "wgsocks:" and the instance in hex,
 * which is their handle as well, and ":qdisc" where we made the qdisc: several instances stand side by side, and an
 * earlier process of the same instance is found again. Used by attach.c; see attach.h.
 */
#pragma once

#include "collector/attach/attach.h"

/* Attaches, or exchanges the program of the filter that is there: fills priority, qdisc_created, taken_over. */
int clsact_open(struct attachment *attachment, const struct attachment_spec *spec);

/* 1 while our filter is there, 0 when it is gone, -errno. */
int clsact_alive(const struct attachment *attachment);

/* Removes our filter, and the qdisc when we made it and it is empty. Returns 0 or -errno. */
int clsact_remove(struct attachment *attachment);

/* Removes each filter of `instance` (0: of any) in one direction of an interface, and the qdisc as above. Returns their
 * number or -errno. */
int clsact_remove_filters(uint32_t ifindex, enum attach_direction direction, uint32_t instance);
