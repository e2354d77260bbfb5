/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads --web.config.file and the files that it names. A child without any rights (validator.h)
 * validates them: it parses the file, asks for the contents of the named files, and sets up TLS.
 */
#pragma once

#include "lib/web_config/bundle.h"
#include "webconfig/file.h"

#define VALIDATION_PATH_SIZE 4096

/* The files that were read. */
struct validated {
	char paths[BUNDLE_PARTS][VALIDATION_PATH_SIZE]; /* --web.config.file first; "": none */
	struct file_mark marks[BUNDLE_PARTS];
	struct bundle bundle;
};

enum validation {
	VALIDATION_GOOD,
	VALIDATION_BAD,	   /* invalid; the reason was logged */
	VALIDATION_CHANGED /* a file changed while being read: try again */
};

/*
 * Fills *validated; the caller frees its bundle. `notes`: also logs the settings that have no
 * effect.
 */
enum validation validate(const char *path, bool notes, struct validated *validated);
