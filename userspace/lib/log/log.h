/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes one line for each event to standard error, as logfmt or JSON. Works before log_setup
 * (logfmt, info) and under seccomp: after log_open it allocates and opens nothing and needs only
 * LOG_SYSCALLS.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARN, LOG_LEVEL_ERROR };

/*
 * Call first in main, for three reasons. The C library reads the time zone at the first date.
 * Standard error becomes non-blocking, so that a slow reader never blocks us; lines without room
 * are lost and counted in a later line. Closed descriptors 0 to 2 become /dev/null.
 */
void log_open(void);

/* The system calls of log_write, for rights_seccomp (with <seccomp.h>). */
#define LOG_SYSCALLS \
	SCMP_SYS(write), SCMP_SYS(sendto), SCMP_SYS(poll), SCMP_SYS(ppoll), SCMP_SYS(clock_gettime)

/* Sets level and format for this process and its children. */
void log_setup(enum log_level level, bool json);

/*
 * Sets the name of the process in each line ("supervisor", "health", …). Borrows the string: pass a
 * literal.
 */
void log_process(const char *name);

/* Returns whether messages of this level are printed. */
bool log_enabled(enum log_level level);

/*
 * A field of a line: a name and a value. The name is a literal and is explained in
 * docs/troubleshooting.md. "time", "level", "process" and "msg" are reserved.
 */
#define LOG_FIELDS_MAX 12 /* per line; further fields are dropped */

enum log_field_kind { LOG_FIELD_TEXT, LOG_FIELD_SIGNED, LOG_FIELD_UNSIGNED, LOG_FIELD_ERROR };

struct log_field {
	const char *name;
	enum log_field_kind kind;
	union {
		struct {
			const char *text; /* NULL: no field */
			size_t size;	  /* maximum; can end earlier with a NUL */
		};
		int64_t signed_value;
		uint64_t unsigned_value;
		int error; /* an errno value or its negative; 0: no field */
	};
};

/* The text is borrowed for the call. NULL omits the field. */
static inline struct log_field field_text(const char *name, const char *text)
{
	return (struct log_field){
		.name = name, .kind = LOG_FIELD_TEXT, .text = text, .size = SIZE_MAX
	};
}

/* For a text without a NUL at the end. */
static inline struct log_field field_bytes(const char *name, const char *text, size_t size)
{
	return (struct log_field){
		.name = name, .kind = LOG_FIELD_TEXT, .text = text, .size = size
	};
}

static inline struct log_field field_signed(const char *name, int64_t value)
{
	return (struct log_field){ .name = name, .kind = LOG_FIELD_SIGNED, .signed_value = value };
}

static inline struct log_field field_unsigned(const char *name, uint64_t value)
{
	return (struct log_field){ .name = name,
				   .kind = LOG_FIELD_UNSIGNED,
				   .unsigned_value = value };
}

/* error="Operation not permitted", from an errno value or its negative. 0 omits the field. */
static inline struct log_field field_error(int error)
{
	return (struct log_field){ .name = "error", .kind = LOG_FIELD_ERROR, .error = error };
}

/*
 * Prints one line with one write(2): the message, then the fields up to one without a name. Escapes
 * control characters and invalid UTF-8; truncates values that are too long, with a mark
 * (lib/log/line.h). Preserves errno. A line that cannot be written is lost. Use the macros below.
 */
void log_write(enum log_level level, const char *message, const struct log_field *fields);

/*
 * Example: log_warn("cannot attach program", field_text("proxy", name), field_error(r)). The
 * message is a literal, lower case, without a full stop, so that operators can search for it.
 * Everything that varies is a field.
 */
#define log_debug(...) log_with_level(LOG_LEVEL_DEBUG, __VA_ARGS__)
#define log_info(...) log_with_level(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_warn(...) log_with_level(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_error(...) log_with_level(LOG_LEVEL_ERROR, __VA_ARGS__)

#define log_with_level(level, message, ...) \
	log_write(level, "" message "", (const struct log_field[]){ __VA_ARGS__ __VA_OPT__(, ){} })
