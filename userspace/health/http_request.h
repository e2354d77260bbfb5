/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parses an HTTP/1.x request byte by byte, with the same result for any split of the input. No
 * descriptors, no allocation.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A longer target is refused with 414. Holds "/readyz?verbose&proxy=" and the longest name with
 * each byte percent-encoded.
 */
#define HTTP_TARGET_MAX 2048
/* Bytes of all header lines; more are refused with 431. */
#define HTTP_HEADERS_MAX 8192

enum http_method { HTTP_OTHER, HTTP_GET, HTTP_HEAD };

struct http_request {
	uint16_t status; /* 0: incomplete; 200: complete; 400, 414, 431, 505: refused */
	uint8_t state;
	uint8_t method; /* enum http_method */
	bool body;	/* the headers announce a body: unread bytes will follow */
	uint8_t word_length;
	uint16_t target_length;
	uint32_t headers_length;
	char word[20];			  /* the current method, version or header name */
	char target[HTTP_TARGET_MAX + 1]; /* as sent, terminated when complete */
};

/* Starts a new request. Does not touch the memory of `target`. */
void http_request_init(struct http_request *request);

/*
 * Reads bytes until the request is complete or refused (status is not 0). Returns how many it read.
 */
size_t http_request_feed(struct http_request *request, const char *bytes, size_t length);

/* The client sends no more: an incomplete request is refused. */
void http_request_end(struct http_request *request);
