// SPDX-License-Identifier: Apache-2.0
#include <errno.h>

#include "lib/log/log.h"
#include "web/state.h"

static void config_log(const struct web_config *config)
{
	const struct settings *s = config->settings;

	log_info("serving metrics", field_text("protocol", config->tls ? "https" : "http"),
		 field_unsigned("users", s->user_count));
}

static void listen_begin(struct web *web)
{
	if (!web->listening && !web->stopping && server_listen(web))
		log_error("cannot watch listening sockets", field_error(errno));
}

/*
 * Puts a new configuration into force. Idle connections are closed, so that clients reconnect with
 * the new settings; the others close after their current response.
 */
static void config_replace(struct web *web, struct web_config *config)
{
	if (web->config)
		server_work(web);
	web_config_release(web->config);
	web->config = config;
	connections_shut_idle(&web->connections, web->now_ns);
	web->pending = true;
	web->self.certificate_expiry = config->tls ? tls_expiry(config->tls) : 0;
	config_log(config);
	listen_begin(web);
}

/*
 * There is no valid configuration yet (--web.config.wait): starts to listen, but clients get no
 * metrics of proxies (requests.c).
 */
static void listen_without_config(struct web *web)
{
	if (web->listening || !web->child->shared->web_config.awaited)
		return;
	log_warn("no valid web configuration yet, serving only the exporter's own metrics",
		 field_text("path", web->child->config->web_config_file));
	listen_begin(web);
}

void config_reload(struct web *web)
{
	const struct web_config_cell *cell = &web->child->shared->web_config;
	uint64_t sequence = atomic_load_explicit(&cell->sequence, memory_order_acquire);
	char why[SETTINGS_WHY];
	struct web_config *config;

	web_config_sweep();
	if (!config_wanted(web))
		return;
	if (sequence == web->reload_sequence) {
		listen_without_config(web);
		return;
	}
	config = web_config_load(web->child->bundle, sequence, why);
	/* Unchanged sequence: webconfig did not write to the half that was read. */
	if (atomic_load_explicit(&cell->sequence, memory_order_acquire) != sequence) {
		web_config_release(config);
		return;
	}
	web->reload_sequence = sequence;
	web->self.config_failed = !config;
	if (config)
		config_replace(web, config);
	else
		log_error("cannot use web configuration", field_text("error", why));
}
