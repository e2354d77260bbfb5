// SPDX-License-Identifier: Apache-2.0
#include "wgsocks/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "line.h"

static struct {
	enum log_level level;
	bool json;
	const char *process;
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

void log_write(enum log_level level, const char *format, ...)
{
	int saved = errno;
	char message[LOG_LINE_SIZE + 1]; /* one more than a line holds: what is cut here is cut again, with the mark */
	char line[LOG_LINE_SIZE];
	char time[LOG_TIME_SIZE];
	struct timespec now;
	va_list arguments;
	size_t length;

	if (!log_enabled(level))
		return;
	va_start(arguments, format);
	if (vsnprintf(message, sizeof(message), format, arguments) < 0)
		snprintf(message, sizeof(message), "%s", format);
	va_end(arguments);
	clock_gettime(CLOCK_REALTIME, &now);
	log_time_format(time, now.tv_sec, now.tv_nsec);
	length = log_line_format(line, settings.json, time, level, settings.process, message);
	/* A full or closed pipe must not stop the work: the line is lost then. */
	while (write(STDERR_FILENO, line, length) < 0 && errno == EINTR)
		;
	errno = saved;
}
