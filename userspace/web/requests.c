// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <string.h>

#include "collect.h"
#include "page/page.h"
#include "timeout.h"
#include "web.h"
#include "wgsocks/log.h"

#define NS_PER_S 1000000000ull
#define READY_AGE_NS (15 * NS_PER_S)
#define READY_WAIT_NS (NS_PER_S / 2)
#define PAGE_WAIT_NS (2 * NS_PER_S) /* who looks wants to see something */

#define TYPE_PLAIN "text/plain; charset=utf-8"
#define TYPE_HTML "text/html; charset=utf-8"

/* Lives from the first call for a request until it is completed. */
struct request {
	struct waiter waiter;
	struct web *web;
	struct MHD_Connection *connection;
	enum request_state { REQUEST_READING, REQUEST_WAITING, REQUEST_ANSWERED } state;
	bool counted;	   /* in in_flight */
	bool answered;	   /* with a snapshot */
	struct body *body; /* of a scrape or the page */
	const char *proxy; /* of the page: the one that is wanted */
};

static void connection_enter(struct request *request, enum connection_state state)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	if (info && info->socket_context)
		connections_enter(&request->web->connections, info->socket_context, state, request->web->now_ns);
}

static enum MHD_Result response_send(struct request *request, unsigned int status, const char *type,
				     struct MHD_Response *response)
{
	enum MHD_Result result;

	if (!response)
		return MHD_NO;
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
		MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
	connection_enter(request, CONNECTION_SENDING);
	result = MHD_queue_response(request->connection, status, response);
	MHD_destroy_response(response);
	return result;
}

static enum MHD_Result words_send(struct request *request, unsigned int status, const char *words)
{
	return response_send(
		request, status, TYPE_PLAIN,
		MHD_create_response_from_buffer(strlen(words), (void *)(uintptr_t)words, MHD_RESPMEM_PERSISTENT));
}

/* ---- a scrape ---- */

static void body_done(void *closure)
{
	body_release(closure);
}

static enum MHD_Result scrape_code(struct request *request, enum scrape_code code, const char *words)
{
	request->web->self.codes[code]++;
	return words_send(request, scrape_status(code), words);
}

/* The words are not ours to keep. */
static enum MHD_Result scrape_refuse(struct request *request, const char *words)
{
	request->web->self.codes[SCRAPE_BAD]++;
	return response_send(
		request, MHD_HTTP_BAD_REQUEST, TYPE_PLAIN,
		MHD_create_response_from_buffer(strlen(words), (void *)(uintptr_t)words, MHD_RESPMEM_MUST_COPY));
}

static enum MHD_Result scrape_send(struct request *request)
{
	struct body *body = request->body;
	struct MHD_Response *response;

	if (!body)
		return scrape_code(request, SCRAPE_ERROR, "out of memory\n");
	response = MHD_create_response_from_buffer_with_free_callback_cls(body->text.size, body->text.data, body_done,
									  body);
	if (!response)
		return scrape_code(request, SCRAPE_ERROR, "out of memory\n");
	request->body = NULL; /* the response's */
	request->web->self.codes[SCRAPE_OK]++;
	return response_send(request, MHD_HTTP_OK, exposition_content_type(EXPOSITION_TEXT), response);
}

/* Once for all who got the same samples. */
static void body_render(struct web *web, uint32_t mask, const struct snapshot *samples)
{
	struct snapshot parts[2];

	web->body_round = web->snapshots.round;
	web->body_mask = mask;
	web->body_good = false;
	if (!body_renew(&web->body))
		return;
	self_fill(&web->self, &web->builder, samples ? 0 : mask);
	snapshot_view(&parts[0], &web->builder);
	if (samples)
		parts[1] = *samples;
	web->body_good = !web->builder.error &&
			 !exposition_write(&web->exposition, &web->body->text, EXPOSITION_TEXT, parts, samples ? 2 : 1);
	if (!web->body_good)
		log_error("no memory for an answer to a scrape");
}

static void request_resume(struct request *request, bool answered)
{
	request->state = REQUEST_ANSWERED;
	request->answered = answered;
	request->web->pending = true;
	MHD_resume_connection(request->connection);
}

static void scrape_done(struct waiter *waiter, const struct snapshot *samples)
{
	struct request *request = (struct request *)waiter;
	struct web *web = request->web;

	if (!web->body || web->body_round != web->snapshots.round || web->body_mask != waiter->mask)
		body_render(web, waiter->mask, samples);
	if (web->body_good)
		request->body = body_use(web->body);
	request_resume(request, samples);
}

static void ready_done(struct waiter *waiter, const struct snapshot *samples)
{
	request_resume((struct request *)waiter, samples);
}

/* Lets the connection rest until the collector answered, or did not in time. */
static enum MHD_Result request_wait(struct request *request, uint32_t mask, uint64_t wait_ns,
				    void (*done)(struct waiter *waiter, const struct snapshot *samples))
{
	struct web *web = request->web;

	request->state = REQUEST_WAITING;
	request->waiter.mask = mask;
	request->waiter.deadline_ns = web->now_ns + wait_ns;
	request->waiter.done = done;
	MHD_suspend_connection(request->connection);
	snapshots_wait(&web->snapshots, &request->waiter, web->now_ns);
	return MHD_YES;
}

static enum MHD_Result argument_take(void *closure, enum MHD_ValueKind kind, const char *key, size_t key_size,
				     const char *value, size_t value_size)
{
	(void)kind;
	return collect_argument(closure, key, key_size, value, value_size) ? MHD_NO : MHD_YES;
}

static enum MHD_Result metrics_handle(struct request *request)
{
	struct web *web = request->web;
	struct collect collect = { .on = web->child->config->collectors };
	uint32_t max = web->child->config->max_requests;
	const char *timeout;

	if (request->state == REQUEST_ANSWERED)
		return scrape_send(request);
	MHD_get_connection_values_n(request->connection, MHD_GET_ARGUMENT_KIND, argument_take, &collect);
	if (collect.why[0])
		return scrape_refuse(request, collect.why);
	if (max && web->self.in_flight >= max)
		return scrape_code(request, SCRAPE_BUSY, "too many scrapes at once, try again later\n");
	web->self.in_flight++;
	request->counted = true;
	timeout = MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND,
					      "X-Prometheus-Scrape-Timeout-Seconds");
	return request_wait(request, collect_mask(&collect), scrape_timeout_ns(timeout), scrape_done);
}

/* ---- the other paths ---- */

static bool snapshots_fresh(const struct web *web)
{
	uint64_t answered = web->snapshots.answered_ns;

	return answered && web->now_ns - answered <= READY_AGE_NS;
}

static enum MHD_Result healthy_handle(struct request *request)
{
	return words_send(request, MHD_HTTP_OK, "healthy\n");
}

static enum MHD_Result ready_handle(struct request *request)
{
	if (snapshots_fresh(request->web) || (request->state == REQUEST_ANSWERED && request->answered))
		return words_send(request, MHD_HTTP_OK, "ready\n");
	if (request->state == REQUEST_ANSWERED)
		return words_send(request, MHD_HTTP_SERVICE_UNAVAILABLE, "not ready: the collector does not answer\n");
	return request_wait(request, request->web->child->config->collectors, READY_WAIT_NS, ready_done);
}

/* ---- the page ---- */

static void page_done(struct waiter *waiter, const struct snapshot *samples)
{
	struct request *request = (struct request *)waiter;
	struct web *web = request->web;
	const struct pages_source source = {
		.self = &web->self,
		.round = web->snapshots.round,
		.samples = samples,
		.proxy = request->proxy,
		.now_ns = web->now_ns,
	};

	request->body = pages_get(&web->pages, &source);
	request_resume(request, samples);
}

static enum MHD_Result page_send(struct request *request)
{
	struct body *body = request->body;
	struct MHD_Response *response = NULL;

	if (body)
		response = MHD_create_response_from_buffer_with_free_callback_cls(body->text.size, body->text.data,
										  body_done, body);
	if (!response)
		return words_send(request, MHD_HTTP_INTERNAL_SERVER_ERROR, "out of memory\n");
	request->body = NULL; /* the response's */
	MHD_add_response_header(response, "Content-Security-Policy", page_policy());
	MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
	MHD_add_response_header(response, "Referrer-Policy", "no-referrer");
	MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
	return response_send(request, MHD_HTTP_OK, TYPE_HTML, response);
}

static enum MHD_Result page_handle(struct request *request)
{
	if (request->state == REQUEST_ANSWERED)
		return page_send(request);
	request->proxy = MHD_lookup_connection_value(request->connection, MHD_GET_ARGUMENT_KIND, "proxy");
	return request_wait(request, page_mask(request->web->child->config), PAGE_WAIT_NS, page_done);
}

static enum MHD_Result (*path_find(const struct web *web, const char *path))(struct request *request)
{
	if (!strcmp(path, web->child->config->telemetry_path))
		return metrics_handle;
	if (!strcmp(path, "/-/healthy"))
		return healthy_handle;
	if (!strcmp(path, "/-/ready"))
		return ready_handle;
	if (!strcmp(path, "/"))
		return page_handle;
	return NULL;
}

static enum MHD_Result request_refuse(struct request *request, bool known)
{
	if (!known)
		return words_send(request, MHD_HTTP_NOT_FOUND, "not found\n");
	return words_send(request, MHD_HTTP_METHOD_NOT_ALLOWED, "GET and HEAD only\n");
}

enum MHD_Result request_handle(void *closure, struct MHD_Connection *connection, const char *url, const char *method,
			       const char *version, const char *upload, size_t *upload_size, void **context)
{
	enum MHD_Result (*handle)(struct request * request) = path_find(closure, url);
	bool reads = !strcmp(method, MHD_HTTP_METHOD_GET) || !strcmp(method, MHD_HTTP_METHOD_HEAD);
	struct request *request = *context;

	(void)version;
	(void)upload;
	if (!request) {
		/* The headers are there. A body may follow, which is read and dropped, unless we refuse at once. */
		request = calloc(1, sizeof(*request));
		if (!request)
			return MHD_NO;
		request->web = closure;
		request->connection = connection;
		*context = request;
		return handle && reads ? MHD_YES : request_refuse(request, handle);
	}
	if (*upload_size) {
		*upload_size = 0;
		return MHD_YES;
	}
	if (request->state == REQUEST_READING)
		connection_enter(request, CONNECTION_WORKING);
	return handle(request);
}

void request_completed(void *closure, struct MHD_Connection *connection, void **context,
		       enum MHD_RequestTerminationCode code)
{
	struct request *request = *context;
	struct web *web = closure;

	(void)connection;
	(void)code;
	if (!request)
		return;
	connection_enter(request, CONNECTION_IDLE);
	if (request->state == REQUEST_WAITING)
		snapshots_remove(&web->snapshots, &request->waiter);
	if (request->counted)
		web->self.in_flight--;
	body_release(request->body);
	free(request);
	*context = NULL;
}
