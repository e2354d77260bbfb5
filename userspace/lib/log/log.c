// SPDX-License-Identifier: Apache-2.0
#include "lib/log/log.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lib/log/line.h"

static struct {
	enum log_level level;
	bool json;
	const char *process;
	bool socket; /* standard error is a socket: send without waiting */
	unsigned long lost;
} settings = { .level = LOG_LEVEL_INFO };

void log_setup(enum log_level level, bool json)
{
	settings.level = level;
	settings.json = json;
}

void log_process(const char *name)
{
	settings.process = name;
}

bool log_enabled(enum log_level level)
{
	return level >= settings.level;
}

void log_open(void)
{
	time_t now = time(NULL);
	struct stat status;
	struct tm tm;
	int fd;

	gmtime_r(&now, &tm); /* reads /etc/localtime now; a confined process cannot */

	/*
	 * A closed descriptor would be reused for the next socket, which would then get our log
	 * lines.
	 */
	while ((fd = open("/dev/null", O_RDWR)) >= 0 && fd <= STDERR_FILENO)
		;
	if (fd >= 0)
		close(fd);
	if (fstat(STDERR_FILENO, &status))
		return;
	settings.socket = S_ISSOCK(status.st_mode);
	if (!S_ISFIFO(status.st_mode))
		return;
	/* O_NONBLOCK belongs to the open file, which other processes share: open it again. */
	fd = open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK);
	if (fd < 0)
		return;		 /* pipe of another user, or no /proc: poll before each line */
	dup2(fd, STDERR_FILENO); /* another process can fill the pipe after our poll */
	close(fd);
}

/*
 * Writes a line. Waits briefly for a slow reader; after a lost line, does not wait until there is
 * room again.
 */
#define READER_WAIT_MS 10

static bool put(const char *line, size_t length)
{
	struct pollfd writable = { .fd = STDERR_FILENO, .events = POLLOUT };
	ssize_t n;

	if (!settings.socket && poll(&writable, 1, settings.lost ? 0 : READER_WAIT_MS) != 1)
		return false;
	do
		n = settings.socket ? send(STDERR_FILENO, line, length, MSG_DONTWAIT | MSG_NOSIGNAL)
				    : write(STDERR_FILENO, line, length);
	while (n < 0 && errno == EINTR);
	return n >= 0;
}

/* Writes the number of lost lines as a line, to go before the next line in the same write. */
static size_t lost_line(char *line, const char *time)
{
	const struct log_field fields[] = { field_unsigned("count", settings.lost), {} };

	return log_line_format(line, settings.json, time, LOG_LEVEL_WARN, settings.process,
			       "log lines lost because their reader was too slow", fields);
}

void log_write(enum log_level level, const char *message, const struct log_field *fields)
{
	int saved = errno;
	char lines[2 * LOG_LINE_SIZE];
	char time[LOG_TIME_SIZE];
	struct timespec now;
	size_t length, before, first = 0;

	if (!log_enabled(level))
		return;
	clock_gettime(CLOCK_REALTIME, &now);
	log_time_format(time, now.tv_sec, now.tv_nsec);
	before = settings.lost ? lost_line(lines, time) : 0;
	length = log_line_format(lines + before, settings.json, time, level, settings.process,
				 message, fields);
	if (before + length > PIPE_BUF) /* too long for one atomic write: report the loss later */
		first = before;
	/* A full or closed pipe must not stop the process: the line is lost. */
	if (!put(lines + first, before + length - first))
		settings.lost++;
	else if (!first)
		settings.lost = 0;
	errno = saved;
}
