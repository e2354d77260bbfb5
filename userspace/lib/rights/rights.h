/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Drops rights: capabilities (libcap-ng), user, no_new_privs, seccomp (libseccomp). Call before
 * starting threads; seccomp also works afterwards.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/*
 * Drops all capabilities from all sets (from the bounding set if permitted), and changes from root
 * to nobody if permitted. Sets no_new_privs, then checks that no capability is left. Works without
 * root and without capabilities. Returns 0 or -errno (do not serve then).
 */
int rights_drop_all(void);

/*
 * Keeps only the given capabilities (CAP_… numbers) that it has; keeps the user; sets no_new_privs.
 * Returns 0 or -errno.
 */
int rights_keep(const int *capabilities, size_t count);

/*
 * Allows only the given system calls (SCMP_SYS(…) of <seccomp.h>); others kill the process
 * (SIGSYS). Applies to all current and future threads. Call after rights_drop_all or rights_keep
 * (no_new_privs). Returns 0 or -errno.
 */
int rights_seccomp(const int *syscalls, size_t count);
