// SPDX-License-Identifier: Apache-2.0
#include "collector/kernel/dispatchers.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "wgsocks.skel.h"
#include "lib/cleanup.h"

#define MAPS_MAX 8 /* of a dispatcher: it has one */

/* In the order in which they are attached: the copies of the state program rely on theirs. */
static const char *const names[KERNEL_LINK_MAX] = { "state_a", "state_b", "retransmit", "synack" };

static struct bpf_program *program_of(const struct kernel *kernel, enum kernel_link which)
{
	const struct wgsocks *s = kernel->skeleton;
	struct bpf_program *const programs[KERNEL_LINK_MAX] = { s->progs.state_dispatch_a, s->progs.state_dispatch_b,
								s->progs.retransmit_dispatch,
								s->progs.synack_dispatch };

	return programs[which];
}

static const struct bpf_map *array_of(const struct kernel *kernel, enum kernel_link which)
{
	const struct wgsocks *s = kernel->skeleton;
	const struct bpf_map *const arrays[KERNEL_LINK_MAX] = { s->maps.state_programs, s->maps.state_programs,
								s->maps.retransmit_programs, s->maps.synack_programs };

	return arrays[which];
}

static void link_path(char path[CONFIG_PATH_SIZE], const struct kernel *kernel, enum kernel_link which)
{
	snprintf(path, CONFIG_PATH_SIZE, "%.200s/link_%s", kernel->pins.folder, names[which]);
}

/* The program is pinned beside its link, since finding it through the link takes CAP_SYS_ADMIN. */
static void program_path(char path[CONFIG_PATH_SIZE], const struct kernel *kernel, enum kernel_link which)
{
	snprintf(path, CONFIG_PATH_SIZE, "%.200s/dispatch_%s", kernel->pins.folder, names[which]);
}

/* Whether a program calls through this array: a pinned dispatcher may have outlived the pin of its own. */
static bool calls_through(int program, int array)
{
	uint32_t ids[MAPS_MAX] = {};
	struct bpf_prog_info info = { .nr_map_ids = MAPS_MAX, .map_ids = (uintptr_t)ids };
	struct bpf_map_info map = {};
	uint32_t length = sizeof(info), map_length = sizeof(map);

	if (bpf_obj_get_info_by_fd(program, &info, &length) || bpf_obj_get_info_by_fd(array, &map, &map_length))
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

/* Nobody has attached here yet, or has got so far. */
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
	unlink(path); /* of an attempt that was cut short */
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
