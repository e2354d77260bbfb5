// SPDX-License-Identifier: Apache-2.0
/*
 * Bulk data on a SOCKS client's connection, without other traffic on the interface.
 * `bulk serve ADDRESS PORT` accepts a SOCKS5 dialogue, then sends or receives.
 * `bulk receive|send ADDRESS PORT MIB` is the client.
 * The server handles one connection at a time. It ends at the end of its standard input.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BLOCK (1 << 18)
#define MIB (1 << 20)

static char block[BLOCK];

__attribute__((noreturn)) static void fail(const char *what)
{
	fprintf(stderr, "bulk: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void send_all(int fd, const void *bytes, size_t length)
{
	for (ssize_t n; length; bytes = (const char *)bytes + n, length -= (size_t)n) {
		n = send(fd, bytes, length, MSG_NOSIGNAL);
		if (n < 0)
			fail("send");
	}
}

static void receive_exact(int fd, void *bytes, size_t length)
{
	if (recv(fd, bytes, length, MSG_WAITALL) != (ssize_t)length)
		fail("receive");
}

static void receive_to_end(int fd)
{
	while (recv(fd, block, sizeof(block), 0) > 0)
		;
}

/* The wish is in the port of the request: 1 means send, 2 receive. */
static void serve_one(int fd)
{
	unsigned char greeting[3], request[10], mib[4];

	receive_exact(fd, greeting, sizeof(greeting));
	send_all(fd, "\5\0", 2);
	receive_exact(fd, request, sizeof(request));
	send_all(fd, "\5\0\0\1\0\0\0\0\0\0", 10);
	receive_exact(fd, mib, sizeof(mib));
	if (request[9] == 2) {
		receive_to_end(fd);
		return;
	}
	for (int blocks = (mib[0] << 8 | mib[1]) * (MIB / BLOCK); blocks; blocks--)
		send_all(fd, block, sizeof(block));
}

static void serve(const struct sockaddr_in *address)
{
	int listener = socket(AF_INET, SOCK_STREAM, 0), one = 1;
	struct pollfd ready[2] = { { .fd = listener, .events = POLLIN },
				   { .fd = STDIN_FILENO, .events = POLLIN } };

	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(listener, (const struct sockaddr *)address, sizeof(*address)) ||
	    listen(listener, 16))
		fail("listen");
	printf("ready\n");
	fflush(stdout);
	while (poll(ready, 2, -1) > 0 && !ready[1].revents) {
		int fd = accept(listener, NULL, NULL);

		if (fd < 0)
			fail("accept");
		serve_one(fd);
		close(fd);
	}
}

static void client(const struct sockaddr_in *address, int sends, int mib)
{
	unsigned char request[10] = { 5, 1, 0, 1, 10, 99, 0, 1, 0, sends ? 2 : 1 }, reply[10];
	unsigned char size[4] = { mib >> 8, mib & 0xff };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (connect(fd, (const struct sockaddr *)address, sizeof(*address)))
		fail("connect");
	send_all(fd, "\5\1\0", 3);
	receive_exact(fd, reply, 2);
	send_all(fd, request, sizeof(request));
	receive_exact(fd, reply, sizeof(reply));
	send_all(fd, size, sizeof(size));
	if (!sends) {
		receive_to_end(fd);
		return;
	}
	for (int blocks = mib * (MIB / BLOCK); blocks; blocks--)
		send_all(fd, block, sizeof(block));
	shutdown(fd, SHUT_WR);
	receive_to_end(fd);
}

int main(int argc, char **argv)
{
	struct sockaddr_in address = { .sin_family = AF_INET };

	if (argc < 4 || !inet_aton(argv[2], &address.sin_addr)) {
		fprintf(stderr, "Usage: bulk serve|receive|send ADDRESS PORT [MIB]\n");
		return 2;
	}
	address.sin_port = htons(atoi(argv[3]));
	if (!strcmp(argv[1], "serve"))
		serve(&address);
	else
		client(&address, !strcmp(argv[1], "send"), argc > 4 ? atoi(argv[4]) : 1);
	return 0;
}
