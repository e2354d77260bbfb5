/* SPDX-License-Identifier: Apache-2.0 */
/* Units of time in nanoseconds. The programs of the kernel have ABI_S and ABI_MS (abi.h). */
#ifndef WGSOCKS_TIME_H
#define WGSOCKS_TIME_H

#define NS_PER_MS 1000000ULL
#define NS_PER_S 1000000000ULL

#endif
