/* SPDX-License-Identifier: Apache-2.0 */
/* Network namespaces: which one the calling thread is in, and how to get into another. */
#pragma once

#include <stdint.h>
#include <sys/types.h>

/*
 * The inode of the namespace, as in /proc/PID/ns/net and in the map `netns`. Returns 0 or -errno.
 */
int netns_inode(uint32_t *inode);

/*
 * Its cookie, which is never used twice before a reboot (Linux 5.14+); 0 when the kernel has none.
 */
uint64_t netns_cookie(void);

/*
 * A descriptor of the network namespace with this inode: by way of *pid if that process is in it
 * (0: none is known), else of any process, whose pid is left there, or of a mount (`ip netns add`,
 * container runtimes; *pid is 0 then). It keeps the namespace alive: close it soon. Returns it,
 * -ESRCH when there is no way in that we can see, or -errno.
 */
int netns_open(uint32_t inode, pid_t *pid);

/*
 * Hands each network namespace that we can see to the callback once: of processes and of mounts.
 * Returns 0, what the callback returned when that is not 0, or -ENOMEM.
 */
typedef int netns_callback(int fd, uint32_t inode, void *context);
int netns_each(netns_callback *callback, void *context);

/* Moves the calling thread (CAP_SYS_ADMIN). Returns 0 or -errno. */
int netns_enter(int fd);
