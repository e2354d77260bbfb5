/* SPDX-License-Identifier: Apache-2.0 */
/* Extracts the reason why the verifier refused a program from messages of libbpf. Pure. */
#pragma once

#include <stdbool.h>

#define VERIFIER_LINES 20 /* the last lines; the first lines of a long log show what passed */

struct verifier_log {
	char program[64]; /* "": no program was refused */
	char *text;	  /* last lines, without the last newline; owned by the log */
};

/*
 * Keeps the end of the log if `message` of libbpf is one; keeps the first of several. Returns
 * whether it was a log. Zero-initialise before the first call.
 */
bool verifier_log_take(struct verifier_log *log, const char *message);

/* Logs each of its lines. */
void verifier_log_print(const struct verifier_log *log);

/* Frees the memory; the log is empty. */
void verifier_log_free(struct verifier_log *log);
