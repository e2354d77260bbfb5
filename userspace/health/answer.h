/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The responses of the health port: from a request and a view of the shared memory to a status and
 * a body. No system calls.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "health/http_request.h"
#include "lib/process/shared.h"

/* Bytes; kubelet reads at most this much of a body. */
#define ANSWER_BODY_MAX 10240
#define ANSWER_SIZE (ANSWER_BODY_MAX + 512)

struct health_view {
	bool collector_alive;	 /* its heartbeat is at most 10 s old */
	bool collector_reported; /* the proxies are known */
	bool startup_done;	 /* the first attach attempt has ended */
	bool require_vpn;	 /* "/" answers 503 while a tunnel is not usable */
	const struct health_proxy *proxies;
	uint32_t proxy_count;
};

/*
 * Writes the whole response (head, and the body unless the method is HEAD) for a complete or
 * refused request. `out` has ANSWER_SIZE bytes. Returns the length.
 */
size_t answer_write(char *out, const struct http_request *request, const struct health_view *view);
