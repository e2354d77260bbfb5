/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What leaves beside the tunnel. */
#ifndef WGSOCKS_BPF_LEAK_H
#define WGSOCKS_BPF_LEAK_H

#include "maps.h"
#include "transport.h"

/* A SYN at the egress of an interface that is neither the tunnel nor lo. */
static __always_inline void leak_connect(struct __sk_buff *skb, const struct transport *t)
{
}

#endif
