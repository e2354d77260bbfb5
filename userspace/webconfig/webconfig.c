// SPDX-License-Identifier: Apache-2.0
/*
 * The process webconfig checks twice a second whether --web.config.file or a file that it names has
 * changed. It has a new version validated, and passes a valid one to web. After SIGHUP it does so
 * even without a change. It may read files of root, so it parses nothing and has no network access.
 */
#include "webconfig/webconfig.h"

#include <errno.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/log/log.h"
#include "lib/process/process.h"
#include "lib/rights/rights.h"
#include "lib/time.h"
#include "webconfig/validate.h"

#define TICK_NS (500 * NS_PER_MS)
#define CHANGING_TICKS_MAX 20 /* ticks to wait for files that keep changing */

static const int capabilities[] = {
	CAP_DAC_READ_SEARCH, /* keys of other users */
	CAP_DAC_OVERRIDE,    /* the same, where CAP_DAC_READ_SEARCH is missing */
	CAP_SETUID,	     /* for the validator: to become nobody … */
	CAP_SETGID,	     /* … */
	CAP_SETPCAP,	     /* … and to empty its bounding set */
};

struct webconfig {
	const struct child *child;
	struct validated *last;		     /* paths and marks of the last validation */
	struct file_mark seen[BUNDLE_PARTS]; /* marks at the last tick */
	unsigned int changing_ticks;
};

static bool marks_same(const struct file_mark *a, const struct file_mark *b)
{
	for (int i = 0; i < BUNDLE_PARTS; i++)
		if (!file_same(&a[i], &b[i]))
			return false;
	return true;
}

static void publish(struct webconfig *f)
{
	struct web_config_cell *cell = &f->child->shared->web_config;
	uint64_t sequence = cell->sequence + 1;
	int r = bundle_write(f->child->bundle, sequence, &f->last->bundle);
	struct timespec now;

	cell->successful = !r;
	if (r) {
		log_error("cannot hand over web configuration", field_error(r));
		return;
	}
	clock_gettime(CLOCK_REALTIME, &now);
	cell->success_ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / NS_PER_MS;
	atomic_store_explicit(&cell->sequence, sequence, memory_order_release);
}

static void load(struct webconfig *f)
{
	enum validation validation = validate(f->child->config->web_config_file, true, f->last);

	if (validation == VALIDATION_GOOD)
		publish(f);
	else
		f->child->shared->web_config.successful = 0;
	if (validation != VALIDATION_GOOD && f->child->config->web_config_wait)
		f->child->shared->web_config.awaited = 1;
	bundle_free(&f->last->bundle);
	if (validation != VALIDATION_CHANGED) {
		f->changing_ticks = 0;
		return;
	}
	/* A mark that no file has, so that the next tick tries again. */
	f->last->marks[BUNDLE_CONFIG].inode = ~0ull;
	if (f->changing_ticks == CHANGING_TICKS_MAX)
		log_error("web configuration keeps changing while being read",
			  field_text("path", f->child->config->web_config_file));
}

/*
 * Changed files are read after they stayed the same for two ticks: until then, other files of the
 * same update may still be missing.
 */
static void tick(struct webconfig *f)
{
	struct file_mark now[BUNDLE_PARTS];

	for (int i = 0; i < BUNDLE_PARTS; i++)
		now[i] = file_mark_read(f->last->paths[i]);
	if (marks_same(now, f->last->marks)) {
		f->changing_ticks = 0;
	} else if (marks_same(now, f->seen) || f->changing_ticks == CHANGING_TICKS_MAX) {
		load(f);
	} else {
		f->changing_ticks++;
	}
	memcpy(f->seen, now, sizeof(now));
}

static int begin(const struct child *child, sigset_t *signals)
{
	int r;

	heartbeat_open();
	r = rights_keep(capabilities, sizeof(capabilities) / sizeof(*capabilities));
	child_bind_to_parent(child);
	sigemptyset(signals);
	sigaddset(signals, SIGTERM);
	sigaddset(signals, SIGHUP);
	sigprocmask(SIG_BLOCK, signals, NULL);
	signal(SIGHUP, SIG_DFL); /* an ignored signal would not reach sigtimedwait */
	signal(SIGPIPE, SIG_IGN);
	return r;
}

int webconfig_run(const struct child *child)
{
	static const struct timespec pause = { .tv_nsec = TICK_NS };
	struct webconfig webconfig = { .child = child, .last = calloc(1, sizeof(*webconfig.last)) };
	sigset_t signals;
	int r = webconfig.last ? begin(child, &signals) : -ENOMEM, received = 0;

	if (r) {
		log_error("cannot start webconfig", field_error(r));
		free(webconfig.last);
		return EXIT_FAILURE;
	}
	load(&webconfig);
	do {
		heartbeat_write(child->shared, child->process, clock_now_ns());
		if (received == SIGHUP)
			load(&webconfig);
		else
			tick(&webconfig);
		received = sigtimedwait(&signals, NULL, &pause);
	} while (received != SIGTERM);
	free(webconfig.last);
	return EXIT_SUCCESS;
}

static bool check_good(const struct config *config)
{
	struct validated *validated = calloc(1, sizeof(*validated));
	enum validation validation = VALIDATION_CHANGED;

	for (int i = 0; validated && i < CHANGING_TICKS_MAX && validation == VALIDATION_CHANGED;
	     i++)
		validation = validate(config->web_config_file, false, validated);
	if (validation == VALIDATION_CHANGED)
		log_error("web configuration changes while being read",
			  field_text("path", config->web_config_file));
	return validation == VALIDATION_GOOD;
}

/* Whether the file does not exist yet and --web.config.wait allows that. */
static bool check_later(const struct config *config)
{
	struct file_mark mark = file_mark_read(config->web_config_file);

	return config->web_config_wait && mark.error == ENOENT;
}

/*
 * Runs in a child, because this process becomes the supervisor, which must not read any input.
 */
int webconfig_check(const struct config *config)
{
	int status = 0;
	pid_t pid;

	if (check_later(config))
		return 0;
	pid = fork();
	if (pid == 0)
		_exit(check_good(config) ? EXIT_SUCCESS : EXIT_FAILURE);
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (pid < 0)
		log_error("cannot fork", field_error(errno));
	return pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS ? 0 : -EINVAL;
}
