/* SPDX-License-Identifier: Apache-2.0 */
/* Network namespaces: identifies the current one and enters others. */
#pragma once

#include <stdint.h>
#include <sys/types.h>

/*
 * Reads the inode of the current namespace, as in /proc/PID/ns/net and in the map `netns`. Returns
 * 0 or -errno.
 */
int netns_inode(uint32_t *inode);

/* Returns its cookie, which is unique until reboot; 0 if the kernel has none (before 5.14). */
uint64_t netns_cookie(void);

/*
 * Opens the network namespace with this inode, through process *pid if that is in it (0: not
 * known). Otherwise uses another process or a mount (`ip netns add`, container runtimes). Sets *pid
 * to the process, or to 0 for a mount. The descriptor keeps the namespace alive: close it soon.
 * Returns the descriptor or -errno. -ESRCH: no process and no mount is visible.
 */
int netns_open(uint32_t inode, pid_t *pid);

/*
 * Calls the callback once for each visible network namespace of processes and mounts. Returns 0,
 * the first callback result that is not 0, or -ENOMEM.
 */
typedef int netns_callback(int fd, uint32_t inode, void *context);
int netns_each(netns_callback *callback, void *context);

/* Moves the calling thread to the namespace (CAP_SYS_ADMIN). Returns 0 or -errno. */
int netns_enter(int fd);
