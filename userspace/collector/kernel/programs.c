// SPDX-License-Identifier: Apache-2.0
#include "collector/kernel/programs.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "collector/kernel/kernel.h"
#include "lib/cleanup.h"
#include "lib/config/config.h"
#include <wgsocks/abi.h>

#include "wgsocks.skel.h" /* needs the types of the ABI */

/* A program in a PROG_ARRAY, and whether an enabled collector needs it. */
struct array_program {
	struct bpf_map *array;
	uint32_t index;
	struct bpf_program *program;
	bool needed;
};

#define PROGRAMS_MAX (ABI_PACKET_MAX + 4)

/*
 * The parts that collectors own, from the table: statements for the parts of all collectors (ALL_)
 * or of the enabled ones (ON_). One of PROGRAM, SWITCH and MAP expands to a statement, the others
 * to nothing.
 */
#define BPF(...) __VA_ARGS__
#define USERSPACE
#define ALL_(id, name, on, help, source) source
#define ON_(id, name, on, help, source)          \
	if (collectors & 1u << COLLECTOR_##id) { \
		source                           \
	}

#define SWITCH(variable)
#define MAP(name)
static bool packet_is_needed(uint32_t packet, uint32_t collectors)
{
	uint32_t owned = 0, needed = 0;

#define PROGRAM(name) owned |= 1u << ABI_PACKET_##name;
	COLLECTORS(ALL_)
#undef PROGRAM
#define PROGRAM(name) needed |= 1u << ABI_PACKET_##name;
	COLLECTORS(ON_)
#undef PROGRAM
	return (needed | ~owned) & 1u << packet;
}
#undef SWITCH

#define PROGRAM(name)
static void switches_set(struct wgsocks *s, uint32_t collectors)
{
#define SWITCH(variable) s->rodata->variable = 0;
	COLLECTORS(ALL_)
#undef SWITCH
#define SWITCH(variable) s->rodata->variable = 1;
	COLLECTORS(ON_)
#undef SWITCH
}
#undef MAP

#define SWITCH(variable)
bool kernel_map_wanted(const struct wgsocks *s, const struct bpf_map *map, uint32_t collectors)
{
	bool owned = false, needed = false;

#define MAP(name) owned |= map == s->maps.name;
	COLLECTORS(ALL_)
#undef MAP
#define MAP(name) needed |= map == s->maps.name;
	COLLECTORS(ON_)
#undef MAP
	return needed || !owned;
}

static unsigned int programs_list(const struct wgsocks *s, uint32_t collectors,
				  struct array_program programs[PROGRAMS_MAX])
{
	const struct array_program all[] = {
		{ s->maps.packet_programs, ABI_PACKET_TUNNEL_RECEIVE, s->progs.tunnel_receive },
		{ s->maps.packet_programs, ABI_PACKET_TUNNEL_TRANSMIT, s->progs.tunnel_transmit },
		{ s->maps.packet_programs, ABI_PACKET_UNDERLAY_INGRESS, s->progs.underlay_ingress },
		{ s->maps.packet_programs, ABI_PACKET_UNDERLAY_EGRESS, s->progs.underlay_egress },
		{ s->maps.packet_programs, ABI_PACKET_DIALOGUE_INGRESS, s->progs.dialogue_ingress },
		{ s->maps.packet_programs, ABI_PACKET_DIALOGUE_EGRESS, s->progs.dialogue_egress },
		{ s->maps.packet_programs, ABI_PACKET_DNS_UDP, s->progs.dns_udp },
		{ s->maps.packet_programs, ABI_PACKET_DNS_TCP, s->progs.dns_tcp },
		{ s->maps.packet_programs, ABI_PACKET_HANDSHAKE, s->progs.handshake },
		{ s->maps.state_programs, 0, s->progs.state_first },
		{ s->maps.state_programs, 1, s->progs.state_second },
		{ s->maps.retransmit_programs, 0, s->progs.retransmit },
		{ s->maps.synack_programs, 0, s->progs.synack },
	};
	unsigned int count = sizeof(all) / sizeof(all[0]);

	_Static_assert(sizeof(all) / sizeof(all[0]) == PROGRAMS_MAX, "each row has a program");
	for (unsigned int i = 0; i < count; i++) {
		programs[i] = all[i];
		programs[i].needed = all[i].array != s->maps.packet_programs ||
				     packet_is_needed(all[i].index, collectors);
	}
	return count;
}

int kernel_programs_choose(struct wgsocks *skeleton, uint32_t collectors)
{
	struct array_program programs[PROGRAMS_MAX];
	unsigned int count = programs_list(skeleton, collectors, programs);
	int r = 0;

	switches_set(skeleton, collectors);
	for (unsigned int i = 0; i < count && !r; i++)
		r = bpf_program__set_autoload(programs[i].program, programs[i].needed);
	return r;
}

int kernel_hand_over(struct wgsocks *skeleton, uint32_t collectors)
{
	struct array_program programs[PROGRAMS_MAX];
	unsigned int count = programs_list(skeleton, collectors, programs);

	for (unsigned int i = 0; i < count; i++) {
		int array = bpf_map__fd(programs[i].array),
		    fd = bpf_program__fd(programs[i].program);

		if (programs[i].needed) {
			if (bpf_map_update_elem(array, &programs[i].index, &fd, BPF_ANY))
				return -errno;
		} else if (bpf_map_delete_elem(array, &programs[i].index) && errno != ENOENT) {
			return -errno; /* an earlier process may have used it */
		}
	}
	return 0;
}

#define MAPS_MAX 8 /* of a dispatcher, which has one */

/* In the order of attachment, on which the two copies of the state program rely. */
static const char *const names[KERNEL_LINK_MAX] = { "state_a", "state_b", "retransmit", "synack" };

static struct bpf_program *program_of(const struct kernel *kernel, enum kernel_link which)
{
	const struct wgsocks *s = kernel->skeleton;
	struct bpf_program *const programs[KERNEL_LINK_MAX] = { s->progs.state_dispatch_a,
								s->progs.state_dispatch_b,
								s->progs.retransmit_dispatch,
								s->progs.synack_dispatch };

	return programs[which];
}

static const struct bpf_map *array_of(const struct kernel *kernel, enum kernel_link which)
{
	const struct wgsocks *s = kernel->skeleton;
	const struct bpf_map *const arrays[KERNEL_LINK_MAX] = { s->maps.state_programs,
								s->maps.state_programs,
								s->maps.retransmit_programs,
								s->maps.synack_programs };

	return arrays[which];
}

static void link_path(char path[CONFIG_PATH_SIZE], const struct kernel *kernel,
		      enum kernel_link which)
{
	snprintf(path, CONFIG_PATH_SIZE, "%.200s/link_%s", kernel->pins.folder, names[which]);
}

/* The program is pinned next to its link: finding it through the link needs CAP_SYS_ADMIN. */
static void program_path(char path[CONFIG_PATH_SIZE], const struct kernel *kernel,
			 enum kernel_link which)
{
	snprintf(path, CONFIG_PATH_SIZE, "%.200s/dispatch_%s", kernel->pins.folder, names[which]);
}

/*
 * Returns whether a program calls through this array: the array of a pinned dispatcher may no
 * longer be pinned.
 */
static bool calls_through(int program, int array)
{
	uint32_t ids[MAPS_MAX] = {};
	struct bpf_prog_info info = { .nr_map_ids = MAPS_MAX, .map_ids = (uintptr_t)ids };
	struct bpf_map_info map = {};
	uint32_t length = sizeof(info), map_length = sizeof(map);

	if (bpf_obj_get_info_by_fd(program, &info, &length) ||
	    bpf_obj_get_info_by_fd(array, &map, &map_length))
		return false;
	for (uint32_t i = 0; i < info.nr_map_ids && i < MAPS_MAX; i++) {
		if (ids[i] == map.id)
			return true;
	}
	return false;
}

const char *dispatcher_name(enum kernel_link which)
{
	return names[which];
}

static bool take_over(struct kernel *kernel, enum kernel_link which)
{
	char path[CONFIG_PATH_SIZE];

	program_path(path, kernel, which);
	kernel->dispatchers[which] = bpf_obj_get(path);
	if (kernel->dispatchers[which] < 0 ||
	    !calls_through(kernel->dispatchers[which], bpf_map__fd(array_of(kernel, which))))
		return false;
	link_path(path, kernel, which);
	kernel->links[which] = bpf_link__open(path);
	return kernel->links[which] != NULL;
}

/* Returns whether no process has attached here yet. */
static bool none_pinned(const struct kernel *kernel)
{
	char path[CONFIG_PATH_SIZE];

	for (int i = 0; i < KERNEL_LINK_MAX; i++) {
		link_path(path, kernel, i);
		if (!access(path, F_OK))
			return false;
	}
	return true;
}

static int take_over_all(struct kernel *kernel)
{
	for (int i = 0; i < KERNEL_LINK_MAX; i++) {
		if (!take_over(kernel, i))
			return -EINVAL;
	}
	return 0;
}

static int attach(struct kernel *kernel, enum kernel_link which)
{
	struct bpf_program *program = program_of(kernel, which);
	struct bpf_link *link = bpf_program__attach(program);
	char path[CONFIG_PATH_SIZE];
	int r;

	if (!link)
		return -errno;
	kernel->links[which] = link;
	kernel->dispatchers[which] = fcntl(bpf_program__fd(program), F_DUPFD_CLOEXEC, 3);
	if (!kernel->pinned)
		return 0;
	program_path(path, kernel, which);
	unlink(path); /* left by an interrupted attempt */
	r = bpf_program__pin(program, path);
	link_path(path, kernel, which);
	return r ?: bpf_link__pin(link, path);
}

int dispatchers_attach(struct kernel *kernel)
{
	int r = 0;

	if (kernel->pinned && !none_pinned(kernel))
		return take_over_all(kernel);
	for (int i = 0; i < KERNEL_LINK_MAX && !r; i++)
		r = attach(kernel, i);
	return r;
}
