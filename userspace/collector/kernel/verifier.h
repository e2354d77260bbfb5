/* SPDX-License-Identifier: Apache-2.0 */
/* Why the kernel's verifier refused a program, as libbpf prints it. Pure. */
#pragma once

#include <stdbool.h>

#define VERIFIER_LINES 20 /* the last ones: the first of a long log only say what was fine */

struct verifier_log {
	char program[64]; /* "": nothing was refused */
	char *text;	  /* its last lines, without the last newline; the log's */
};

/*
 * Keeps the end of the log when `message` of libbpf is one; the first of several is kept. Returns
 * whether it was a log. Zero-initialise.
 */
bool verifier_log_take(struct verifier_log *log, const char *message);

/* Prints a line of ours for each of its lines. */
void verifier_log_print(const struct verifier_log *log);

/* Gives the memory back; the log is empty. */
void verifier_log_free(struct verifier_log *log);
