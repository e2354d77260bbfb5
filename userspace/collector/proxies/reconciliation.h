/* SPDX-License-Identifier: Apache-2.0 */
/* When each proxy's sessions are compared with its sockets (kernel/reconcile.h). */
#pragma once

#include "collector/proxies/proxies.h"

/*
 * At once, for the next one whose connections may be older than our knowledge of its ports. Returns whether there was
 * one.
 */
bool reconcile_begun(struct proxies *proxies);

/*
 * Each second: the next one that is due, and has sessions at all. With `missed` (the recursion guard has struck) all of
 * these are due. Costs at most 0.5 % of a CPU.
 */
void reconcile_tick(struct proxies *proxies, bool missed, uint64_t now_ns);
