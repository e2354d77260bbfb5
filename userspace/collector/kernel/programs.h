/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The list of programs, where they attach, and which programs and maps the enabled collectors need
 * (lib/config/collectors.h).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct bpf_map;
struct kernel;
struct wgsocks;

/* Links of the tracepoints. */
enum kernel_link {
	KERNEL_STATE_A,
	KERNEL_STATE_B,
	KERNEL_RETRANSMIT,
	KERNEL_SYNACK,
	KERNEL_LINK_MAX
};

/*
 * Between open and load: excludes programs that only disabled collectors need, and switches their
 * part off in the other programs. `collectors`: bits of enum config_collector. Returns 0 or -errno.
 */
int kernel_programs_choose(struct wgsocks *skeleton, uint32_t collectors);

/* Returns whether an enabled collector needs the map, or no collector owns it. */
bool kernel_map_wanted(const struct wgsocks *skeleton, const struct bpf_map *map,
		       uint32_t collectors);

/*
 * After load: puts the new code behind the existing attachments. Clears array entries of programs
 * that are not needed. Returns 0 or -errno.
 */
int kernel_hand_over(struct wgsocks *skeleton, uint32_t collectors);

/*
 * Dispatchers are the programs attached to the tracepoints; they call the counting programs through
 * PROG_ARRAYs. New code does not replace them, so no event is lost or seen twice.
 */

/*
 * Attaches and pins the dispatchers in order, or reuses the pinned ones. Returns 0; -EINVAL: some
 * are missing or call through other arrays than ours; or another -errno. Attaching next to such
 * remains could count twice, because a link disappears asynchronously.
 */
int dispatchers_attach(struct kernel *kernel);

/* Returns "state_a", "state_b", "retransmit" or "synack", as in pins and metrics. */
const char *dispatcher_name(enum kernel_link which);
