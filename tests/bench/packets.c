// SPDX-License-Identifier: Apache-2.0
/*
 * Measures the exporter's packet programs with BPF_PROG_TEST_RUN: `packets BATCHES`. Their stubs
 * call them, as in production. The time of an empty program, which runs in turns with them, is
 * subtracted. Prints one JSON object.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/tcp.h>
#include <net/ethernet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "collector/attach/attach.h"
#include "collector/kernel/kernel.h"
#include "floor.skel.h"
#include "wgsocks.skel.h"

#define FRAME_SIZE 1434
#define REPEAT 5000
#define BATCHES_MAX 10000
#define LISTENER 1080
#define CLIENT 40000

static const uint8_t client4[4] = { 10, 77, 0, 2 }, server4[4] = { 10, 77, 1, 1 };
static const uint8_t client6[16] = { 0xfd, 0x77, [15] = 2 }, server6[16] = { 0xfd, 0x77, [15] = 1 };

struct subject {
	const char *name;
	enum abi_packet_program program;
	bool ipv6;
	bool from_server;
	bool no_payload;
	enum {
		DESTINATIONS_OFF,
		DESTINATION_OWN,
		DESTINATION_OTHERS
	} destination; /* whose series the packet is in */
	int fd;
	uint8_t frame[FRAME_SIZE];
	size_t length;
	double net[BATCHES_MAX];
};

static struct subject subjects[] = {
	{ .name = "tunnel_receive_ipv4", .program = ABI_PACKET_TUNNEL_RECEIVE },
	{ .name = "tunnel_transmit_ipv4", .program = ABI_PACKET_TUNNEL_TRANSMIT },
	{ .name = "tunnel_receive_ipv6", .program = ABI_PACKET_TUNNEL_RECEIVE, .ipv6 = true },
	{ .name = "tunnel_transmit_ipv6", .program = ABI_PACKET_TUNNEL_TRANSMIT, .ipv6 = true },
	{ .name = "destination_receive_ipv4",
	  .program = ABI_PACKET_TUNNEL_RECEIVE,
	  .destination = DESTINATION_OWN },
	{ .name = "destination_transmit_ipv6",
	  .program = ABI_PACKET_TUNNEL_TRANSMIT,
	  .ipv6 = true,
	  .destination = DESTINATION_OWN },
	{ .name = "destination_other_receive_ipv4",
	  .program = ABI_PACKET_TUNNEL_RECEIVE,
	  .destination = DESTINATION_OTHERS },
	{ .name = "destination_other_transmit_ipv6",
	  .program = ABI_PACKET_TUNNEL_TRANSMIT,
	  .ipv6 = true,
	  .destination = DESTINATION_OTHERS },
	{ .name = "client_data_ipv4", .program = ABI_PACKET_UNDERLAY_INGRESS },
	{ .name = "client_data_ipv6", .program = ABI_PACKET_UNDERLAY_INGRESS, .ipv6 = true },
	{ .name = "client_ack_ipv4", .program = ABI_PACKET_UNDERLAY_INGRESS, .no_payload = true },
	/* TEST_RUN has no socket: this is what server data costs where the bytes_acked exit does
	   not work. */
	{ .name = "server_data_ipv4", .program = ABI_PACKET_UNDERLAY_EGRESS, .from_server = true },
	{ .name = "server_data_ipv6",
	  .program = ABI_PACKET_UNDERLAY_EGRESS,
	  .from_server = true,
	  .ipv6 = true },
};
#define SUBJECTS (sizeof(subjects) / sizeof(subjects[0]))

static double empty[BATCHES_MAX];

__attribute__((noreturn)) static void fail(const char *what, int error)
{
	fprintf(stderr, "packets: %s: %s\n", what, strerror(error < 0 ? -error : error));
	exit(1);
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return ABI_S((uint64_t)now.tv_sec) + (uint64_t)now.tv_nsec;
}

/* Ethernet, IP, TCP, bytes: a bulk segment of a connection whose dialogue is over. */
static void frame_build(struct subject *s)
{
	struct ether_header *ethernet = (struct ether_header *)s->frame;
	size_t ip_size = s->ipv6 ? sizeof(struct ip6_hdr) : sizeof(struct iphdr);
	struct tcphdr *tcp = (struct tcphdr *)(s->frame + sizeof(*ethernet) + ip_size);

	s->length = s->no_payload ? sizeof(*ethernet) + ip_size + sizeof(*tcp) : FRAME_SIZE;
	ethernet->ether_type = htons(s->ipv6 ? ETHERTYPE_IPV6 : ETHERTYPE_IP);
	if (s->ipv6) {
		struct ip6_hdr *ip = (struct ip6_hdr *)(ethernet + 1);

		ip->ip6_vfc = 6 << 4;
		ip->ip6_plen = htons(s->length - sizeof(*ethernet) - sizeof(*ip));
		ip->ip6_nxt = IPPROTO_TCP;
		memcpy(&ip->ip6_src, s->from_server ? server6 : client6, 16);
		memcpy(&ip->ip6_dst, s->from_server ? client6 : server6, 16);
	} else {
		struct iphdr *ip = (struct iphdr *)(ethernet + 1);

		ip->version = 4;
		ip->ihl = 5;
		ip->tot_len = htons(s->length - sizeof(*ethernet));
		ip->protocol = IPPROTO_TCP;
		memcpy(&ip->saddr, s->from_server ? server4 : client4, 4);
		memcpy(&ip->daddr, s->from_server ? client4 : server4, 4);
	}
	tcp->source = htons(s->from_server ? LISTENER : CLIENT);
	tcp->dest = htons(s->from_server ? CLIENT : LISTENER);
	tcp->seq = htonl(1000000);
	tcp->doff = 5;
	tcp->ack = 1;
}

static void session_add(struct kernel *kernel, bool ipv6)
{
	struct session session = {
		.socket = 1,
		.dialogue.client.flags = DIALOGUE_DONE,
		.dialogue.server.flags = DIALOGUE_DONE,
	};
	struct session_key key = {
		.client_port = CLIENT, .server_port = LISTENER, .slot = 0, .generation = 1
	};

	if (ipv6) {
		memcpy(key.client, client6, 16);
		memcpy(key.server, server6, 16);
	} else {
		key.client[10] = key.client[11] = key.server[10] = key.server[11] = 0xff;
		memcpy(key.client + 12, client4, 4);
		memcpy(key.server + 12, server4, 4);
	}
	if (bpf_map_update_elem(bpf_map__fd(kernel->skeleton->maps.sessions), &key, &session,
				BPF_ANY))
		fail("session", errno);
}

static double run_ns(int fd, const uint8_t *frame, size_t length)
{
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame, .data_size_in = length,
		    .repeat = REPEAT);
	uint64_t start = now_ns();

	if (bpf_prog_test_run_opts(fd, &options))
		fail("BPF_PROG_TEST_RUN", errno);
	if (options.retval != (uint32_t)-1)
		fail("verdict", EINVAL);
	return (double)(now_ns() - start) / REPEAT;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void print_spread(const char *name, double *values, int count)
{
	qsort(values, count, sizeof(*values), by_value);
	printf("\"%s\": {\"median\": %.2f, \"low\": %.2f, \"high\": %.2f}", name, values[count / 2],
	       values[count / 4], values[count * 3 / 4]);
}

static void kernel_set_up(struct kernel *kernel, const struct config *config)
{
	struct proxy proxy = { .name = "bench", .generation = 1, .ports = { LISTENER } };
	int r = kernel_init(kernel, config);

	r = r ?: kernel_load(kernel);
	r = r ?: kernel_proxy_write(kernel, 0, &proxy);
	if (r)
		fail("load", r);
	session_add(kernel, false);
	session_add(kernel, true);
}

/* Adds the peers' addresses, so that the lookups of two frames succeed. */
static void destinations_add(struct kernel *kernel)
{
	struct destination_table *table = kernel->destinations; /* of slot 0 */
	const uint8_t *own[] = { client4, server6 };

	for (int i = 0; i < 2; i++) {
		uint8_t bytes[16] = { [10] = 0xff, [11] = 0xff };
		__u64 address[2];

		if (i)
			memcpy(bytes, own[i], 16);
		else
			memcpy(bytes + 12, own[i], 4);
		memcpy(address, bytes, sizeof(address));
		if (!destination_promote(table, address, NULL))
			fail("destination", ENOSPC);
	}
}

int main(int argc, char **argv)
{
	static const struct config plain = { .mode = CONFIG_MODE_SIDECAR,
					     .proxies_max = 1,
					     .destinations_max = 100 };
	static const struct config with = { .mode = CONFIG_MODE_SIDECAR,
					    .proxies_max = 1,
					    .destinations_max = 100,
					    .collectors = 1u << COLLECTOR_DESTINATIONS };
	int batches = argc > 1 ? atoi(argv[1]) : 200, floor_fd;
	struct floor *floor = floor__open_and_load();
	struct kernel kernels[3]; /* by enum of a subject's destination */

	if (batches < 1 || batches > BATCHES_MAX || !floor)
		fail("floor", errno);
	floor_fd = bpf_program__fd(floor->progs.floor_packet);
	for (int i = 0; i < 3; i++)
		kernel_set_up(&kernels[i], i == DESTINATIONS_OFF ? &plain : &with);
	destinations_add(&kernels[DESTINATION_OWN]);
	for (size_t i = 0; i < SUBJECTS; i++) {
		struct stub_spec stub = { .slot = 0,
					  .l2_header_length = sizeof(struct ether_header),
					  .program = subjects[i].program,
					  .programs_fd = kernel_packet_programs(
						  &kernels[subjects[i].destination]) };

		frame_build(&subjects[i]);
		subjects[i].fd = stub_load(&stub);
		if (subjects[i].fd < 0)
			fail("stub", subjects[i].fd);
	}
	for (int batch = 0; batch < batches; batch++) {
		for (size_t i = 0; i < SUBJECTS; i++) {
			struct subject *s = &subjects[i];

			empty[batch] = run_ns(floor_fd, s->frame, s->length);
			s->net[batch] = run_ns(s->fd, s->frame, s->length) - empty[batch];
		}
	}
	printf("{");
	for (size_t i = 0; i < SUBJECTS; i++) {
		print_spread(subjects[i].name, subjects[i].net, batches);
		printf(", ");
	}
	print_spread("empty", empty, batches);
	printf("}\n");
	for (int i = 0; i < 3; i++)
		kernel_remove(&kernels[i]);
	floor__destroy(floor);
	return 0;
}
