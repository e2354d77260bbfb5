/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads an HTTP/1.x request byte by byte: no descriptor, no allocation, any split of the bytes
 * gives the same.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Longer is 414. Holds "/readyz?verbose&proxy=" with the longest name, each byte of it
 * percent-encoded.
 */
#define HTTP_TARGET_MAX 2048
/* All header lines together; more is 431. */
#define HTTP_HEADERS_MAX 8192

enum http_method { HTTP_OTHER, HTTP_GET, HTTP_HEAD };

struct http_request {
	uint16_t status; /* 0: incomplete; 200: complete; else what to refuse it with: 400, 414,
			    431, 505 */
	uint8_t state;
	uint8_t method; /* enum http_method */
	bool body;	/* one is announced: unread bytes will follow */
	uint8_t word_length;
	uint16_t target_length;
	uint32_t headers_length;
	char word[20];			  /* method, version or header name in the making */
	char target[HTTP_TARGET_MAX + 1]; /* as sent, terminated when complete */
};

/* Begins a new request. Leaves the target's memory untouched. */
void http_request_init(struct http_request *request);

/*
 * Takes bytes until the request is complete or refused (status is not 0). Returns how many it took.
 */
size_t http_request_feed(struct http_request *request, const char *bytes, size_t length);

/* The client sends no more: refuses what is incomplete. */
void http_request_end(struct http_request *request);
