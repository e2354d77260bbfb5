// SPDX-License-Identifier: Apache-2.0
#include "collector/kernel/programs.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>

#include "lib/config/config.h"
#include <wgsocks/abi.h>

#include "wgsocks.skel.h" /* uses the ABI's types */

/* A program of a PROG_ARRAY, and whether the collectors that are on need it. */
struct array_program {
	struct bpf_map *array;
	uint32_t index;
	struct bpf_program *program;
	bool needed;
};

#define PROGRAMS_MAX (ABI_PACKET_MAX + 4)

/*
 * The parts that collectors own, of the table: statements for the parts of all collectors (ALL_), or
 * of those that are on (ON_). One of PROGRAM, SWITCH and MAP is a statement, the others are empty.
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

	_Static_assert(sizeof(all) / sizeof(all[0]) == PROGRAMS_MAX, "each place has a program");
	for (unsigned int i = 0; i < count; i++) {
		programs[i] = all[i];
		programs[i].needed =
			all[i].array != s->maps.packet_programs || packet_is_needed(all[i].index, collectors);
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
		int array = bpf_map__fd(programs[i].array), fd = bpf_program__fd(programs[i].program);

		if (programs[i].needed) {
			if (bpf_map_update_elem(array, &programs[i].index, &fd, BPF_ANY))
				return -errno;
		} else if (bpf_map_delete_elem(array, &programs[i].index) && errno != ENOENT) {
			return -errno; /* an earlier process may have had use for it */
		}
	}
	return 0;
}
