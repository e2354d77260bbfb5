/* SPDX-License-Identifier: Apache-2.0 */
/* A log line as text: pure, so that tests can compare bytes. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "lib/log/log.h"

/* PIPE_BUF: up to this size, lines of several processes do not mix in a pipe */
#define LOG_LINE_SIZE 4096
#define LOG_CUT_MARK "…[cut]" /* at the end of a truncated value */

/* Writes "2026-11-22T19:18:33.042Z" and NUL. */
#define LOG_TIME_SIZE 25
void log_time_format(char out[static LOG_TIME_SIZE], int64_t seconds, long nanoseconds);

/*
 * Writes `text` to `out` for use between double quotes in logfmt and in JSON. Escapes quote,
 * backslash and control characters (also C1); invalid UTF-8 becomes \ufffd. A long text ends with
 * LOG_CUT_MARK, never inside a character or an escape. Adds a NUL. `size` is at least 16. Returns
 * the length.
 */
size_t log_escape(char *out, size_t size, const char *text);

/*
 * Writes a whole line with newline, without NUL. `process` can be NULL; `fields` end with a field
 * without a name. Logfmt quotes the message, and each value that is not one plain word; JSON has
 * numbers. If a line is too long, its values are truncated with LOG_CUT_MARK. Each field after a
 * truncated one keeps its name and LOG_VALUE_KEPT bytes of its value. Returns the length.
 */
#define LOG_VALUE_KEPT 128
size_t log_line_format(char out[static LOG_LINE_SIZE], bool json, const char *time,
		       enum log_level level, const char *process, const char *message,
		       const struct log_field *fields);
