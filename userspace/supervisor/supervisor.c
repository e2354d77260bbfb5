// SPDX-License-Identifier: Apache-2.0
/*
 * The parent of all processes. It holds the resources that must outlive a child: listening sockets,
 * channels, shared memory. It forks the children, and restarts a child that dies, is stopped or
 * hangs. It reads no input, because it keeps capabilities: it only waits for signals.
 */
#include "supervisor/supervisor.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/log/log.h"
#include "lib/rights/rights.h"
#include "lib/time.h"
#include "supervisor/children.h"

#define TICK_NS (1 * NS_PER_S)	       /* heartbeat, check of children, retry of listeners */
#define STOP_TERM_NS (700 * NS_PER_MS) /* at the end: from SIGTERM to SIGKILL */
#define STOP_KILL_NS (950 * NS_PER_MS) /* at the end: from SIGTERM to the exit */

/*
 * A child must be restarted to get a new socket. Meanwhile, the backlogs of its other sockets hold
 * new connections.
 */
static void listeners_retry(struct supervisor *s, uint64_t now_ns)
{
	for (unsigned int i = 0; i < LISTENER_MAX; i++) {
		if (listener_try(&s->listeners, i, s->config, s->shared))
			child_replace(s, listener_process(i), now_ns);
	}
}

static void tick(struct supervisor *s, uint64_t now_ns)
{
	/*
	 * After our own stall (a frozen container), give the children one tick before declaring
	 * them hung.
	 */
	if (now_ns - s->tick_ns < 3 * TICK_NS)
		children_kill_hung(s, now_ns);
	s->tick_ns = now_ns;
	listeners_retry(s, now_ns);
	heartbeat_write(s->shared, PROCESS_SUPERVISOR, now_ns);
}

/* Waits for a signal until `until_ns`. Returns its number; 0: timeout. */
static int signal_wait(const struct supervisor *s, uint64_t until_ns)
{
	uint64_t now_ns = clock_now_ns();
	uint64_t left_ns = until_ns > now_ns ? until_ns - now_ns : 0;
	struct timespec timeout = { .tv_sec = (time_t)(left_ns / NS_PER_S),
				    .tv_nsec = (long)(left_ns % NS_PER_S) };
	int number = sigtimedwait(&s->signals, NULL, &timeout);

	return number > 0 ? number : 0;
}

static uint64_t next_event_ns(const struct supervisor *s)
{
	uint64_t next_ns = s->tick_ns + TICK_NS;

	for_each_child (process) {
		const struct supervised *child = &s->children[process];

		if (!child->pid && child_wanted(s, process) && child->start_ns < next_ns)
			next_ns = child->start_ns;
	}
	return next_ns;
}

/* Handles SIGHUP, from a service manager or from a terminal that was closed. */
static void reload(const struct supervisor *s)
{
	pid_t webconfig = s->children[PROCESS_WEBCONFIG].pid;

	if (!s->config->web_config_file[0]) {
		log_info("no --web.config.file to reload", field_text("signal", strsignal(SIGHUP)));
		return;
	}
	log_info("reloading web configuration", field_text("signal", strsignal(SIGHUP)));
	if (webconfig) /* if it is not running, it reads the file when it starts */
		kill(webconfig, SIGHUP);
}

static void run(struct supervisor *s)
{
	int received = 0;

	while (received != SIGTERM && received != SIGINT && received != SIGQUIT) {
		uint64_t now_ns = clock_now_ns();

		children_reap(s, false);
		if (now_ns - s->tick_ns >= TICK_NS)
			tick(s, now_ns);
		children_start_due(s, clock_now_ns());
		received = signal_wait(s, next_event_ns(s));
		if (received == SIGHUP)
			reload(s);
		else if (received == SIGUSR1 || received == SIGUSR2)
			log_info("ignoring signal", field_text("signal", strsignal(received)));
	}
	log_info("stopping", field_text("signal", strsignal(received)));
}

/*
 * Ends the children. A child that is blocked in the kernel may outlive this. It dies once it wakes
 * up, because its parent is gone (child_bind_to_parent).
 */
static void stop(struct supervisor *s)
{
	uint64_t begin_ns = clock_now_ns(), now_ns = begin_ns;

	children_signal(s, SIGTERM);
	while (children_signal(s, 0) && now_ns - begin_ns < STOP_KILL_NS) {
		bool late = now_ns - begin_ns >= STOP_TERM_NS;

		if (late)
			children_signal(s, SIGKILL);
		signal_wait(s, begin_ns + (late ? STOP_KILL_NS : STOP_TERM_NS));
		children_reap(s, true);
		now_ns = clock_now_ns();
	}
}

static void signals_take(struct supervisor *s)
{
	/*
	 * Block the signals and wait for them: this also works as PID 1, for which the kernel
	 * ignores signals with the default action.
	 */
	sigemptyset(&s->signals);
	sigaddset(&s->signals, SIGTERM);
	sigaddset(&s->signals, SIGINT);
	sigaddset(&s->signals, SIGQUIT);
	sigaddset(&s->signals, SIGUSR1);
	sigaddset(&s->signals, SIGUSR2);
	sigaddset(&s->signals, SIGCHLD);
	sigaddset(&s->signals, SIGHUP);
	sigprocmask(SIG_BLOCK, &s->signals, NULL);
	signal(SIGCHLD, SIG_DFL); /* if inherited as ignored, children could not be reaped */
	signal(SIGTERM, SIG_DFL);
	signal(SIGPIPE, SIG_IGN); /* standard error may be a pipe without a reader */
}

/*
 * A child has at most the capabilities of its parent, and each child may have to be restarted. So
 * the supervisor, which reads no input, keeps all that the collector may need. The collector drops
 * those that its mode and collectors do not need.
 */
static const int capabilities[] = {
	CAP_KILL,	      /* to signal children that run as nobody */
	CAP_SETUID,	      /* for children: to become nobody … */
	CAP_SETGID,	      /* … */
	CAP_SETPCAP,	      /* … and to empty their bounding set */
	CAP_NET_BIND_SERVICE, /* a port below 1024 may become free later */
	CAP_BPF,	      /* collector: maps, programs */
	CAP_PERFMON,	      /* tracing programs */
	CAP_NET_ADMIN,	      /* tc, TCX, netlink of WireGuard */
	CAP_NET_BROADCAST,    /* node: link events of all network namespaces */
	CAP_SYS_PTRACE,	      /* node: network namespaces and environment of other processes */
	CAP_SYS_ADMIN,	      /* node: entering network namespaces; mounting bpffs */
	CAP_SYS_RESOURCE,     /* before Linux 5.11: memory of maps counts against RLIMIT_MEMLOCK */
	CAP_DAC_READ_SEARCH,  /* node: descriptors of other users' processes */
	CAP_DAC_OVERRIDE,     /* pins and sockets of other users */
};

/* Logs a failure and continues: monitoring with too many rights is better than none. */
static void rights_limit(void)
{
	int r = rights_keep(capabilities, sizeof(capabilities) / sizeof(*capabilities));

	if (r < 0)
		log_warn("cannot limit capabilities", field_error(r));
}

/* Starts health before anything else, so that probes are answered at once. */
static int begin(struct supervisor *s)
{
	struct process_cell *self;
	struct timespec realtime;

	s->shared = shared_create(s->config->proxies_max);
	if (!s->shared) {
		log_error("cannot allocate shared memory", field_error(errno));
		return -errno;
	}
	clock_gettime(CLOCK_REALTIME, &realtime);
	s->shared->start_time_realtime_ns =
		(uint64_t)realtime.tv_sec * NS_PER_S + (uint64_t)realtime.tv_nsec;
	self = &s->shared->processes[PROCESS_SUPERVISOR];
	self->started_ns = clock_now_ns();
	self->pid = getpid();

	listener_try(&s->listeners, LISTENER_HEALTH, s->config, s->shared);
	if (child_wanted(s, PROCESS_HEALTH))
		child_start(s, PROCESS_HEALTH);
	rights_limit();
	heartbeat_open();
	return channels_open(&s->channels, s->config->web_config_file[0]);
}

int supervisor_run(const struct config *config, child_main_function *const mains[PROCESS_MAX])
{
	struct supervisor s = { .config = config, .mains = mains, .channels = CHANNELS_NONE };
	int r;

	/*
	 * Close inherited descriptors: this process and its children would keep them open.
	 */
	close_range(STDERR_FILENO + 1, ~0u, 0);
	log_process(process_name(PROCESS_SUPERVISOR));
	signals_take(&s);
	listeners_init(&s.listeners);
	r = begin(&s);
	if (r == 0)
		run(&s);
	if (s.shared)
		stop(&s);
	listeners_close(&s.listeners);
	return r == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
