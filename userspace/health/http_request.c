// SPDX-License-Identifier: Apache-2.0
#include "health/http_request.h"

#include <string.h>
#include <strings.h>

enum state { BEGIN, METHOD, TARGET, VERSION, LINE_END, HEADER, NAME, VALUE, HEADER_END, END };

void http_request_init(struct http_request *request)
{
	memset(request, 0, offsetof(struct http_request, target));
}

/* RFC 9110: tchar. */
static bool is_token(unsigned char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
	       (c && strchr("!#$%&'*+-.^_`|~", c));
}

static void refuse(struct http_request *r, uint16_t status)
{
	r->status = status;
}

/* Bytes that do not fit are dropped: all known words are shorter. */
static void word_add(struct http_request *r, char c)
{
	if (r->word_length < sizeof(r->word))
		r->word[r->word_length++] = c;
}

static bool word_is(const struct http_request *r, const char *text)
{
	return r->word_length == strlen(text) && strncasecmp(r->word, text, r->word_length) == 0;
}

static void method_end(struct http_request *r)
{
	/* Methods are case-sensitive. */
	if (r->word_length == 3 && memcmp(r->word, "GET", 3) == 0)
		r->method = HTTP_GET;
	else if (r->word_length == 4 && memcmp(r->word, "HEAD", 4) == 0)
		r->method = HTTP_HEAD;
	r->word_length = 0;
	r->state = TARGET;
}

static void target_byte(struct http_request *r, unsigned char c)
{
	if (c == ' ' && r->target_length) {
		r->target[r->target_length] = '\0';
		r->state = VERSION;
	} else if (c <= ' ' || c == 0x7f) {
		refuse(r, 400); /* this includes HTTP/0.9, which has no version */
	} else if (r->target_length == HTTP_TARGET_MAX) {
		refuse(r, 414);
	} else {
		r->target[r->target_length++] = (char)c;
	}
}

static void version_end(struct http_request *r, unsigned char c)
{
	const char *v = r->word;

	if (r->word_length != 8 || memcmp(v, "HTTP/", 5) != 0 || v[5] < '0' || v[5] > '9' ||
	    v[6] != '.' || v[7] < '0' || v[7] > '9')
		refuse(r, 400);
	else if (v[5] != '1')
		refuse(r, 505);
	else
		r->state = c == '\r' ? LINE_END : HEADER;
	r->word_length = 0;
}

static void name_begin(struct http_request *r, unsigned char c)
{
	word_add(r, (char)c);
	r->state = NAME;
}

static void name_end(struct http_request *r)
{
	r->body |= word_is(r, "content-length") || word_is(r, "transfer-encoding");
	r->word_length = 0;
	r->state = VALUE;
}

static void request_byte(struct http_request *r, unsigned char c)
{
	if (r->state >= HEADER && ++r->headers_length > HTTP_HEADERS_MAX)
		return refuse(r, 431);
	switch ((enum state)r->state) {
	case BEGIN: /* RFC 9112 2.2: ignore an empty line before the request; more are refused */
		if (c == '\r' || c == '\n') {
			if (++r->headers_length > 2)
				refuse(r, 400);
			break;
		}
		r->headers_length = 0;
		r->state = METHOD;
		/* fall through */
	case METHOD:
		if (c == ' ' && r->word_length)
			method_end(r);
		else if (!is_token(c) || r->word_length == sizeof(r->word))
			refuse(r, 400);
		else
			word_add(r, (char)c);
		break;
	case TARGET: target_byte(r, c); break;
	case VERSION:
		if (c == '\r' || c == '\n')
			version_end(r, c);
		else if (r->word_length == 8)
			refuse(r, 400);
		else
			word_add(r, (char)c);
		break;
	case LINE_END:
	case HEADER_END:
		if (c == '\n')
			r->state = HEADER;
		else
			refuse(r, 400);
		break;
	case HEADER:
		if (c == '\n')
			r->status = 200;
		else if (c == '\r')
			r->state = END;
		else if (is_token(c)) /* folded lines (obsolete) begin with a space: refused */
			name_begin(r, c);
		else
			refuse(r, 400);
		break;
	case NAME:
		if (c == ':')
			name_end(r);
		else if (is_token(c))
			word_add(r, (char)c);
		else
			refuse(r, 400);
		break;
	case VALUE:
		if (c == '\r')
			r->state = HEADER_END;
		else if (c == '\n')
			r->state = HEADER;
		else if ((c < ' ' && c != '\t') || c == 0x7f)
			refuse(r, 400);
		break;
	case END: refuse(r, c == '\n' ? 200 : 400); break;
	}
}

size_t http_request_feed(struct http_request *request, const char *bytes, size_t length)
{
	size_t taken = 0;

	while (taken < length && request->status == 0)
		request_byte(request, (unsigned char)bytes[taken++]);
	return taken;
}

void http_request_end(struct http_request *request)
{
	if (request->status == 0)
		refuse(request, 400);
}
