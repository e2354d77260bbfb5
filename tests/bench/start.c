// SPDX-License-Identifier: Apache-2.0
/*
 * How long a program takes from exec to its answers: `start HEALTH-PORT METRICS-PORT TEXT PROGRAM
 * [ARGUMENT]...`. HEALTH-PORT 0 leaves health out; the metrics have come when their body holds
 * TEXT. Prints {"health_ms": …, "metrics_ms": …}; then SIGTERM ends the program.
 */
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define DEADLINE_MS 10000
#define POLL_US 100

static char answer[1 << 20];

static double now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1e3 + now.tv_nsec / 1e6;
}

/* Whether an answer of status 200 came that holds the text. */
static int answers(int port, const char *path, const char *text)
{
	struct sockaddr_in server = { .sin_family = AF_INET,
				      .sin_port = htons(port),
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct timeval patience = { .tv_sec = 5 };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char request[256];
	size_t length = 0;
	ssize_t n = -1;

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	snprintf(request, sizeof(request),
		 "GET %s HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n", path);
	if (!connect(fd, (struct sockaddr *)&server, sizeof(server)) &&
	    send(fd, request, strlen(request), MSG_NOSIGNAL) > 0) {
		while (length < sizeof(answer) - 1 &&
		       (n = recv(fd, answer + length, sizeof(answer) - 1 - length, 0)) > 0)
			length += n;
	}
	close(fd);
	answer[length] = 0;
	return !n && !strncmp(answer, "HTTP/1.", 7) && !strncmp(answer + 8, " 200", 4) &&
	       strstr(answer, text);
}

static double wait_for(double begin, int port, const char *path, const char *text)
{
	while (!answers(port, path, text)) {
		if (now_ms() - begin > DEADLINE_MS) {
			fprintf(stderr, "start: no %s on port %d within %d ms\n", path, port,
				DEADLINE_MS);
			return -1;
		}
		usleep(POLL_US);
	}
	return now_ms() - begin;
}

int main(int argc, char **argv)
{
	double *begin = mmap(NULL, sizeof(*begin), PROT_READ | PROT_WRITE,
			     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	double health = 0, metrics;
	pid_t child;

	if (argc < 5 || begin == MAP_FAILED) {
		fprintf(stderr,
			"Usage: start HEALTH-PORT METRICS-PORT TEXT PROGRAM [ARGUMENT]...\n");
		return 2;
	}
	if (answers(atoi(argv[2]), "/", "") || answers(atoi(argv[1]), "/", "")) {
		fprintf(stderr, "start: somebody answers already\n");
		return 1;
	}
	prctl(PR_SET_TIMERSLACK, 1UL);
	*begin = 0;
	child = fork();
	if (!child) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		prctl(PR_SET_TIMERSLACK, 0UL);
		*begin = now_ms();
		execvp(argv[4], argv + 4);
		fprintf(stderr, "start: %s: %s\n", argv[4], strerror(errno));
		_exit(127);
	}
	while (!*(volatile double *)begin)
		usleep(POLL_US);
	if (atoi(argv[1]))
		health = wait_for(*begin, atoi(argv[1]), "/livez", "");
	metrics = wait_for(*begin, atoi(argv[2]), "/metrics", argv[3]);
	kill(child, SIGTERM);
	for (double since = now_ms(); !waitpid(child, NULL, WNOHANG); usleep(POLL_US)) {
		if (now_ms() - since > DEADLINE_MS)
			kill(child, SIGKILL);
	}
	printf("{\"health_ms\": %.3f, \"metrics_ms\": %.3f}\n", health, metrics);
	return health < 0 || metrics < 0;
}
