// SPDX-License-Identifier: Apache-2.0
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cases.h"
#include "collector/kernel/programs.h"
#include "kernel.h"
#include "wgsocks.skel.h"

#define VERDICT_NEXT (-1) /* TC_ACT_UNSPEC, TCX_NEXT */

/* An interface that is not lo, for as long as the descriptor is open. Returns that, or -errno. */
static int device_create(uint32_t *ifindex)
{
	struct ifreq request = { .ifr_name = "underlay", .ifr_flags = IFF_TUN | IFF_NO_PI };
	int device = unshare(CLONE_NEWNET) == 0 ? open("/dev/net/tun", O_RDWR | O_CLOEXEC) : -1;

	if (device < 0 || ioctl(device, TUNSETIFF, &request) < 0)
		return -errno;
	*ifindex = if_nametoindex(request.ifr_name);
	return device;
}

static const enum abi_packet_program entry_of[HOOKS] = {
	[HOOK_TUNNEL_RECEIVE] = ABI_PACKET_TUNNEL_RECEIVE,
	[HOOK_TUNNEL_TRANSMIT] = ABI_PACKET_TUNNEL_TRANSMIT,
	[HOOK_INGRESS] = ABI_PACKET_UNDERLAY_INGRESS,
	[HOOK_EGRESS] = ABI_PACKET_UNDERLAY_EGRESS,
	[HOOK_LOOPBACK] = ABI_PACKET_UNDERLAY_INGRESS,
};

static void *map_memory(const struct bpf_map *map)
{
	void *p = mmap(NULL, (size_t)bpf_map__max_entries(map) * bpf_map__value_size(map),
		       PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(map), 0);

	return p == MAP_FAILED ? NULL : p;
}

static struct wgsocks *skeleton_load(void)
{
	struct wgsocks *s = wgsocks__open();

	if (!s)
		return NULL;
	s->rodata->destinations_enabled = 1;
	if (wgsocks__load(s) == 0)
		return s;
	wgsocks__destroy(s);
	return NULL;
}

int kernel_open(struct kernel *kernel)
{
	struct wgsocks *s = skeleton_load();

	if (!s)
		return -errno;
	*kernel = (struct kernel){
		.skeleton = s,
		.programs = {
			[HOOK_TUNNEL_RECEIVE] = bpf_program__fd(s->progs.tunnel_receive),
			[HOOK_TUNNEL_TRANSMIT] = bpf_program__fd(s->progs.tunnel_transmit),
			[HOOK_INGRESS] = bpf_program__fd(s->progs.underlay_ingress),
			[HOOK_EGRESS] = bpf_program__fd(s->progs.underlay_egress),
			[HOOK_LOOPBACK] = bpf_program__fd(s->progs.underlay_ingress),
		},
		.sessions = bpf_map__fd(s->maps.sessions),
		.early = bpf_map__fd(s->maps.early),
		.proxies = bpf_map__fd(s->maps.proxies),
		.tunnels = bpf_map__fd(s->maps.tunnels),
		.clients = bpf_map__fd(s->maps.clients),
		.cpus = libbpf_num_possible_cpus(),
	};
	if (kernel_hand_over(s, ~0u)) {
		wgsocks__destroy(s);
		return -EINVAL;
	}
	kernel->counters = mmap(NULL, sizeof(*kernel->counters), PROT_READ | PROT_WRITE, MAP_SHARED,
				bpf_map__fd(s->maps.counters), 0);
	if (kernel->counters == MAP_FAILED) {
		wgsocks__destroy(s);
		return -errno;
	}
	kernel->destinations = (struct destination_table){
		.buckets = map_memory(s->maps.destinations),
		.bucket_count = bpf_map__max_entries(s->maps.destinations),
		.entries = map_memory(s->maps.destination_entries),
		.max = bpf_map__max_entries(s->maps.destination_entries),
		.countries = map_memory(s->maps.destination_countries),
	};
	if (!kernel->destinations.buckets || !kernel->destinations.entries ||
	    !kernel->destinations.countries) {
		wgsocks__destroy(s);
		return -errno;
	}
	kernel->device = device_create(&kernel->ifindex);
	return kernel->device < 0 ? kernel->device : 0;
}

void kernel_close(struct kernel *kernel)
{
	munmap(kernel->counters, sizeof(*kernel->counters));
	wgsocks__destroy(kernel->skeleton);
	close(kernel->device);
}

void kernel_set_proxy(const struct kernel *kernel, const struct proxy *proxy)
{
	uint32_t slot = 0;

	check(bpf_map_update_elem(kernel->proxies, &slot, proxy, BPF_ANY) == 0, "proxies: %s",
	      strerror(errno));
}

void kernel_listen(const struct kernel *kernel, const uint16_t *ports, int count)
{
	struct proxy proxy = { .generation = GENERATION };

	for (int i = 0; i < count; i++)
		proxy.ports[i] = ports[i];
	kernel_set_proxy(kernel, &proxy);
}

void kernel_clients_set(const struct kernel *kernel, const struct client_table *table)
{
	uint32_t slot = 0;

	check(bpf_map_update_elem(kernel->clients, &slot, table, BPF_ANY) == 0, "clients: %s",
	      strerror(errno));
}

struct client_table kernel_clients_of(const struct kernel *kernel)
{
	struct client_table table = {};
	uint32_t slot = 0;

	check(bpf_map_lookup_elem(kernel->clients, &slot, &table) == 0, "clients: %s",
	      strerror(errno));
	return table;
}

void kernel_reset(struct kernel *kernel)
{
	static const struct client_table none;
	static const uint16_t ports[] = { PORT };
	struct tunnel_counters *zero = calloc((size_t)kernel->cpus, sizeof(*zero));

	for (uint32_t i = 0; zero && i < ABI_TUNNELS_MAX; i++)
		check(bpf_map_update_elem(kernel->tunnels, &i, zero, BPF_ANY) == 0, "tunnels: %s",
		      strerror(errno));
	free(zero);
	kernel_clients_set(kernel, &none);
	memset(kernel->counters, 0, sizeof(*kernel->counters));
	memset(kernel->destinations.buckets, 0,
	       kernel->destinations.bucket_count * sizeof(*kernel->destinations.buckets));
	memset(kernel->destinations.entries, 0,
	       kernel->destinations.max * sizeof(*kernel->destinations.entries));
	kernel->destinations.count = 0;
	kernel_listen(kernel, ports, 1);
}

bool kernel_run(const struct kernel *kernel, enum kernel_hook hook, const struct frame *frame,
		uint32_t slot, uint32_t gso_size)
{
	struct __sk_buff before = { .gso_size = gso_size,
				    .ifindex = hook == HOOK_LOOPBACK ? 1 : kernel->ifindex,
				    .ingress_ifindex = kernel->came_in_by };
	struct __sk_buff after = {};
	uint8_t packet[FRAME_MAX];
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = frame->bytes,
		    .data_size_in = (uint32_t)frame->length, .data_out = packet,
		    .data_size_out = sizeof(packet), .ctx_in = &before,
		    .ctx_size_in = sizeof(before), .ctx_out = &after, .ctx_size_out = sizeof(after),
		    .repeat = 1);

	before.cb[4] = ABI_STUB_CB(slot, frame->l2, entry_of[hook]);
	if (bpf_prog_test_run_opts(kernel->programs[hook], &run) != 0)
		return false;
	check((int)run.retval == VERDICT_NEXT, "verdict %d", (int)run.retval);
	check(run.data_size_out == frame->length &&
		      memcmp(packet, frame->bytes, frame->length) == 0,
	      "the packet was changed");
	check(memcmp(before.cb, after.cb, sizeof(before.cb)) == 0, "cb was changed");
	return true;
}

struct tunnel_counters kernel_tunnel(const struct kernel *kernel, uint32_t index)
{
	struct tunnel_counters *all = calloc((size_t)kernel->cpus, sizeof(*all)), sum = {};

	if (!all || !check(bpf_map_lookup_elem(kernel->tunnels, &index, all) == 0, "tunnels: %s",
			   strerror(errno))) {
		free(all);
		return sum;
	}
	for (int cpu = 0; cpu < kernel->cpus; cpu++) {
		for (int direction = 0; direction < ABI_DIRECTION_MAX; direction++) {
			uint64_t *last = (uint64_t *)&ABI_AT(__u64, sum.last_jiffies, direction);

			for (int family = 0; family < ABI_FAMILY_MAX; family++)
				for (int protocol = 0; protocol < ABI_PROTOCOL_MAX; protocol++) {
					struct traffic *to =
						&ABI_TRAFFIC(&sum, direction, family, protocol);
					const struct traffic *from = &ABI_TRAFFIC(
						&all[cpu], direction, family, protocol);

					to->packets += from->packets;
					to->bytes += from->bytes;
				}
			ABI_AT(__u64, sum.other, direction) +=
				ABI_AT(__u64, all[cpu].other, direction);
			if (ABI_AT(__u64, all[cpu].last_jiffies, direction) > *last)
				*last = ABI_AT(__u64, all[cpu].last_jiffies, direction);
		}
	}
	free(all);
	return sum;
}
