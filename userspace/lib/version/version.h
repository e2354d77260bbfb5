/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Build information from the Makefile, in one object file, so that a new commit rebuilds no other
 * file.
 */
#pragma once

extern const char version_string[]; /* the file VERSION: "0.1.0" */
/* Git commit, with "-dirty" if the tree has changes; "unknown" without git */
extern const char version_revision[];
extern const char version_arch[]; /* target architecture as in uname -m: "x86_64" */
