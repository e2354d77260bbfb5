// SPDX-License-Identifier: Apache-2.0
#include "web/web.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <time.h>

#include "lib/cleanup.h"
#include "lib/log/log.h"
#include "lib/time.h"
#include "web/confine.h"
#include "web/state.h"

#define HEARTBEAT_PERIOD_NS (500 * NS_PER_MS)
#define CONFIG_RELOAD_NS (20 * NS_PER_MS) /* between checks for the first settings */
#define DRAIN_NS (300 * NS_PER_MS)	  /* at the end, to finish responses */
#define CONNECTIONS_MAX 1024
#define CONNECTIONS_MAX_TLS 256 /* 15 KiB each; select needs descriptors below FD_SETSIZE */
#define DESCRIPTORS_SPARE 256	/* descriptors that are not client connections */
#define EVENTS 16

/* Raises the descriptor limit. Returns the possible number of clients. */
static size_t descriptors_prepare(uint64_t *limit)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) < 0)
		return CONNECTIONS_MAX / 4;
	if (files.rlim_cur < CONNECTIONS_MAX + DESCRIPTORS_SPARE) {
		files.rlim_cur = CONNECTIONS_MAX + DESCRIPTORS_SPARE;
		if (files.rlim_cur > files.rlim_max)
			files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
		getrlimit(RLIMIT_NOFILE, &files);
	}
	*limit = files.rlim_cur;
	if (files.rlim_cur >= CONNECTIONS_MAX + DESCRIPTORS_SPARE)
		return CONNECTIONS_MAX;
	return files.rlim_cur > 2 * DESCRIPTORS_SPARE ? files.rlim_cur - DESCRIPTORS_SPARE
						      : files.rlim_cur / 2;
}

/* SIGTERM arrives as an event of the loop; SIGINT of a terminal is for the supervisor. */
static int signals_watch(struct web *web)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u32 = EVENT_SIGNAL };
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGINT, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	web->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (web->signals < 0 || epoll_ctl(web->epoll, EPOLL_CTL_ADD, web->signals, &event) < 0)
		return -errno;
	return 0;
}

static int channel_watch(const struct web *web)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u32 = EVENT_CHANNEL };

	if (web->child->channel < 0)
		return 0;
	return epoll_ctl(web->epoll, EPOLL_CTL_ADD, web->child->channel, &event) < 0 ? -errno : 0;
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* Milliseconds until the next deadline. */
static int wait_ms(const struct web *web, uint64_t heartbeat_due_ns)
{
	uint64_t due = heartbeat_due_ns;

	if (web->pending)
		return 0;
	due = earlier(due, connections_due(&web->connections));
	due = earlier(due, snapshots_due(&web->snapshots, web->now_ns));
	if (web->paused)
		due = earlier(due, web->resumed_ns);
	if (!web->listening)
		due = earlier(due, web->now_ns + CONFIG_RELOAD_NS);
	return due <= web->now_ns ? 0 : (int)((due - web->now_ns + NS_PER_MS - 1) / NS_PER_MS);
}

static void event_handle(struct web *web, uint32_t what)
{
	switch (what) {
	case EVENT_SIGNAL:
		web->stopping = true;
		epoll_ctl(web->epoll, EPOLL_CTL_DEL, web->signals, NULL);
		break;
	case EVENT_CHANNEL:
		if (!snapshots_receive(&web->snapshots, web->now_ns))
			epoll_ctl(web->epoll, EPOLL_CTL_DEL, web->child->channel, NULL);
		break;
	case EVENT_SERVER: web->pending = true; break;
	case EVENT_PASSWORDS: passwords_receive(&web->passwords); break;
	default: server_accept(web, web->child->sockets[what - EVENT_LISTEN]);
	}
}

static bool work_left(const struct web *web)
{
	return !TAILQ_EMPTY(&web->connections.lists[CONNECTION_WORKING]) ||
	       !TAILQ_EMPTY(&web->connections.lists[CONNECTION_SENDING]);
}

/* Runs until SIGTERM. Returns 0 or -errno. */
static int loop(struct web *web)
{
	struct epoll_event events[EVENTS];
	uint64_t heartbeat_due_ns = 0, end_ns = 0;

	do {
		int count = epoll_wait(web->epoll, events, EVENTS, wait_ms(web, heartbeat_due_ns));

		if (count < 0 && errno != EINTR)
			return -errno;
		web->now_ns = clock_now_ns();
		for (int i = 0; i < count; i++)
			event_handle(web, events[i].data.u32);
		if (connections_expire(&web->connections, web->now_ns))
			web->pending = true;
		snapshots_tick(&web->snapshots, web->now_ns);
		config_reload(web);
		server_resume(web);
		if (web->pending)
			server_work(web);
		if (web->now_ns >= heartbeat_due_ns) {
			heartbeat_write(web->child->shared, web->child->process, web->now_ns);
			heartbeat_due_ns = web->now_ns + HEARTBEAT_PERIOD_NS;
		}
		if (web->stopping && !end_ns) {
			server_quiesce(web);
			end_ns = heartbeat_due_ns = web->now_ns + DRAIN_NS;
		}
	} while (!web->stopping || (work_left(web) && web->now_ns < end_ns));
	return 0;
}

/*
 * Starts the thread in any case, because each reload can add users. Without the thread, requests
 * with a password are refused.
 */
static int passwords_start(void *closure)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u32 = EVENT_PASSWORDS };
	struct web *web = closure;
	struct bcrypt *bcrypt;

	if (!config_wanted(web))
		return 0;
	bcrypt = bcrypt_start();
	if (!bcrypt || passwords_init(&web->passwords, bcrypt) ||
	    epoll_ctl(web->epoll, EPOLL_CTL_ADD, bcrypt->event, &event) < 0)
		log_error("cannot start password check", field_error(errno));
	else
		web->gate.passwords = &web->passwords;
	return 0;
}

static int web_start(struct web *web)
{
	const struct child *child = web->child;
	size_t connections;
	int r;

	web->now_ns = clock_now_ns();
	web->self = (struct self_metrics){ .config = child->config,
					   .shared = child->shared,
					   .refused = web->gate.refused };
	connections = descriptors_prepare(&web->self.max_fds);
	if (config_wanted(web) && connections > CONNECTIONS_MAX_TLS)
		connections = CONNECTIONS_MAX_TLS;
	connections_init(&web->connections, connections);
	snapshots_init(&web->snapshots, child->channel, child->snapshot, child->shared,
		       web->now_ns);
	web->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (web->epoll < 0)
		return -errno;
	r = signals_watch(web);
	if (!r)
		r = channel_watch(web);
	if (!r)
		r = server_start(web);
	return r ? r : confine(child, passwords_start, web);
}

static void web_free(struct web *web)
{
	if (web->daemons[SERVER_PLAIN]) {
		/* A daemon must not be stopped while a connection is suspended. */
		if (web->gate.passwords)
			passwords_abandon(&web->passwords);
		snapshots_abandon(&web->snapshots);
		server_work(web);
	}
	server_stop(web);
	snapshots_free(&web->snapshots);
	pages_free(&web->pages);
	bodies_free(&web->bodies);
	web_config_release(web->config);
	web_config_sweep();
	close_descriptor(&web->signals);
	close_descriptor(&web->epoll);
}

int web_run(const struct child *child)
{
	struct web web = { .child = child, .epoll = -1, .signals = -1 };
	int r;

	log_process("web");
	r = web_start(&web);
	if (r) {
		log_error("cannot start web server", field_error(r));
	} else {
		r = loop(&web);
		if (r)
			log_error("cannot wait for events", field_error(r));
	}
	web_free(&web);
	return r ? EXIT_FAILURE : EXIT_SUCCESS;
}
