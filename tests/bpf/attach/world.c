// SPDX-License-Identifier: Apache-2.0
#include "world.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <linux/if_ether.h>
#include <linux/if_packet.h>

#define ARRIVAL_MS 2000.0

double now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

void skip(const char *why)
{
	printf("skip %s: %s\n", case_name, why);
	fflush(stdout);
	_Exit(0);
}

void run(const char *format, ...)
{
	char command[512];
	va_list arguments;
	int status;

	va_start(arguments, format);
	vsnprintf(command, sizeof(command), format, arguments);
	va_end(arguments);
	status = system(command);
	check(status == 0, "%s: status %d", command, status);
}

int count_lines(const char *format, ...)
{
	char command[512], line[512];
	va_list arguments;
	int count = 0;
	FILE *output;

	va_start(arguments, format);
	vsnprintf(command, sizeof(command), format, arguments);
	va_end(arguments);
	output = popen(command, "r");
	check(output, "popen");
	while (fgets(line, sizeof(line), output))
		count++;
	pclose(output);
	return count;
}

static int packet_socket(uint32_t ifindex)
{
	struct sockaddr_ll address = { .sll_family = AF_PACKET,
				       .sll_protocol = htons(FRAME_PROTOCOL),
				       .sll_ifindex = (int)ifindex };
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(FRAME_PROTOCOL));
	int size = 16 << 20;

	check(fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0, "%s",
	      strerror(errno));
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	return fd;
}

void world_plug(struct world *world)
{
	if (world->send_fd >= 0)
		close(world->send_fd);
	if (world->receive_fd >= 0)
		close(world->receive_fd);
	run("ip link add near type veth peer name far && ip link set near up && ip link set far "
	    "up");
	world->near = if_nametoindex("near");
	world->far = if_nametoindex("far");
	world->send_fd = packet_socket(world->near);
	world->receive_fd = packet_socket(world->far);
}

void world_enter(struct world *world)
{
	*world = (struct world){ .send_fd = -1, .receive_fd = -1 };
	check(unshare(CLONE_NEWNET | CLONE_NEWNS) == 0, "%s", strerror(errno));
	check(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0, "%s", strerror(errno));
	/*
	 * Mounted over an existing folder that the case does not use, so that nothing is left
	 * behind.
	 */
	check(mount("bpf", "/mnt", "bpf", 0, "mode=0700") == 0, "%s", strerror(errno));
	snprintf(world->pins, sizeof(world->pins), "/mnt/links");
	check(mkdir(world->pins, 0700) == 0, "%s", strerror(errno));
	world_plug(world);
}

int world_send_blind(struct world *world, int frames)
{
	struct {
		struct ethhdr header;
		char payload[86];
	} frame = { .header = { .h_dest = { 2, 0, 0, 0, 0, 1 },
				.h_source = { 2, 0, 0, 0, 0, 2 },
				.h_proto = htons(FRAME_PROTOCOL) } };
	int sent = 0;

	for (int i = 0; i < frames; i++)
		sent += send(world->send_fd, &frame, sizeof(frame), 0) == sizeof(frame);
	return sent;
}

static int read_arrivals(struct world *world, int wanted)
{
	double end = now_ms() + ARRIVAL_MS;
	int arrived = 0;

	while (arrived < wanted && now_ms() < end) {
		struct pollfd ready = { .fd = world->receive_fd, .events = POLLIN };
		char frame[2048];

		if (poll(&ready, 1, 20) == 1 &&
		    recv(world->receive_fd, frame, sizeof(frame), MSG_DONTWAIT) > 0)
			arrived++;
	}
	return arrived;
}

int world_send(struct world *world, int frames)
{
	int sent = world_send_blind(world, frames);

	check(sent == frames, "sent %d of %d", sent, frames);
	return read_arrivals(world, frames);
}
