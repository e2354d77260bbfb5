/* SPDX-License-Identifier: Apache-2.0 */
/* Units of time in nanoseconds. BPF programs use ABI_S and ABI_MS (abi.h). */
#pragma once

#define NS_PER_US 1000ULL
#define NS_PER_MS 1000000ULL
#define NS_PER_S 1000000000ULL
