// SPDX-License-Identifier: Apache-2.0
#include "webconfig/validate.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/log/log.h"
#include "webconfig/validator.h"

/* Names in the file are relative to its directory. Returns 0 or -ENAMETOOLONG. */
static int path_join(char out[static VALIDATION_PATH_SIZE], const char *config, const char *name)
{
	const char *slash = strrchr(config, '/');
	int folder = slash && *name != '/' ? (int)(slash - config) + 1 : 0;
	int length = snprintf(out, VALIDATION_PATH_SIZE, "%.*s%s", folder, config, name);

	return length < 0 || length >= VALIDATION_PATH_SIZE ? -ENAMETOOLONG : 0;
}

/*
 * Reads the file that the validator names, and sends it the contents. Returns 0, -EAGAIN if the
 * file changed while being read, or -errno if the validator has ended.
 */
static int file_serve(int validator, struct validated *validated, int part)
{
	char name[VALIDATION_PATH_SIZE];
	int r = validator_name_receive(validator, name);

	if (r || !*name)
		return r;
	r = path_join(validated->paths[part], validated->paths[BUNDLE_CONFIG], name);
	if (!r)
		r = file_read(validated->paths[part], SETTINGS_PEM_MAX,
			      &validated->bundle.data[part], &validated->bundle.size[part],
			      &validated->marks[part]);
	if (r == -EAGAIN)
		return r;
	return validator_file_send(validator, r, validated->bundle.data[part],
				   validated->bundle.size[part]);
}

/* Waits for the validator. `left`: the parent stopped serving it, so its silence is expected. */
static bool validator_approves(pid_t pid, bool left)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return false;
	if (WIFSIGNALED(status))
		log_error("web configuration validator was killed",
			  field_text("signal", strsignal(WTERMSIG(status))));
	if (WIFEXITED(status) && WEXITSTATUS(status) == VALIDATOR_SILENT && !left)
		log_error("cannot validate web configuration");
	return WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS;
}

static enum validation validator_ask(struct validated *validated, bool notes)
{
	int pair[2], r = 0;
	bool approved;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0) {
		log_error("cannot start web configuration validator", field_error(errno));
		return VALIDATION_BAD;
	}
	pid = fork();
	if (pid == 0) {
		close(pair[0]);
		validator_run(pair[1], validated->paths[BUNDLE_CONFIG],
			      validated->bundle.data[BUNDLE_CONFIG],
			      validated->bundle.size[BUNDLE_CONFIG], notes);
	}
	close(pair[1]);
	if (pid < 0)
		log_error("cannot start web configuration validator", field_error(errno));
	for (int i = BUNDLE_PEM; pid > 0 && i < BUNDLE_PARTS && !r; i++)
		r = file_serve(pair[0], validated, i);
	close(pair[0]);
	approved = pid > 0 && validator_approves(pid, r == -EAGAIN);
	if (r == -EAGAIN)
		return VALIDATION_CHANGED;
	return approved && !r ? VALIDATION_GOOD : VALIDATION_BAD;
}

enum validation validate(const char *path, bool notes, struct validated *validated)
{
	int r;

	*validated = (struct validated){ 0 };
	if (path_join(validated->paths[BUNDLE_CONFIG], "", path)) {
		log_error("web configuration path is too long", field_text("path", path));
		return VALIDATION_BAD;
	}
	r = file_read(path, SETTINGS_SIZE_MAX, &validated->bundle.data[BUNDLE_CONFIG],
		      &validated->bundle.size[BUNDLE_CONFIG], &validated->marks[BUNDLE_CONFIG]);
	if (r == -EAGAIN)
		return VALIDATION_CHANGED;
	if (r) {
		log_error("cannot read web configuration", field_text("path", path),
			  field_text("error", file_error(-r)));
		return VALIDATION_BAD;
	}
	return validator_ask(validated, notes);
}
