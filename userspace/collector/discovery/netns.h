/* SPDX-License-Identifier: Apache-2.0 */
/* Which network namespace the calling thread is in. */
#ifndef DISCOVERY_NETNS_H
#define DISCOVERY_NETNS_H

#include <stdint.h>

/* The inode of the namespace, as in /proc/PID/ns/net and in the map `netns`. Returns 0 or -errno. */
int netns_inode(uint32_t *inode);

/* Its cookie, which is never used twice before a reboot (Linux 5.14+); 0 when the kernel has none. */
uint64_t netns_cookie(void);

#endif
