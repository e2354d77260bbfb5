// SPDX-License-Identifier: Apache-2.0
/*
 * churn PORT COUNT: opens COUNT TCP connections over lo, one after another, as fast as possible. A
 * server that sends nothing listens on PORT. The client process is called danted, so that each
 * connection counts both as a client connection and as an upstream connection. The client ends them
 * in turn by RST, by FIN, and in the middle of a SOCKS request. Prints one JSON object.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SOURCES 4096 /* 127.1.0.0/20: none has all its ports in TIME_WAIT */
#define BACKLOG 4096

enum ending { ENDING_RESET, ENDING_FIN, ENDING_REQUEST, ENDING_COUNT };

/* A greeting and a request for 10.99.0.1:7, all at once. */
static const unsigned char request[] = { 5, 1, 0, 5, 1, 0, 1, 10, 99, 0, 1, 0, 7 };

static void die(const char *what)
{
	fprintf(stderr, "churn: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int listen_on(unsigned int port)
{
	struct sockaddr_in any = { .sin_family = AF_INET,
				   .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
				   .sin_port = htons(port) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (fd < 0 || bind(fd, (struct sockaddr *)&any, sizeof(any)) || listen(fd, BACKLOG))
		die("listen");
	return fd;
}

static void serve(int listener)
{
	char bytes[64];

	for (;;) {
		int fd = accept(listener, NULL, NULL);

		if (fd < 0)
			continue; /* it left before */
		while (recv(fd, bytes, sizeof(bytes), 0) > 0)
			;
		close(fd);
	}
}

static void connect_once(unsigned int port, unsigned int number)
{
	struct sockaddr_in from = { .sin_family = AF_INET,
				    .sin_addr.s_addr = htonl(0x7f010000u + number % SOURCES) };
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
				  .sin_port = htons(port) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;
	struct linger reset = { .l_onoff = 1 };

	setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof(one));
	if (fd < 0 || bind(fd, (struct sockaddr *)&from, sizeof(from)) ||
	    connect(fd, (struct sockaddr *)&to, sizeof(to)))
		die("connect");
	if (number % ENDING_COUNT == ENDING_REQUEST &&
	    send(fd, request, sizeof(request), 0) != sizeof(request))
		die("send");
	if (number % ENDING_COUNT != ENDING_FIN)
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	close(fd);
}

int main(int argc, char **argv)
{
	unsigned int port = argc > 2 ? atoi(argv[1]) : 0, count = argc > 2 ? atoi(argv[2]) : 0;
	struct timespec begun, ended;
	int listener;
	pid_t server;

	if (!port || !count) {
		fprintf(stderr, "usage: churn PORT COUNT\n");
		return 2;
	}
	listener = listen_on(port);
	server = fork();
	if (server == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		serve(listener);
	}
	prctl(PR_SET_NAME, "danted");
	clock_gettime(CLOCK_MONOTONIC, &begun);
	for (unsigned int i = 0; i < count; i++)
		connect_once(port, i);
	clock_gettime(CLOCK_MONOTONIC, &ended);
	kill(server, SIGKILL); /* what it has not closed yet ends with it */
	waitpid(server, NULL, 0);
	printf("{\"connections\": %u, \"requests\": %u, \"seconds\": %.3f}\n", count,
	       count / ENDING_COUNT,
	       (double)(ended.tv_sec - begun.tv_sec) +
		       (double)(ended.tv_nsec - begun.tv_nsec) / 1e9);
	return 0;
}
