/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What was built: from the Makefile, compiled into one file so that a new commit rebuilds no other.
 */
#pragma once

extern const char version_string[]; /* the VERSION file: "0.1.0" */
extern const char
	version_revision[]; /* of git, "-dirty" when the tree was changed; "unknown" without git */
extern const char version_arch[]; /* uname -m of what it runs on: "x86_64" */
