// SPDX-License-Identifier: Apache-2.0
/*
 * inner INTERFACE: counts inner packets of a tunnel whose link counts outer bytes. For each input
 * line it prints one line: rx_bytes rx_packets tx_bytes tx_packets, of all packets before it. It
 * exits at the end of its input, or with an error if the kernel dropped packets to be counted.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/virtio_net.h>

#define RECEIVE_BUFFER (128 << 20)
#define IPV6_HEADER 40
#define UDP_HEADER 8

struct count {
	unsigned long long bytes, packets;
};

static struct count received, sent;

static void fail(const char *what)
{
	fprintf(stderr, "inner: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int open_socket(const char *interface)
{
	struct sockaddr_ll address = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL) };
	int size = RECEIVE_BUFFER, on = 1;
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

	address.sll_ifindex = (int)if_nametoindex(interface);
	if (fd < 0 || !address.sll_ifindex)
		fail(interface);
	/* With the header of virtio, which tells how a packet that is several will be cut. */
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) ||
	    setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &on, sizeof(on)))
		fail("setsockopt");
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)))
		fail("bind");
	return fd;
}

/* Length of the headers of each segment. The tunnel's packets begin with their IP header. */
static size_t headers_of(const unsigned char *packet, size_t there, int type)
{
	size_t network = packet[0] >> 4 == 6 ? IPV6_HEADER : (size_t)(packet[0] & 15) * 4;

	if (type == VIRTIO_NET_HDR_GSO_TCPV4 || type == VIRTIO_NET_HDR_GSO_TCPV6)
		return network + 12 < there ? network + (size_t)(packet[network + 12] >> 4) * 4
					    : network;
	return network + UDP_HEADER;
}

static void count_packet(struct count *to, const struct virtio_net_hdr *cut,
			 const unsigned char *packet, size_t there, size_t length)
{
	int type = cut->gso_type & ~VIRTIO_NET_HDR_GSO_ECN;
	size_t segments = 1, headers = 0;

	if (type != VIRTIO_NET_HDR_GSO_NONE && cut->gso_size && there) {
		headers = headers_of(packet, there, type);
		segments = (length - headers + cut->gso_size - 1) / cut->gso_size;
	}
	to->packets += segments;
	to->bytes += length + (segments - 1) * headers;
}

/* Everything that is there now. */
static void drain(int fd)
{
	static unsigned char frame[256];
	struct virtio_net_hdr cut;
	struct sockaddr_ll from;
	socklen_t size = sizeof(from);
	ssize_t length;

	while ((length = recvfrom(fd, frame, sizeof(frame), MSG_DONTWAIT | MSG_TRUNC,
				  (struct sockaddr *)&from, &size)) > 0 ||
	       (length < 0 && errno == ENETDOWN)) {
		if (length > (ssize_t)sizeof(cut)) {
			size_t there =
				(size_t)length < sizeof(frame) ? (size_t)length : sizeof(frame);

			memcpy(&cut, frame, sizeof(cut));
			count_packet(from.sll_pkttype == PACKET_OUTGOING ? &sent : &received, &cut,
				     frame + sizeof(cut), there - sizeof(cut),
				     (size_t)length - sizeof(cut));
		}
		size = sizeof(from);
	}
}

static void check_drops(int fd)
{
	struct tpacket_stats stats;
	socklen_t size = sizeof(stats);

	if (getsockopt(fd, SOL_PACKET, PACKET_STATISTICS, &stats, &size) || stats.tp_drops) {
		fprintf(stderr, "inner: %u packets were not counted\n", stats.tp_drops);
		exit(1);
	}
}

static void answer(int fd)
{
	char asked[64];

	if (read(STDIN_FILENO, asked, sizeof(asked)) <= 0)
		exit(0);
	drain(fd);
	check_drops(fd);
	printf("%llu %llu %llu %llu\n", received.bytes, received.packets, sent.bytes, sent.packets);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	int fd;

	if (argc != 2) {
		fprintf(stderr, "usage: inner INTERFACE\n");
		return 2;
	}
	fd = open_socket(argv[1]);
	puts("ready");
	fflush(stdout);
	for (;;) {
		struct pollfd ready[] = { { .fd = fd, .events = POLLIN },
					  { .fd = STDIN_FILENO, .events = POLLIN } };

		if (poll(ready, 2, -1) < 0 && errno != EINTR)
			fail("poll");
		drain(fd);
		if (ready[1].revents)
			answer(fd);
	}
}
