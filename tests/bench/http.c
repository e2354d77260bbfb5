// SPDX-License-Identifier: Apache-2.0
/*
 * Sends HTTP requests, each on a new connection: `http PORT PATH COUNT THREADS`. Prints one JSON
 * object: total seconds, number of failures, bytes of the last answer, and all latencies in µs. A
 * failure is any answer but a complete 200. A latency is the time from connect to end of file. The
 * client is in C, so that it costs little compared with the server.
 */
#include <netinet/in.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define THREADS_MAX 64

static struct sockaddr_in server = { .sin_family = AF_INET };
static char request[512];

struct client {
	pthread_t thread;
	int count;
	int failed;
	size_t bytes;
	double *us;
};

static double now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1e6 + now.tv_nsec / 1e3;
}

/* The length of a whole answer of status 200, or 0. */
static size_t ask(void)
{
	struct timeval patience = { .tv_sec = 5 };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char answer[65536];
	size_t length = 0;
	ssize_t n = -1;

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	if (!connect(fd, (struct sockaddr *)&server, sizeof(server)) &&
	    send(fd, request, strlen(request), MSG_NOSIGNAL) > 0) {
		while ((n = recv(fd, answer + (length < 12 ? length : 12), sizeof(answer) - 12,
				 0)) > 0)
			length += n;
	}
	close(fd);
	return !n && length > 12 && !memcmp(answer, "HTTP/1.", 7) && !memcmp(answer + 8, " 200", 4)
		       ? length
		       : 0;
}

static void *run(void *context)
{
	struct client *client = context;

	for (int i = 0; i < client->count; i++) {
		double start = now_us();
		size_t bytes = ask();

		client->us[i] = now_us() - start;
		client->bytes = bytes ?: client->bytes;
		client->failed += !bytes;
	}
	return NULL;
}

int main(int argc, char **argv)
{
	struct client clients[THREADS_MAX] = {};
	int threads = argc > 4 ? atoi(argv[4]) : 0, count = argc > 3 ? atoi(argv[3]) : 0,
	    failed = 0;
	const char *separator = "";
	double start;

	if (threads < 1 || threads > THREADS_MAX || count < threads) {
		fprintf(stderr, "Usage: http PORT PATH COUNT THREADS\n");
		return 2;
	}
	server.sin_port = htons(atoi(argv[1]));
	server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	snprintf(request, sizeof(request),
		 "GET %s HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n", argv[2]);
	start = now_us();
	for (int i = 0; i < threads; i++) {
		clients[i].count = count / threads;
		clients[i].us = calloc(clients[i].count, sizeof(double));
		if (!clients[i].us || pthread_create(&clients[i].thread, NULL, run, &clients[i]))
			return 1;
	}
	for (int i = 0; i < threads; i++) {
		pthread_join(clients[i].thread, NULL);
		failed += clients[i].failed;
	}
	printf("{\"seconds\": %.6f, \"failed\": %d, \"bytes\": %zu, \"us\": [",
	       (now_us() - start) / 1e6, failed, clients[0].bytes);
	for (int i = 0; i < threads; i++) {
		for (int j = 0; j < clients[i].count; j++, separator = ", ")
			printf("%s%.1f", separator, clients[i].us[j]);
	}
	printf("]}\n");
	return 0;
}
