/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One line per event on standard error, logfmt or JSON. Safe before log_setup (logfmt, info) and
 * under seccomp: after log_open it allocates nothing, opens nothing and needs only clock_gettime (a
 * vDSO call as a rule) and write.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARN, LOG_LEVEL_ERROR };

/*
 * First of all in main: the C library reads the time zone, which the first date of a process or of
 * its parents does; standard error is made such that a line never waits for its reader (a line for
 * which there is no room is lost, and counted in a later one), and descriptors 0 to 2 that are
 * closed become /dev/null.
 */
void log_open(void);

/* What log_write calls, for rights_seccomp (with <seccomp.h>). */
#define LOG_SYSCALLS \
	SCMP_SYS(write), SCMP_SYS(sendto), SCMP_SYS(poll), SCMP_SYS(ppoll), SCMP_SYS(clock_gettime)

/* Sets level and format for this process and the children it forks. */
void log_setup(enum log_level level, bool json);

/* Names the process in each line ("supervisor", "health", …); a string literal, not copied. */
void log_process(const char *name);

/* Whether a message of this level would be printed. */
bool log_enabled(enum log_level level);

/*
 * A field of a line: a name, which is a literal and explained in docs/troubleshooting.md, and a
 * value. "time", "level", "process" and "msg" belong to the line itself.
 */
#define LOG_FIELDS_MAX 12 /* of one line; those beyond are left out */

enum log_field_kind { LOG_FIELD_TEXT, LOG_FIELD_SIGNED, LOG_FIELD_UNSIGNED, LOG_FIELD_ERROR };

struct log_field {
	const char *name;
	enum log_field_kind kind;
	union {
		struct {
			const char *text; /* NULL: no field */
			size_t size;	  /* at most; a NUL ends it before */
		};
		int64_t signed_value;
		uint64_t unsigned_value;
		int error; /* an errno value or its negative; 0: no field */
	};
};

/* The text is not copied: it must last until the call returns. NULL leaves the field out. */
static inline struct log_field field_text(const char *name, const char *text)
{
	return (struct log_field){
		.name = name, .kind = LOG_FIELD_TEXT, .text = text, .size = SIZE_MAX
	};
}

/* A text that need not end with a NUL. */
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

/* error="Operation not permitted": of an errno value or its negative. 0 leaves the field out. */
static inline struct log_field field_error(int error)
{
	return (struct log_field){ .name = "error", .kind = LOG_FIELD_ERROR, .error = error };
}

/*
 * Prints one line in a single write(2): the message, then the fields, up to one without a name.
 * Control characters and invalid UTF-8 are escaped; a value too long for a line (see
 * lib/log/line.h) is cut with a mark. Keeps errno. What cannot be written is lost. Call it through
 * the macros below.
 */
void log_write(enum log_level level, const char *message, const struct log_field *fields);

/*
 * log_warn("cannot attach program", field_text("proxy", name), field_error(r)): the message is a
 * literal of lower case without a full stop, so that a line is found by it; what differs from case
 * to case is a field.
 */
#define log_debug(...) log_with_level(LOG_LEVEL_DEBUG, __VA_ARGS__)
#define log_info(...) log_with_level(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_warn(...) log_with_level(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_error(...) log_with_level(LOG_LEVEL_ERROR, __VA_ARGS__)

#define log_with_level(level, message, ...) \
	log_write(level, "" message "", (const struct log_field[]){ __VA_ARGS__ __VA_OPT__(, ){} })
