/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the health port says about a state: pure, from a request and a view of the shared region to
 * status and body.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "health/http_request.h"
#include "lib/process/shared.h"

/* kubelet reads no more. */
#define ANSWER_BODY_MAX 10240
#define ANSWER_SIZE (ANSWER_BODY_MAX + 512)

struct health_view {
	bool collector_alive;	 /* its heartbeat is at most 10 s old */
	bool collector_reported; /* the proxies are known */
	bool startup_done;
	bool require_vpn; /* "/" fails with the tunnel */
	const struct health_proxy *proxies;
	uint32_t proxy_count;
};

/*
 * Writes the whole response (head, and for GET the body) to a complete or refused request. `out`
 * has ANSWER_SIZE bytes. Returns its length.
 */
size_t answer_write(char *out, const struct http_request *request, const struct health_view *view);
