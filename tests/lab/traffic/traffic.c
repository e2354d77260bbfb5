// SPDX-License-Identifier: Apache-2.0
/*
 * traffic: many SOCKS clients in one event loop, which check what they see. Prints a tally as JSON.
 *
 * With --control each line of its output is a JSON object. When all but the held connections have
 * ended, it prints {"event": "quiet", "held": N, …tally}. Then it reads commands: "release" ends
 * the held connections, as does the end of the input. The last line is the tally, without "event".
 */
#include <argp.h>
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include "session.h"

enum { KINDS_MAX = 256, PROXIES_MAX = 256 };

static struct {
	struct kind kinds[KINDS_MAX];
	unsigned int kind_count;
	struct proxy proxies[PROXIES_MAX];
	unsigned int proxy_count;
	unsigned int concurrency;
	uint64_t seed;
	bool control, each;
} options = { .concurrency = 64, .seed = 1 };

static struct loop loop = { .control_fd = -1, .patience = 60000000000ull };

struct start {
	uint16_t kind, proxy;
};

static struct start *plan;
static size_t plan_length, plan_next;
static uint64_t started;

static int address_parse(struct sockaddr_storage *address, const char *text, unsigned int port)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)address;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)address;

	memset(address, 0, sizeof(*address));
	v4->sin_port = htons(port); /* at the same place in both */
	if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
		address->ss_family = AF_INET;
		return sizeof(*v4);
	}
	if (inet_pton(AF_INET6, text, &v6->sin6_addr) != 1)
		return -EINVAL;
	address->ss_family = AF_INET6;
	return sizeof(*v6);
}

static int proxy_add(char *text)
{
	struct proxy *proxy = &options.proxies[options.proxy_count++];
	char *address = strsep(&text, ",");
	char *port = strsep(&text, ",");
	int length;

	if (options.proxy_count == PROXIES_MAX || !port)
		return -EINVAL;
	snprintf(proxy->text, sizeof(proxy->text), "%s,%s", address, port);
	proxy->credentials.user = strsep(&text, ",");
	proxy->credentials.password = text;
	length = address_parse(&proxy->address, address, atoi(port));
	proxy->length = length;
	return length < 0 ? length : 0;
}

static int spec_read(const char *path)
{
	FILE *file = fopen(path, "re");
	char line[256];
	int err = file ? 0 : -errno;

	while (!err && fgets(line, sizeof(line), file)) {
		const char *text = line + strspn(line, " \t\n");

		if (!*text || *text == '#')
			continue;
		err = options.kind_count < KINDS_MAX
			      ? kind_parse(&options.kinds[options.kind_count++], text)
			      : -E2BIG;
	}
	if (file)
		fclose(file);
	return err;
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
	switch (key) {
	case 'p':
		if (proxy_add(argument))
			argp_error(state, "--proxy is ADDRESS,PORT[,USER,PASSWORD]");
		break;
	case 'f':
		if (spec_read(argument))
			argp_error(state, "cannot use %s", argument);
		break;
	case 'c': options.concurrency = atoi(argument) ?: 1; break;
	case 's': options.seed = strtoull(argument, NULL, 10); break;
	case 'S':
		if (loop.source_count == 32 ||
		    address_parse(&loop.sources[loop.source_count++], argument, 0) < 0)
			argp_error(state, "--source is an address");
		break;
	case 'd': loop.patience = strtoull(argument, NULL, 10) * 1000000000ull; break;
	case 'C': options.control = true; break;
	case 'e': options.each = true; break;
	case 'k': kind_help(stdout); exit(0);
	case ARGP_KEY_ARG:
		if (options.kind_count == KINDS_MAX ||
		    kind_parse(&options.kinds[options.kind_count++], argument))
			exit(2);
		break;
	case ARGP_KEY_END:
		if (!options.kind_count || !options.proxy_count)
			argp_error(state, "needs --proxy and a kind");
		break;
	default: return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static const struct argp_option argp_options[] = {
	{ "proxy", 'p', "ADDRESS,PORT[,USER,PASSWORD]", 0,
	  "a proxy; all of them get the same share", 0 },
	{ "spec", 'f', "FILE", 0, "a kind a line", 0 },
	{ "concurrency", 'c', "N", 0, "open at once, without the held ones (64)", 0 },
	{ "seed", 's', "N", 0, "of the order (1)", 0 },
	{ "source", 'S', "ADDRESS", 0, "connect from there, in turn", 0 },
	{ "deadline", 'd', "SECONDS", 0, "of one connection (60)", 0 },
	{ "control", 'C', NULL, 0, "obey lines on the input", 0 },
	{ "each", 'e', NULL, 0, "each proxy gets every count, instead of its share", 0 },
	{ "kinds", 'k', NULL, 0, "explain the kinds", 0 },
	{}
};

static uint64_t random_next(void)
{
	static uint64_t state;

	state = state ?: options.seed * 0x9e3779b97f4a7c15ull + 1;
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

/* All sessions to start, in random order. */
static void plan_make(void)
{
	unsigned int shares = options.each ? options.proxy_count : 1;
	size_t n = 0;

	for (unsigned int k = 0; k < options.kind_count; k++)
		plan_length += (size_t)options.kinds[k].count * shares;
	plan = calloc(plan_length ?: 1, sizeof(*plan));
	if (!plan)
		abort();
	for (unsigned int k = 0; k < options.kind_count; k++)
		for (size_t i = 0; i < (size_t)options.kinds[k].count * shares; i++, n++)
			plan[n] = (struct start){ k, i % options.proxy_count };
	for (n = plan_length; n > 1; n--) {
		size_t other = random_next() % n;
		struct start start = plan[n - 1];

		plan[n - 1] = plan[other];
		plan[other] = start;
	}
}

static void report(const char *event)
{
	double seconds = (clock_now() - started) / 1e9;
	struct tally total = {};

	fputc('{', stdout);
	if (event)
		printf("\"event\": \"%s\", \"held\": %u, ", event, loop.held_count);
	for (unsigned int i = 0; i < options.proxy_count; i++)
		tally_add(&total, &options.proxies[i].tally);
	tally_print(stdout, &total, seconds);
	free(total.latencies);
	fputs(", ", stdout);
	unexpected_print(stdout);
	fputs(", \"proxies\": {", stdout);
	for (unsigned int i = 0; i < options.proxy_count; i++) {
		printf("%s\"%s\": {", i ? ", " : "", options.proxies[i].text);
		tally_print(stdout, &options.proxies[i].tally, seconds);
		fputc('}', stdout);
	}
	puts("}}");
	fflush(stdout);
}

static void sessions_reap(void)
{
	struct session *next;

	if (!loop.over_count)
		return;
	loop.over_count = 0;
	for (struct session *session = loop.live; session; session = next) {
		next = session->next;
		if (!session->over)
			continue;
		if (session->previous)
			session->previous->next = next;
		else
			loop.live = next;
		if (next)
			next->previous = session->previous;
		loop.live_count--;
		free(session);
	}
}

static void sessions_tick(void)
{
	for (struct session *session = loop.live; session; session = session->next)
		session_tick(&loop, session);
}

static void sessions_release(void)
{
	for (struct session *session = loop.live; session; session = session->next)
		session_release(&loop, session);
}

/* false at the end of the input */
static bool control_read(void)
{
	char text[256];
	ssize_t got = read(STDIN_FILENO, text, sizeof(text) - 1);

	if (got > 0) {
		text[got] = 0;
		if (strstr(text, "release"))
			sessions_release();
	}
	return got > 0;
}

static void run(void)
{
	struct epoll_event events[512];
	uint64_t next_tick = 0;
	bool was_quiet = false;

	for (;;) {
		int count;

		loop.now = clock_now();
		while (plan_next < plan_length &&
		       loop.live_count - loop.held_count < options.concurrency) {
			struct start start = plan[plan_next++];

			session_start(&loop, &options.kinds[start.kind],
				      &options.proxies[start.proxy]);
		}
		if (plan_next == plan_length && loop.live_count == loop.held_count && !was_quiet) {
			was_quiet = true;
			if (options.control)
				report("quiet");
			else
				sessions_release();
		}
		sessions_reap();
		if (plan_next == plan_length && !loop.live_count)
			return;
		count = epoll_wait(loop.epoll_fd, events, 512, 1);
		loop.now = clock_now();
		for (int i = 0; i < count; i++) {
			if (events[i].data.ptr)
				session_run(&loop, events[i].data.ptr);
			else if (!control_read())
				sessions_release();
		}
		if (loop.now >= next_tick) {
			sessions_tick();
			next_tick = loop.now + 1000000;
		}
		sessions_reap();
	}
}

int main(int argc, char **argv)
{
	static const struct argp argp = {
		argp_options, parse, "KIND...", "Many SOCKS clients; see --kinds.", NULL, NULL, NULL
	};
	struct rlimit files;

	argp_parse(&argp, argc, argv, 0, NULL, NULL);
	signal(SIGPIPE, SIG_IGN);
	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	loop.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (options.control)
		epoll_ctl(loop.epoll_fd, EPOLL_CTL_ADD, STDIN_FILENO,
			  &(struct epoll_event){ .events = EPOLLIN, .data.ptr = NULL });
	plan_make();
	started = clock_now();
	run();
	report(NULL);
	return unexpected_total() ? 1 : 0;
}
