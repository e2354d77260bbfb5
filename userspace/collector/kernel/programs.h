/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which programs there are, where they go, and which of them, and of the maps, the collectors that
 * are on need (lib/config/collectors.h).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct bpf_map;
struct kernel;
struct wgsocks;

/* Of the tracepoints. */
enum kernel_link {
	KERNEL_STATE_A,
	KERNEL_STATE_B,
	KERNEL_RETRANSMIT,
	KERNEL_SYNACK,
	KERNEL_LINK_MAX
};

/*
 * Between open and load: what only collectors that are off would use is not loaded, and is switched
 * off in the programs that stay. `collectors`: bits of enum config_collector. Returns 0 or -errno.
 */
int kernel_programs_choose(struct wgsocks *skeleton, uint32_t collectors);

/* Whether a collector that is on uses the map, or no collector owns it. */
bool kernel_map_wanted(const struct wgsocks *skeleton, const struct bpf_map *map,
		       uint32_t collectors);

/*
 * After the load: from here on the new code runs, behind whatever is attached already. What is not
 * needed leaves its place empty. Returns 0 or -errno.
 */
int kernel_hand_over(struct wgsocks *skeleton, uint32_t collectors);

/*
 * The programs that hold the tracepoints, and call what counts through PROG_ARRAYs: they stay when
 * new code comes, so that no event is lost or seen twice.
 */

/*
 * Attaches (and pins) them in their order, or takes the pinned ones over as they are. Returns 0;
 * -EINVAL when some are missing or call through other arrays than ours: those that are left cannot
 * be told from new ones when both count, and a link goes in its own time; or -errno.
 */
int dispatchers_attach(struct kernel *kernel);

/* "state_a", "state_b", "retransmit", "synack": in pins and metrics. */
const char *dispatcher_name(enum kernel_link which);
