/* SPDX-License-Identifier: Apache-2.0 */
/* A log line as text: pure, so that it can be tested byte by byte. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "lib/log/log.h"

/* PIPE_BUF: up to here lines of several processes do not mix in a pipe */
#define LOG_LINE_SIZE 4096
#define LOG_CUT_MARK "…[cut]" /* ends a value that did not fit */

/* "2026-11-22T19:18:33.042Z" and NUL. */
#define LOG_TIME_SIZE 25
void log_time_format(char out[static LOG_TIME_SIZE], int64_t seconds, long nanoseconds);

/*
 * Writes `text` to `out` so that it can stand between double quotes in logfmt and in JSON: quote,
 * backslash, control characters (C1 too) and what is not UTF-8 (\ufffd) escaped. Cut with
 * LOG_CUT_MARK, never inside a character or an escape. Returns the length; adds a NUL. `size` is at
 * least 16.
 */
size_t log_escape(char *out, size_t size, const char *text);

/*
 * The whole line with its newline, no NUL. `process` may be NULL; `fields` end with one without a
 * name. Logfmt quotes the message, and a value unless it is one plain word; JSON has numbers as
 * numbers. A line too long is cut within its values, with LOG_CUT_MARK: each field that follows a
 * cut one keeps its name and LOG_VALUE_KEPT bytes of its value. Returns the length.
 */
#define LOG_VALUE_KEPT 128
size_t log_line_format(char out[static LOG_LINE_SIZE], bool json, const char *time,
		       enum log_level level, const char *process, const char *message,
		       const struct log_field *fields);
