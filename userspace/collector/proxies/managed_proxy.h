/* SPDX-License-Identifier: Apache-2.0 */
/* One proxy of a node: its start, repair and end. */
#pragma once

#include "collector/proxies/proxies.h"
#include "collector/proxies/scan.h"

/*
 * Adds the namespace of these processes as a proxy if one of them listens there. proxies_step
 * starts it later. Returns 1; 0: no process listens; -ENOSPC: --proxies.max is reached; or another
 * -errno.
 */
int managed_proxy_add(struct proxies *proxies, const struct server_group *group);

/* Updates a known proxy with the servers of a new scan. */
void managed_proxy_seen(struct managed_proxy *proxy, const struct server_group *group);

/*
 * Restores the proxy that an earlier process left in a slot, or clears the slot if its namespace is
 * gone.
 */
void managed_proxy_restore(struct proxies *proxies, uint32_t slot);

/* Assigns a slot and attaches the programs. */
void managed_proxy_start(struct proxies *proxies, struct managed_proxy *proxy);

/*
 * Reads the name and the pod; managed_proxies_name assigns the names. Returns whether the name
 * changed.
 */
bool managed_proxy_identify(struct proxies *proxies, struct managed_proxy *proxy);

/* Assigns unique names to all proxies: call after one was added or removed. */
void managed_proxies_name(struct proxies *proxies);

/* Sets `gone` if the namespace no longer exists. */
void managed_proxy_check(struct proxies *proxies, struct managed_proxy *proxy);

/* Checks namespace and listeners, scans interfaces if due, and retries failed attachments. */
void managed_proxy_repair(struct proxies *proxies, struct managed_proxy *proxy);

/*
 * Removes a proxy whose namespace is gone; the caller removes it from `managed`. Call
 * managed_proxy_end later.
 */
void managed_proxy_retire(struct proxies *proxies, struct managed_proxy *proxy);

/* Clears its slot and frees it. */
void managed_proxy_end(struct proxies *proxies, struct managed_proxy *proxy);

/* Closes and frees it when the exporter ends. With `remove`, detaches all its programs. */
void managed_proxy_close(struct managed_proxy *proxy, bool remove);
