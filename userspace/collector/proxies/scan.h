/* SPDX-License-Identifier: Apache-2.0 */
/* Looking around: which proxies there are, by what the processes of the machine tell. */
#pragma once

#include "collector/proxies/proxies.h"

/* Looks at all processes: takes new proxies in. */
void proxies_scan(struct proxies *proxies);

/* Looks which proxies are gone, and what the others' interfaces are: for events that were lost. */
void proxies_rescan(struct proxies *proxies);
