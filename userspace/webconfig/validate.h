/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads --web.config.file and what it names, and has it judged: by a child without any right, which parses it, tells
 * which files it names, gets their contents, and tries to serve with them.
 */
#pragma once

#include "lib/web_config/bundle.h"
#include "webconfig/file.h"

#define JUDGE_PATH_SIZE 4096

/* What was read, and from where. */
struct judged {
	char paths[BUNDLE_PARTS][JUDGE_PATH_SIZE]; /* the file itself first; "": none */
	struct file_mark marks[BUNDLE_PARTS];
	struct bundle bundle;
};

enum judgement {
	JUDGE_GOOD,
	JUDGE_BAD,    /* the line that says why is written */
	JUDGE_CHANGED /* while it was read: to be tried again */
};

/* Fills *judged, whose bundle the caller frees. `notes`: says what is there and cannot be had, too. */
enum judgement judge(const char *path, bool notes, struct judged *judged);
