/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Giving up rights: capabilities (libcap-ng), user, no_new_privs, seccomp (libseccomp). Before any
 * thread is started, but for seccomp.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/*
 * Drops every capability from all sets (bounding too where permitted), becomes nobody when it was
 * root and may change its user, sets no_new_privs, then checks that no capability is left. Works
 * without root and without capabilities. Returns 0 or -errno (nothing should be served then).
 */
int rights_drop_all(void);

/*
 * Keeps only the given capabilities (CAP_… numbers) of those it has; user unchanged; sets
 * no_new_privs. Returns 0 or -errno.
 */
int rights_keep(const int *capabilities, size_t count);

/*
 * Allows only the given system calls (SCMP_SYS(…) of <seccomp.h>); any other kills the process
 * (SIGSYS). For all threads that there are and will be; after rights_drop_all or rights_keep
 * (no_new_privs). Returns 0 or -errno.
 */
int rights_seccomp(const int *syscalls, size_t count);
