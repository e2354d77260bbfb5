/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads --web.config.file and what it names, and has it validated by a child without any right,
 * which parses it, tells which files it names, gets their contents, and tries to serve with them.
 */
#pragma once

#include "lib/web_config/bundle.h"
#include "webconfig/file.h"

#define VALIDATION_PATH_SIZE 4096

/* What was read, and from where. */
struct validated {
	char paths[BUNDLE_PARTS][VALIDATION_PATH_SIZE]; /* the file itself first; "": none */
	struct file_mark marks[BUNDLE_PARTS];
	struct bundle bundle;
};

enum validation {
	VALIDATION_GOOD,
	VALIDATION_BAD,	   /* the line that says why is written */
	VALIDATION_CHANGED /* while it was read: to be tried again */
};

/*
 * Fills *validated, whose bundle the caller frees. `notes`: says what is there and cannot be had,
 * too.
 */
enum validation validate(const char *path, bool notes, struct validated *validated);
