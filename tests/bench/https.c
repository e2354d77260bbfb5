// SPDX-License-Identifier: Apache-2.0
/*
 * Sends HTTPS requests over persistent connections, and accepts OpenMetrics and gzip:
 * `https PORT PATH COUNT THREADS RATE USER:PASSWORD`. RATE is the requests a second of all threads;
 * 0 means no limit. A # in the password is a different number in each request. Prints one JSON
 * object: total seconds, number of failures, bytes of the last body, and all latencies in µs. A
 * failure is any answer but a complete 200 or, with #, a 401 or 429. A latency is the time from
 * request to answer.
 */
#include <gnutls/gnutls.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define THREADS_MAX 64

static struct sockaddr_in server = { .sin_family = AF_INET };
static const char *path, *login;
static double pause_us;
static atomic_uint numbers;
static gnutls_certificate_credentials_t credentials;

struct client {
	pthread_t thread;
	int count, failed, fd;
	size_t bytes;
	double *us;
	gnutls_session_t session;
};

static double now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1e6 + now.tv_nsec / 1e3;
}

static int connect_tls(struct client *c)
{
	int r;

	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (connect(c->fd, (struct sockaddr *)&server, sizeof(server)))
		return -1;
	gnutls_init(&c->session, GNUTLS_CLIENT);
	gnutls_set_default_priority(c->session);
	gnutls_credentials_set(c->session, GNUTLS_CRD_CERTIFICATE, credentials);
	gnutls_transport_set_int(c->session, c->fd);
	do
		r = gnutls_handshake(c->session);
	while (r < 0 && !gnutls_error_is_fatal(r));
	return r;
}

static void disconnect(struct client *c)
{
	gnutls_deinit(c->session);
	close(c->fd);
	c->session = NULL;
}

static void base64(char *to, const char *from)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	size_t length = strlen(from);

	for (size_t i = 0; i < length; i += 3) {
		unsigned int group = (unsigned char)from[i] << 16;

		group |= i + 1 < length ? (unsigned char)from[i + 1] << 8 : 0;
		group |= i + 2 < length ? (unsigned char)from[i + 2] : 0;
		*to++ = digits[group >> 18];
		*to++ = digits[group >> 12 & 63];
		*to++ = i + 1 < length ? digits[group >> 6 & 63] : '=';
		*to++ = i + 2 < length ? digits[group & 63] : '=';
	}
	*to = '\0';
}

static int request_make(char *request, size_t size)
{
	char word[128], encoded[256];
	const char *mark = strchr(login, '#');

	if (mark)
		snprintf(word, sizeof(word), "%.*s%u%s", (int)(mark - login), login,
			 atomic_fetch_add(&numbers, 1), mark + 1);
	else
		snprintf(word, sizeof(word), "%s", login);
	base64(encoded, word);
	return snprintf(request, size,
			"GET %s HTTP/1.1\r\nHost: bench\r\nAccept: application/openmetrics-text; "
			"version=1.0.0\r\n"
			"Accept-Encoding: gzip\r\nAuthorization: Basic %s\r\n\r\n",
			path, encoded);
}

/* The status of a whole answer, 0 for none. */
static int ask(struct client *c)
{
	static const char field[] = "\r\nContent-Length: ";
	char request[1024], answer[1 << 17];
	const char *end, *length;
	size_t have = 0;
	ssize_t n;

	if (!c->session && connect_tls(c) < 0)
		return 0;
	if (gnutls_record_send(c->session, request,
			       (size_t)request_make(request, sizeof(request))) < 0)
		return 0;
	for (;;) {
		n = gnutls_record_recv(c->session, answer + have, sizeof(answer) - 1 - have);
		if (n == GNUTLS_E_AGAIN || n == GNUTLS_E_INTERRUPTED)
			continue;
		if (n <= 0)
			return 0;
		have += (size_t)n;
		answer[have] = '\0';
		end = strstr(answer, "\r\n\r\n");
		length = strcasestr(answer, field);
		if (end && length &&
		    have >= (size_t)(end - answer) + 4 +
				    strtoul(length + sizeof(field) - 1, NULL, 10))
			break;
	}
	c->bytes = strtoul(length + sizeof(field) - 1, NULL, 10);
	return atoi(answer + 9);
}

static void *run(void *context)
{
	struct client *c = context;
	double due = now_us();

	for (int i = 0; i < c->count; i++, due += pause_us) {
		double start = now_us();
		int status;

		if (pause_us && due > start) {
			usleep((useconds_t)(due - start));
			start = now_us();
		}
		status = ask(c);
		c->us[i] = now_us() - start;
		if (!status && c->session)
			disconnect(c);
		c->failed += strchr(login, '#') ? status != 401 && status != 429 : status != 200;
	}
	if (c->session)
		disconnect(c);
	return NULL;
}

int main(int argc, char **argv)
{
	struct client clients[THREADS_MAX] = {};
	int threads = argc > 6 ? atoi(argv[4]) : 0, count = argc > 6 ? atoi(argv[3]) : 0,
	    failed = 0;
	const char *separator = "";
	double start;

	if (threads < 1 || threads > THREADS_MAX || count < threads) {
		fprintf(stderr, "Usage: https PORT PATH COUNT THREADS RATE USER:PASSWORD\n");
		return 2;
	}
	server.sin_port = htons(atoi(argv[1]));
	server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	path = argv[2];
	login = argv[6];
	pause_us = atof(argv[5]) > 0 ? threads * 1e6 / atof(argv[5]) : 0;
	gnutls_certificate_allocate_credentials(&credentials);
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
