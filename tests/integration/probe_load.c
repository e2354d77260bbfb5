// SPDX-License-Identifier: Apache-2.0
/*
 * probe_load PORT SECONDS CONCURRENCY [PATH [PROCESSES]]: probes a port as fast as it answers, with
 * a new connection for each probe.
 *
 * CONCURRENCY holds for each process. A loopback connection costs the client more than the server,
 * so one process may be too slow.
 *
 * Prints one JSON object: probes; failed (anything but a complete 200); rate; and the latency in
 * microseconds, from connect to the end of the answer.
 *
 * The server closes first and keeps the TIME_WAIT sockets, so local ports do not run out here.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CONCURRENCY_MAX 1024
#define LATENCY_MAX_US 2000000
#define ANSWER_MAX 16384

struct probe {
	int fd;
	uint64_t begin_ns;
	size_t length;
	char answer[ANSWER_MAX];
};

static struct probe probes[CONCURRENCY_MAX];
static struct {
	_Atomic uint64_t done, failed;
	_Atomic uint32_t latencies[LATENCY_MAX_US + 1]; /* how many took that many µs */
} * tally;						/* of all processes */
static struct sockaddr_in target = { .sin_family = AF_INET };
static char request[4096];

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void probe_begin(struct probe *probe)
{
	probe->begin_ns = now_ns();
	probe->length = 0;
	probe->fd = socket(AF_INET, SOCK_STREAM, 0);
	if (connect(probe->fd, (struct sockaddr *)&target, sizeof(target)) < 0 ||
	    send(probe->fd, request, strlen(request), MSG_NOSIGNAL) < 0)
		probe->length = 0; /* the read below fails, and counts it */
}

/* Whether the whole answer is there: status 200, and as many bytes as announced. */
static int probe_good(struct probe *probe)
{
	const char *length, *body;

	probe->answer[probe->length] = '\0';
	length = strstr(probe->answer, "Content-Length: ");
	body = strstr(probe->answer, "\r\n\r\n");
	return strncmp(probe->answer, "HTTP/1.1 200 ", 13) == 0 && length && body &&
	       strtoul(length + 16, NULL, 10) == probe->length - (size_t)(body + 4 - probe->answer);
}

/* The oldest first, without asking which is ready: the server answers in this order. */
static void probe_end(struct probe *probe)
{
	ssize_t length;
	uint64_t us;
	int good = 0;

	while (!good && (length = recv(probe->fd, probe->answer + probe->length,
				       ANSWER_MAX - 1 - probe->length, 0)) > 0) {
		probe->length += (size_t)length;
		good = probe_good(probe);
	}
	us = (now_ns() - probe->begin_ns) / 1000;
	tally->done++;
	tally->failed += !good;
	tally->latencies[us < LATENCY_MAX_US ? us : LATENCY_MAX_US]++;
	close(probe->fd);
}

static unsigned int percentile(double share)
{
	uint64_t wanted = (uint64_t)((double)tally->done * share), seen = 0;

	for (unsigned int us = 0; us <= LATENCY_MAX_US; us++) {
		seen += tally->latencies[us];
		if (seen > wanted)
			return us;
	}
	return LATENCY_MAX_US;
}

static void load(int concurrency, uint64_t end_ns)
{
	for (int i = 0; i < concurrency; i++)
		probe_begin(&probes[i]);
	for (int i = 0; now_ns() < end_ns; i = (i + 1) % concurrency) {
		probe_end(&probes[i]);
		probe_begin(&probes[i]);
	}
}

int main(int argc, char **argv)
{
	uint64_t begin_ns = now_ns(), end_ns;
	int concurrency, processes;
	double seconds;

	if (argc < 4)
		return 2;
	target.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	target.sin_port = htons((uint16_t)atoi(argv[1]));
	end_ns = begin_ns + (uint64_t)(atof(argv[2]) * 1e9);
	concurrency = atoi(argv[3]) < CONCURRENCY_MAX ? atoi(argv[3]) : CONCURRENCY_MAX;
	processes = argc > 5 ? atoi(argv[5]) : 1;
	/* kubelet's own. */
	snprintf(request, sizeof(request),
		 "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%s\r\nUser-Agent: kube-probe/1.34\r\nAccept: "
		 "*/*\r\nConnection: "
		 "close\r\n\r\n",
		 argc > 4 ? argv[4] : "/livez", argv[1]);
	tally = mmap(NULL, sizeof(*tally), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		     0);
	for (int i = 1; i < processes; i++) {
		if (fork() == 0) {
			load(concurrency, end_ns);
			_exit(0);
		}
	}
	load(concurrency, end_ns);
	while (wait(NULL) > 0)
		;
	seconds = (double)(now_ns() - begin_ns) / 1e9;
	printf("{\"probes\": %llu, \"failed\": %llu, \"rate\": %.0f, \"p50_us\": %u, \"p99_us\": "
	       "%u, \"max_us\": %u}\n",
	       (unsigned long long)tally->done, (unsigned long long)tally->failed,
	       (double)tally->done / seconds, percentile(0.5), percentile(0.99),
	       percentile(1.0 - 1e-12));
	return 0;
}
