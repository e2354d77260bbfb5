/* SPDX-License-Identifier: Apache-2.0 */
/* The interfaces of a watched proxy and what is attached to them. Used by watch.c. */
#pragma once

#include "collector/proxy_netns/proxy_netns.h"

/* Each returns whether watch->entry changed (to be written), interfaces_dump 0 or -errno. */
int interfaces_dump(struct watch *watch);
bool interfaces_read(struct watch *watch);
bool interfaces_event(struct watch *watch, const struct link *link, enum link_event event);

/* Looks what is there, and attaches to what is new: for events that were lost. */
bool interfaces_look(struct watch *watch);

/* Attaches again where it failed, or where somebody removed it. */
void interfaces_repair(struct watch *watch);

/* Lets go of all; with `remove`, detaches. */
void interfaces_close(struct watch *watch, bool remove);
/* Their namespace is gone: links are unpinned, filters went with it, and the same ifindex is another one's here. */
void interfaces_forget(struct watch *watch);
void interfaces_free(struct watch *watch);

/*
 * Tells the programs of the tunnels, and of nothing else: the socket programs may have learned a SOCKS port that we
 * have not heard of yet.
 */
void interfaces_tunnels_write(const struct watch *watch);
