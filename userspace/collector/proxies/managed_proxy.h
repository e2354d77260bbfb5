/* SPDX-License-Identifier: Apache-2.0 */
/* One proxy of a node: how it begins, is looked after, and ends. */
#pragma once

#include "collector/proxies/proxies.h"
#include "collector/proxies/scan.h"

/*
 * Takes the namespace of these processes in, if one of them listens there. It is started later, by
 * proxies_step. Returns 1; 0 when nobody listens; -ENOSPC when --proxies.max are watched already;
 * or -errno.
 */
int managed_proxy_add(struct proxies *proxies, const struct server_group *group);

/* What is known of a proxy's servers, from another scan. */
void managed_proxy_seen(struct managed_proxy *proxy, const struct server_group *group);

/* The proxy that an earlier process left in a slot: it is managed again, or the slot is cleared. */
void managed_proxy_restore(struct proxies *proxies, uint32_t slot);

/* Gives it its slot and attaches. */
void managed_proxy_start(struct proxies *proxies, struct managed_proxy *proxy);

/*
 * Reads what there is to know of its name and pod; managed_proxies_name gives the names. Returns
 * whether a name is another.
 */
bool managed_proxy_identify(struct proxies *proxies, struct managed_proxy *proxy);

/* Gives each proxy a name that no other has: after one has come or gone. */
void managed_proxies_name(struct proxies *proxies);

/* Looks whether its namespace is there: it is `gone` else. */
void managed_proxy_check(struct proxies *proxies, struct managed_proxy *proxy);

/*
 * Looks whether its namespace is there, for its listeners, its interfaces if that is due, and
 * attaches again where that failed.
 */
void managed_proxy_repair(struct proxies *proxies, struct managed_proxy *proxy);

/*
 * Its namespace is gone: it is no proxy any more, and its place in `managed` the caller's.
 * managed_proxy_end does the rest.
 */
void managed_proxy_retire(struct proxies *proxies, struct managed_proxy *proxy);

/* Its slot is cleared. Frees it. */
void managed_proxy_end(struct proxies *proxies, struct managed_proxy *proxy);

/* We go, it stays. With `remove`, everything of ours is detached. Frees it. */
void managed_proxy_close(struct managed_proxy *proxy, bool remove);
