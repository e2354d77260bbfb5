/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One line per event on standard error, logfmt or JSON. Safe before log_setup (logfmt, info) and under seccomp: after
 * log_open it allocates nothing, opens nothing and needs only clock_gettime (a vDSO call as a rule) and write.
 */
#pragma once

#include <stdbool.h>

enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARN, LOG_LEVEL_ERROR };

/*
 * First of all in main: the C library reads the time zone, which the first date of a process or of its parents does;
 * standard error is made such that a line never waits for its reader (a line for which there is
 * no room is lost, and counted in a later one), and descriptors 0 to 2 that are closed become /dev/null.
 */
void log_open(void);

/* What log_write calls, for rights_seccomp (with <seccomp.h>). */
#define LOG_SYSCALLS SCMP_SYS(write), SCMP_SYS(sendto), SCMP_SYS(poll), SCMP_SYS(ppoll), SCMP_SYS(clock_gettime)

/* Sets level and format for this process and the children it forks. */
void log_setup(enum log_level level, bool json);

/* Names the process in each line ("supervisor", "health", …); a string literal, not copied. */
void log_process(const char *name);

/* Whether a message of this level would be printed. */
bool log_enabled(enum log_level level);

/*
 * Prints one line in a single write(2): control characters and invalid UTF-8 of the message are escaped, a message too
 * long for a line (see lib/log/line.h) is cut with a mark. Keeps errno, so that "%m" and a later `return -errno` are
 * right. What cannot be written is lost.
 */
__attribute__((format(printf, 2, 3))) void log_write(enum log_level level, const char *format, ...);

#define log_debug(...) log_write(LOG_LEVEL_DEBUG, __VA_ARGS__)
#define log_info(...) log_write(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_warn(...) log_write(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_error(...) log_write(LOG_LEVEL_ERROR, __VA_ARGS__)
