// SPDX-License-Identifier: Apache-2.0
#include "collector/kernel/programs.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>

#include "lib/config/config.h"
#include <wgsocks/abi.h>

#include "wgsocks.skel.h" /* uses the ABI's types */

#define ALWAYS 0

/* A program of a PROG_ARRAY, and the collectors that need it (ALWAYS: it counts for all, or calls the others). */
struct array_program {
	struct bpf_map *array;
	uint32_t index;
	struct bpf_program *program;
	uint32_t collectors;
};

#define PROGRAMS_MAX (ABI_PACKET_MAX + 4)

static unsigned int programs_list(const struct wgsocks *s, struct array_program programs[PROGRAMS_MAX])
{
	const struct array_program all[] = {
		{ s->maps.packet_programs, ABI_PACKET_TUNNEL_RECEIVE, s->progs.tunnel_receive, ALWAYS },
		{ s->maps.packet_programs, ABI_PACKET_TUNNEL_TRANSMIT, s->progs.tunnel_transmit, ALWAYS },
		{ s->maps.packet_programs, ABI_PACKET_UNDERLAY_INGRESS, s->progs.underlay_ingress, ALWAYS },
		{ s->maps.packet_programs, ABI_PACKET_UNDERLAY_EGRESS, s->progs.underlay_egress, ALWAYS },
		{ s->maps.packet_programs, ABI_PACKET_DIALOGUE_INGRESS, s->progs.dialogue_ingress, ALWAYS },
		{ s->maps.packet_programs, ABI_PACKET_DIALOGUE_EGRESS, s->progs.dialogue_egress, ALWAYS },
		{ s->maps.packet_programs, ABI_PACKET_DNS_UDP, s->progs.dns_udp,
		  1u << COLLECTOR_DNS | 1u << COLLECTOR_LEAKS | 1u << COLLECTOR_DESTINATIONS }, /* for their names */
		{ s->maps.packet_programs, ABI_PACKET_DNS_TCP, s->progs.dns_tcp,
		  1u << COLLECTOR_DNS | 1u << COLLECTOR_LEAKS },
		{ s->maps.packet_programs, ABI_PACKET_HANDSHAKE, s->progs.handshake, 1u << COLLECTOR_HANDSHAKES },
		{ s->maps.state_programs, 0, s->progs.state_first, ALWAYS },
		{ s->maps.state_programs, 1, s->progs.state_second, ALWAYS },
		{ s->maps.retransmit_programs, 0, s->progs.retransmit, ALWAYS },
		{ s->maps.synack_programs, 0, s->progs.synack, ALWAYS },
	};
	unsigned int count = sizeof(all) / sizeof(all[0]);

	_Static_assert(sizeof(all) / sizeof(all[0]) == PROGRAMS_MAX, "each place has a program");
	for (unsigned int i = 0; i < count; i++)
		programs[i] = all[i];
	return count;
}

static bool is_needed(const struct array_program *program, uint32_t collectors)
{
	return program->collectors == ALWAYS || program->collectors & collectors;
}

int kernel_programs_choose(struct wgsocks *skeleton, uint32_t collectors)
{
	struct array_program programs[PROGRAMS_MAX];
	unsigned int count = programs_list(skeleton, programs);
	int r = 0;

	skeleton->rodata->dns_enabled = (collectors & (1u << COLLECTOR_DNS | 1u << COLLECTOR_LEAKS)) != 0;
	skeleton->rodata->dns_counted = (collectors & 1u << COLLECTOR_DNS) != 0;
	skeleton->rodata->handshakes_enabled = (collectors & 1u << COLLECTOR_HANDSHAKES) != 0;
	skeleton->rodata->leaks_enabled = (collectors & 1u << COLLECTOR_LEAKS) != 0;
	skeleton->rodata->clients_enabled = (collectors & 1u << COLLECTOR_CLIENTS) != 0;
	for (unsigned int i = 0; i < count && !r; i++)
		r = bpf_program__set_autoload(programs[i].program, is_needed(&programs[i], collectors));
	return r;
}

int kernel_hand_over(struct wgsocks *skeleton, uint32_t collectors)
{
	struct array_program programs[PROGRAMS_MAX];
	unsigned int count = programs_list(skeleton, programs);

	for (unsigned int i = 0; i < count; i++) {
		int array = bpf_map__fd(programs[i].array), fd = bpf_program__fd(programs[i].program);

		if (is_needed(&programs[i], collectors)) {
			if (bpf_map_update_elem(array, &programs[i].index, &fd, BPF_ANY))
				return -errno;
		} else if (bpf_map_delete_elem(array, &programs[i].index) && errno != ENOENT) {
			return -errno; /* an earlier process may have had use for it */
		}
	}
	return 0;
}
