// SPDX-License-Identifier: Apache-2.0
#include "supervisor/children.h"

#include <errno.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/log/log.h"
#include "lib/time.h"

enum process listener_process(unsigned int listener)
{
	return listener == LISTENER_HEALTH ? PROCESS_HEALTH : PROCESS_WEB;
}

_Static_assert(LISTENER_MAX - LISTENER_METRICS <= CONFIG_ADDRESSES_MAX,
	       "the sockets of web fit into struct child");

/* In the child: takes its own listening sockets and closes those of other processes. */
static void child_take_sockets(struct supervisor *s, struct child *child)
{
	for (unsigned int i = 0; i < LISTENER_MAX; i++) {
		if (s->listeners.sockets[i] < 0)
			continue;
		if (listener_process(i) == child->process)
			child->sockets[child->socket_count++] = s->listeners.sockets[i];
		else
			close(s->listeners.sockets[i]);
	}
}

static _Noreturn void child_main(struct supervisor *s, enum process process, int parent)
{
	struct child child = {
		.config = s->config, .shared = s->shared, .process = process, .parent = parent
	};
	char comm[16] = "wgsocks-";
	sigset_t none;

	heartbeat_close();
	child_take_sockets(s, &child);
	channels_take(&s->channels, &child);
	strncat(comm, process_name(process), sizeof(comm) - strlen(comm) - 1);
	prctl(PR_SET_NAME, comm);
	log_process(process_name(process));
	/*
	 * Ctrl-C and a hangup of a terminal reach all processes. Only the supervisor handles them;
	 * it sends SIGTERM or SIGHUP where needed.
	 */
	signal(SIGINT, SIG_IGN);
	signal(SIGQUIT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	_exit(s->mains[process](&child));
}

static void child_schedule(struct supervised *child, uint64_t now_ns)
{
	child->failures = now_ns - child->started_ns >= BACKOFF_RESET_NS ? 1 : child->failures + 1;
	child->start_ns = now_ns + backoff_delay_ns(child->failures);
}

void child_start(struct supervisor *s, enum process process)
{
	struct process_cell *cell = &s->shared->processes[process];
	struct supervised *child = &s->children[process];
	int parent = getpid();

	child->started_ns = clock_now_ns();
	cell->started_ns = child->started_ns;
	child->pid = fork();
	if (child->pid == 0)
		child_main(s, process, parent);
	if (child->pid < 0) {
		log_error("cannot fork", field_text("child", process_name(process)),
			  field_error(errno), field_text("action", "retry"));
		child->pid = 0;
		child_schedule(child, child->started_ns);
		return;
	}
	cell->pid = child->pid;
	if (child->began)
		cell->restarts++;
	child->began = true;
	child->kill_ns = 0;
}

bool child_wanted(const struct supervisor *s, enum process process)
{
	if (process == PROCESS_COLLECTOR)
		return true;
	if (process == PROCESS_WEBCONFIG)
		return s->config->web_config_file[0];
	for (unsigned int i = 0; i < LISTENER_MAX; i++) {
		if (listener_process(i) == process && s->listeners.sockets[i] >= 0)
			return true;
	}
	return false;
}

void child_replace(struct supervisor *s, enum process process, uint64_t now_ns)
{
	struct supervised *child = &s->children[process];

	if (!child->pid || child->kill_ns)
		return;
	child->kill_ns = now_ns + REPLACE_NS;
	kill(child->pid, SIGTERM);
}

static void child_ended(struct supervisor *s, enum process process, int status, uint64_t now_ns)
{
	struct supervised *child = &s->children[process];

	if (child->kill_ns) {
		child->start_ns = now_ns;
		return;
	}
	child_schedule(child, now_ns);
	if (WIFSIGNALED(status))
		log_warn("process was killed", field_text("child", process_name(process)),
			 field_text("signal", strsignal(WTERMSIG(status))),
			 field_text("action", "restart"));
	else
		log_warn("process ended", field_text("child", process_name(process)),
			 field_signed("status", WEXITSTATUS(status)),
			 field_text("action", "restart"));
}

void children_reap(struct supervisor *s, bool stopping)
{
	struct rusage usage;
	int status;
	pid_t pid;

	while ((pid = wait4(-1, &status, WNOHANG | WUNTRACED, &usage)) > 0) {
		for_each_child (process) {
			struct supervised *child = &s->children[process];

			if (child->pid != pid)
				continue;
			if (WIFSTOPPED(status)) {
				log_warn("process was stopped",
					 field_text("child", process_name(process)),
					 field_text("action", "kill"));
				kill(pid, SIGKILL);
				break;
			}
			s->shared->reaped_cpu_ns +=
				(uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) *
					NS_PER_S +
				(uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) *
					NS_PER_US;
			child->pid = 0;
			s->shared->processes[process].pid = 0;
			if (!stopping)
				child_ended(s, process, status, clock_now_ns());
			break;
		}
	}
}

void children_start_due(struct supervisor *s, uint64_t now_ns)
{
	/* Health first: a probe waits for it. */
	static const enum process order[] = { PROCESS_HEALTH, PROCESS_WEBCONFIG, PROCESS_COLLECTOR,
					      PROCESS_WEB };

	for (size_t i = 0; i < sizeof(order) / sizeof(*order); i++) {
		const struct supervised *child = &s->children[order[i]];

		if (!child->pid && child->start_ns <= now_ns && child_wanted(s, order[i]))
			child_start(s, order[i]);
	}
}

void children_kill_hung(struct supervisor *s, uint64_t now_ns)
{
	for_each_child (process) {
		const struct supervised *child = &s->children[process];
		uint64_t last_ns = s->shared->processes[process].heartbeat_ns;

		if (last_ns < child->started_ns)
			last_ns = child->started_ns;
		if (!child->pid)
			continue;
		if (last_ns + HEARTBEAT_MAX_NS <= now_ns)
			log_warn("no heartbeat for 10 s",
				 field_text("child", process_name(process)),
				 field_text("action", "kill"));
		else if (!child->kill_ns || child->kill_ns > now_ns)
			continue;
		kill(child->pid, SIGKILL);
	}
}

bool children_signal(const struct supervisor *s, int number)
{
	bool any = false;

	for_each_child (process) {
		if (s->children[process].pid && kill(s->children[process].pid, number) == 0)
			any = true;
	}
	return any;
}

uint64_t backoff_delay_ns(unsigned int failures)
{
	if (failures <= 2)
		return 0;
	if (failures <= 5)
		return (100 * NS_PER_MS) << (failures - 3);
	return failures <= 30 ? 800 * NS_PER_MS : 10000 * NS_PER_MS;
}
