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

/* A name in the file is relative to the file's folder. -ENAMETOOLONG when it does not fit. */
static int path_join(char out[static JUDGE_PATH_SIZE], const char *config, const char *name)
{
	const char *slash = strrchr(config, '/');
	int folder = slash && *name != '/' ? (int)(slash - config) + 1 : 0;
	int length = snprintf(out, JUDGE_PATH_SIZE, "%.*s%s", folder, config, name);

	return length < 0 || length >= JUDGE_PATH_SIZE ? -ENAMETOOLONG : 0;
}

/* Reads the file that the juror names, and hands it over. 0, -EAGAIN when it changed, or the juror's end. */
static int file_serve(int juror, struct judged *judged, int part)
{
	char name[JUDGE_PATH_SIZE];
	int err = juror_name_receive(juror, name);

	if (err || !*name)
		return err;
	err = path_join(judged->paths[part], judged->paths[BUNDLE_CONFIG], name);
	if (!err)
		err = file_read(judged->paths[part], SETTINGS_PEM_MAX, &judged->bundle.data[part],
				&judged->bundle.size[part], &judged->marks[part]);
	if (err == -EAGAIN)
		return err;
	return juror_file_send(juror, err, judged->bundle.data[part], judged->bundle.size[part]);
}

/* Collects it. `left`: it was left alone, and ends without a word. */
static bool juror_content(pid_t pid, bool left)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return false;
	if (WIFSIGNALED(status))
		log_error("%s: who judges it was killed by signal %d (%s)", JUROR_FLAG, WTERMSIG(status),
			  strsignal(WTERMSIG(status)));
	if (WIFEXITED(status) && WEXITSTATUS(status) == JUROR_SILENT && !left)
		log_error("%s: it could not be judged", JUROR_FLAG);
	return WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS;
}

static enum judgement jury_hear(struct judged *judged, bool notes)
{
	int pair[2], err = 0;
	bool content;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0) {
		log_error("%s: %m", JUROR_FLAG);
		return JUDGE_BAD;
	}
	pid = fork();
	if (pid == 0) {
		close(pair[0]);
		juror_run(pair[1], judged->paths[BUNDLE_CONFIG], judged->bundle.data[BUNDLE_CONFIG],
			  judged->bundle.size[BUNDLE_CONFIG], notes);
	}
	close(pair[1]);
	if (pid < 0)
		log_error("%s: cannot fork: %m", JUROR_FLAG);
	for (int i = BUNDLE_PEM; pid > 0 && i < BUNDLE_PARTS && !err; i++)
		err = file_serve(pair[0], judged, i);
	close(pair[0]);
	content = pid > 0 && juror_content(pid, err == -EAGAIN);
	if (err == -EAGAIN)
		return JUDGE_CHANGED;
	return content && !err ? JUDGE_GOOD : JUDGE_BAD;
}

enum judgement judge(const char *path, bool notes, struct judged *judged)
{
	int err;

	*judged = (struct judged){ 0 };
	if (path_join(judged->paths[BUNDLE_CONFIG], "", path)) {
		log_error("%s: the path is too long", JUROR_FLAG);
		return JUDGE_BAD;
	}
	err = file_read(path, SETTINGS_SIZE_MAX, &judged->bundle.data[BUNDLE_CONFIG],
			&judged->bundle.size[BUNDLE_CONFIG], &judged->marks[BUNDLE_CONFIG]);
	if (err == -EAGAIN)
		return JUDGE_CHANGED;
	if (err) {
		log_error("%s=%s: %s", JUROR_FLAG, path, file_error(-err));
		return JUDGE_BAD;
	}
	return jury_hear(judged, notes);
}
