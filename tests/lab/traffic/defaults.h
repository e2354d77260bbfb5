/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses and ports of the lab, the same as in sockslab/addresses.py. */
#pragma once

#define TARGET4 "10.99.0.1"
#define TARGET6 "fd99::1"
#define SWALLOW4 "10.99.0.2"
#define SWALLOW6 "fd99::2"
#define BLOCKED4 "10.99.0.3"
#define BLOCKED6 "fd99::3"
#define HOST_UNREACHABLE4 "10.99.0.4"
#define HOST_UNREACHABLE6 "fd99::4"
#define NET_UNREACHABLE4 "10.99.0.5"
#define NET_UNREACHABLE6 "fd99::5"

#define TARGET_PORT 7 /* TCP: see target.c; UDP: echo */
#define BANNER_PORT 8 /* the same, but the target speaks first */
#define CLOSED_PORT 9
#define CONTROL_PORT 70 /* of the target, on the underlay, for BIND */
#define CONTROL_ADDRESS "10.77.0.1"

#define BANNER "220 target.lab\r\n"
