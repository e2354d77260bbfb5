// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/time.h"
#include "web/page/page.h"
#include "web/request/negotiate.h"
#include "web/request/scrape_options.h"
#include "web/state.h"

#define READY_AGE_NS (15 * NS_PER_S)
#define READY_WAIT_NS (NS_PER_S / 2)
#define PAGE_WAIT_NS (2 * NS_PER_S) /* then the page shows the last known state */

#define TYPE_PLAIN "text/plain; charset=utf-8"
#define TYPE_HTML "text/html; charset=utf-8"

/* One request; exists from the first call of the handler until its completion. */
struct web_request {
	struct waiter waiter;
	struct web *web;
	struct MHD_Connection *connection;
	enum web_request_state { REQUEST_READING, REQUEST_WAITING, REQUEST_ANSWERED } state;
	bool counted;  /* in self.in_flight */
	bool answered; /* the collector sent a snapshot */
	struct gate_pass pass;
	struct wishes wishes;
	struct body *body;
	const char *proxy; /* ?proxy= of the page; NULL: all */
};

/* NULL if there was no memory when the connection began. */
static struct connection *connection_of(const struct web_request *request)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return info ? info->socket_context : NULL;
}

/*
 * --web.config.file is set, but there were no settings when the client connected
 * (--web.config.wait). The client was not authenticated, so it gets no metrics of proxies, even if
 * there are settings now.
 */
static bool config_missing(const struct web_request *request)
{
	const struct connection *connection = connection_of(request);

	return config_wanted(request->web) && !(connection && connection->owner);
}

static void connection_enter(struct web_request *request, enum connection_state state)
{
	struct connection *connection = connection_of(request);

	if (connection)
		connections_enter(&request->web->connections, connection, state,
				  request->web->now_ns);
}

/* Adds the headers of the settings, and closes connections that began with older settings. */
static void settings_headers_add(const struct web_request *request, struct MHD_Response *response)
{
	const struct web_config *config = request->web->config;
	const struct connection *connection = connection_of(request);

	for (int i = 0; config && i < HEADER_MAX; i++) {
		const char *name = settings_header_name((enum settings_header)i);

		/*
		 * As in exporter-toolkit, a header that the response already has is kept: the page
		 * sets its own policy.
		 */
		if (config->settings->headers[i] && !MHD_get_response_header(response, name))
			MHD_add_response_header(response, name, config->settings->headers[i]);
	}
	if (connection && connection->owner != config)
		MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
}

static enum MHD_Result response_send(struct web_request *request, unsigned int status,
				     const char *type, struct MHD_Response *response)
{
	enum MHD_Result result;

	if (!response)
		return MHD_NO;
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
		MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
	if (status == MHD_HTTP_UNAUTHORIZED)
		MHD_add_response_header(response, MHD_HTTP_HEADER_WWW_AUTHENTICATE,
					"Basic realm=\"wgsocks_exporter\", charset=\"UTF-8\"");
	if (status == MHD_HTTP_TOO_MANY_REQUESTS)
		MHD_add_response_header(response, MHD_HTTP_HEADER_RETRY_AFTER, "1");
	settings_headers_add(request, response);
	connection_enter(request, CONNECTION_SENDING);
	result = MHD_queue_response(request->connection, status, response);
	MHD_destroy_response(response);
	return result;
}

static enum MHD_Result words_send(struct web_request *request, unsigned int status,
				  const char *words)
{
	return response_send(request, status, TYPE_PLAIN,
			     MHD_create_response_from_buffer(strlen(words),
							     (void *)(uintptr_t)words,
							     MHD_RESPMEM_PERSISTENT));
}

/* ---- a scrape ---- */

static void body_done(void *closure)
{
	body_release(closure);
}

static enum MHD_Result scrape_code(struct web_request *request, enum scrape_code code,
				   const char *words)
{
	request->web->self.codes[code]++;
	return words_send(request, scrape_status(code), words);
}

/* Refuses a scrape with 400. The text is copied. */
static enum MHD_Result scrape_refuse(struct web_request *request, const char *words)
{
	request->web->self.codes[SCRAPE_BAD]++;
	return response_send(request, MHD_HTTP_BAD_REQUEST, TYPE_PLAIN,
			     MHD_create_response_from_buffer(strlen(words),
							     (void *)(uintptr_t)words,
							     MHD_RESPMEM_MUST_COPY));
}

static enum MHD_Result scrape_send(struct web_request *request)
{
	struct body *body = request->body;
	struct MHD_Response *response;

	if (!body)
		return scrape_code(request, SCRAPE_ERROR, "out of memory\n");
	response = MHD_create_response_from_buffer_with_free_callback_cls(
		body->text.size, body->text.data, body_done, body);
	if (!response)
		return scrape_code(request, SCRAPE_ERROR, "out of memory\n");
	request->body = NULL; /* the response's */
	request->web->self.codes[SCRAPE_OK]++;
	MHD_add_response_header(response, MHD_HTTP_HEADER_VARY, "Accept, Accept-Encoding");
	if (wishes_gzip(&request->wishes))
		MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_ENCODING, "gzip");
	return response_send(request, MHD_HTTP_OK, exposition_content_type(request->wishes.format),
			     response);
}

static void request_resume(struct web_request *request, bool answered)
{
	request->state = REQUEST_ANSWERED;
	request->answered = answered;
	request->web->pending = true;
	MHD_resume_connection(request->connection);
}

static void scrape_done(struct waiter *waiter, const struct snapshot *samples)
{
	struct web_request *request = (struct web_request *)waiter;
	struct web *web = request->web;

	/*
	 * Without settings only the exporter's own metrics are sent. Mask 0: the collector is not
	 * reported as failed.
	 */
	const bool missing = config_missing(request);
	const struct body_source source = { .self = &web->self,
					    .round = web->snapshots.round,
					    .mask = missing ? 0 : waiter->mask,
					    .samples = missing ? NULL : samples };

	request->body = bodies_get(&web->bodies, &source, request->wishes.format,
				   wishes_gzip(&request->wishes));
	request_resume(request, samples);
}

static void ready_done(struct waiter *waiter, const struct snapshot *samples)
{
	request_resume((struct web_request *)waiter, samples);
}

/* Suspends the connection until the collector answers or the time is over. */
static enum MHD_Result request_wait(struct web_request *request, uint32_t mask, uint64_t wait_ns,
				    void (*done)(struct waiter *waiter,
						 const struct snapshot *samples))
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

static enum MHD_Result argument_take(void *closure, enum MHD_ValueKind kind, const char *key,
				     size_t key_size, const char *value, size_t value_size)
{
	(void)kind;
	return collect_argument(closure, key, key_size, value, value_size) ? MHD_NO : MHD_YES;
}

static enum MHD_Result wish_take(void *closure, enum MHD_ValueKind kind, const char *key,
				 size_t key_size, const char *value, size_t value_size)
{
	(void)kind;
	if (!value)
		return MHD_YES;
	if (key_size == strlen(MHD_HTTP_HEADER_ACCEPT) &&
	    !strncasecmp(key, MHD_HTTP_HEADER_ACCEPT, key_size))
		wishes_accept(closure, value, value_size);
	if (key_size == strlen(MHD_HTTP_HEADER_ACCEPT_ENCODING) &&
	    !strncasecmp(key, MHD_HTTP_HEADER_ACCEPT_ENCODING, key_size))
		wishes_encoding(closure, value, value_size);
	return MHD_YES;
}

static enum MHD_Result metrics_handle(struct web_request *request)
{
	struct web *web = request->web;
	struct collect collect = { .on = web->child->config->collectors };
	uint32_t max = web->child->config->max_requests;
	const char *timeout;

	if (request->state == REQUEST_ANSWERED)
		return scrape_send(request);
	MHD_get_connection_values_n(request->connection, MHD_GET_ARGUMENT_KIND, argument_take,
				    &collect);
	if (collect.why[0])
		return scrape_refuse(request, collect.why);
	if (max && web->self.in_flight >= max)
		return scrape_code(request, SCRAPE_BUSY,
				   "too many scrapes at once, try again later\n");
	MHD_get_connection_values_n(request->connection, MHD_HEADER_KIND, wish_take,
				    &request->wishes);
	web->self.in_flight++;
	request->counted = true;
	timeout = MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND,
					      "X-Prometheus-Scrape-Timeout-Seconds");
	return request_wait(request, collect_mask(&collect), scrape_timeout_ns(timeout),
			    scrape_done);
}

/* ---- the other paths ---- */

static bool snapshots_fresh(const struct web *web)
{
	uint64_t answered = web->snapshots.answered_ns;

	return answered && web->now_ns - answered <= READY_AGE_NS;
}

static enum MHD_Result healthy_handle(struct web_request *request)
{
	return words_send(request, MHD_HTTP_OK, "healthy\n");
}

static enum MHD_Result missing_answer(struct web_request *request)
{
	return words_send(request, MHD_HTTP_SERVICE_UNAVAILABLE,
			  "not ready: no valid --web.config.file yet\n");
}

static enum MHD_Result ready_handle(struct web_request *request)
{
	if (config_missing(request))
		return missing_answer(request);
	if (snapshots_fresh(request->web) ||
	    (request->state == REQUEST_ANSWERED && request->answered))
		return words_send(request, MHD_HTTP_OK, "ready\n");
	if (request->state == REQUEST_ANSWERED)
		return words_send(request, MHD_HTTP_SERVICE_UNAVAILABLE,
				  "not ready: collector does not answer\n");
	return request_wait(request, request->web->child->config->collectors, READY_WAIT_NS,
			    ready_done);
}

/* ---- the page ---- */

static void page_done(struct waiter *waiter, const struct snapshot *samples)
{
	struct web_request *request = (struct web_request *)waiter;
	struct web *web = request->web;
	const struct pages_source source = {
		.self = &web->self,
		.round = web->snapshots.round,
		.samples = samples,
		.proxy = request->proxy,
		.gzip = wishes_gzip(&request->wishes) ? &web->bodies.gzip : NULL,
		.now_ns = web->now_ns,
	};

	request->body = pages_get(&web->pages, &source);
	request_resume(request, samples);
}

static enum MHD_Result page_send(struct web_request *request)
{
	struct body *body = request->body;
	struct MHD_Response *response = NULL;

	if (body)
		response = MHD_create_response_from_buffer_with_free_callback_cls(
			body->text.size, body->text.data, body_done, body);
	if (!response)
		return words_send(request, MHD_HTTP_INTERNAL_SERVER_ERROR, "out of memory\n");
	request->body = NULL; /* the response's */
	MHD_add_response_header(response, "Content-Security-Policy", page_policy());
	MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
	MHD_add_response_header(response, "Referrer-Policy", "no-referrer");
	MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
	MHD_add_response_header(response, MHD_HTTP_HEADER_VARY, "Accept-Encoding");
	if (wishes_gzip(&request->wishes))
		MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_ENCODING, "gzip");
	return response_send(request, MHD_HTTP_OK, TYPE_HTML, response);
}

static enum MHD_Result page_handle(struct web_request *request)
{
	if (config_missing(request))
		return missing_answer(request);
	if (request->state == REQUEST_ANSWERED)
		return page_send(request);
	MHD_get_connection_values_n(request->connection, MHD_HEADER_KIND, wish_take,
				    &request->wishes);
	request->proxy =
		MHD_lookup_connection_value(request->connection, MHD_GET_ARGUMENT_KIND, "proxy");
	return request_wait(request, page_mask(request->web->child->config), PAGE_WAIT_NS,
			    page_done);
}

static enum MHD_Result (*path_find(const struct web *web,
				   const char *path))(struct web_request *request)
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

/* ---- authentication and rate limit ---- */

static void password_done(struct password_waiter *waiter)
{
	struct gate_pass *pass = (struct gate_pass *)waiter;
	struct web_request *request =
		(struct web_request *)((char *)pass - offsetof(struct web_request, pass));

	pass->waiting = false;
	request->web->pending = true;
	MHD_resume_connection(request->connection);
}

static enum MHD_Result gate_refuse(struct web_request *request, enum refusal refusal)
{
	switch (refusal) {
	case REFUSAL_RATE:
		return words_send(request, MHD_HTTP_TOO_MANY_REQUESTS, "rate limit exceeded\n");
	case REFUSAL_PASSWORDS_BUSY:
		return words_send(request, MHD_HTTP_TOO_MANY_REQUESTS,
				  "too many password checks at once, try again later\n");
	default: return words_send(request, MHD_HTTP_UNAUTHORIZED, "Unauthorized\n");
	}
}

/* True: the request may continue. Else *result is the result for libmicrohttpd. */
static bool gate_passed(struct web_request *request, enum MHD_Result *result)
{
	struct web *web = request->web;
	enum refusal refusal;
	int r;

	request->pass.waiter.done = password_done;
	r = gate_check(&web->gate, &request->pass, web->config ? web->config->settings : NULL,
		       request->connection, web->now_ns, &refusal);
	if (r == -EAGAIN) {
		MHD_suspend_connection(request->connection);
		*result = MHD_YES;
	} else if (r) {
		*result = gate_refuse(request, refusal);
	}
	return !r;
}

static enum MHD_Result request_refuse(struct web_request *request, bool known)
{
	if (!known)
		return words_send(request, MHD_HTTP_NOT_FOUND, "not found\n");
	return words_send(request, MHD_HTTP_METHOD_NOT_ALLOWED,
			  "method not allowed, use GET or HEAD\n");
}

enum MHD_Result web_request_handle(void *closure, struct MHD_Connection *connection,
				   const char *url, const char *method, const char *version,
				   const char *upload, size_t *upload_size, void **context)
{
	enum MHD_Result (*handle)(struct web_request * request) = path_find(closure, url);
	bool reads = !strcmp(method, MHD_HTTP_METHOD_GET) || !strcmp(method, MHD_HTTP_METHOD_HEAD);
	struct web_request *request = *context;
	struct web *web = closure;
	enum MHD_Result result;

	(void)version;
	(void)upload;
	if (!request) {
		/*
		 * The headers are complete. A body may follow; it is read and dropped, unless the
		 * request is refused at once.
		 */
		request = calloc(1, sizeof(*request));
		if (!request)
			return MHD_NO;
		request->web = web;
		request->connection = connection;
		*context = request;
		return (handle && reads) || web->config ? MHD_YES : request_refuse(request, handle);
	}
	if (*upload_size) {
		*upload_size = 0;
		return MHD_YES;
	}
	if (request->state == REQUEST_READING)
		connection_enter(request, CONNECTION_WORKING);
	if (!gate_passed(request, &result))
		return result;
	return handle && reads ? handle(request) : request_refuse(request, handle);
}

void web_request_completed(void *closure, struct MHD_Connection *connection, void **context,
			   enum MHD_RequestTerminationCode code)
{
	struct web_request *request = *context;
	struct web *web = closure;

	(void)connection;
	(void)code;
	if (!request)
		return;
	connection_enter(request, CONNECTION_IDLE);
	gate_leave(&web->gate, &request->pass);
	if (request->state == REQUEST_WAITING)
		snapshots_remove(&web->snapshots, &request->waiter);
	if (request->counted)
		web->self.in_flight--;
	body_release(request->body);
	free(request);
	*context = NULL;
}
