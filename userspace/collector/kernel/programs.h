/* SPDX-License-Identifier: Apache-2.0 */
/* Which programs there are, where they go, and which of them the collectors that are on need. */
#pragma once

#include <stdint.h>

struct wgsocks;

/* Between open and load: what only collectors that are off would use is not loaded. `collectors`: bits of enum
 * config_collector. Returns 0 or -errno. */
int kernel_programs_choose(struct wgsocks *skeleton, uint32_t collectors);

/*
 * After the load: from here on the new code runs, behind whatever is attached already. What is not needed leaves its
 * place empty. Returns 0 or -errno.
 */
int kernel_hand_over(struct wgsocks *skeleton, uint32_t collectors);
