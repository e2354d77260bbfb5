// SPDX-License-Identifier: Apache-2.0
#include "lib/log/log.h"
#include "web/state.h"

bool settings_wanted(const struct web *web)
{
	return web->child->bundle >= 0;
}

static void settings_tell(const struct active *active)
{
	const struct settings *s = active->settings;

	log_info("serving %s, %zu users with passwords", active->tls ? "TLS" : "plain HTTP", s->user_count);
}

static void listen_begin(struct web *web)
{
	if (!web->listening && !web->stopping && server_listen(web))
		log_error("cannot watch the listening sockets: %m");
}

/* Who is connected and at nothing comes back by the new rules; who is at something ends with its answer. */
static void settings_replace(struct web *web, struct active *active)
{
	if (web->active)
		server_work(web);
	active_release(web->active);
	web->active = active;
	connections_shut_idle(&web->connections, web->now_ns);
	web->pending = true;
	web->self.certificate_expiry = active->tls ? tls_expiry(active->tls) : 0;
	settings_tell(active);
	listen_begin(web);
}

/* They are not there yet (--web.config.wait): whoever connects now gets no number of a proxy (requests.c). */
static void missing_tell(struct web *web)
{
	if (web->listening || !web->child->shared->web_config.awaited)
		return;
	log_warn("only the exporter's own metrics are served, until --web.config.file is there");
	listen_begin(web);
}

void settings_adopt(struct web *web)
{
	const struct web_config_cell *cell = &web->child->shared->web_config;
	uint64_t sequence = atomic_load_explicit(&cell->sequence, memory_order_acquire);
	char why[SETTINGS_WHY];
	struct active *active;

	active_sweep();
	if (!settings_wanted(web))
		return;
	if (sequence == web->adopted) {
		missing_tell(web);
		return;
	}
	active = active_load(web->child->bundle, sequence, why);
	/* The half that was read is written again only two bundles later. */
	if (atomic_load_explicit(&cell->sequence, memory_order_acquire) != sequence) {
		active_release(active);
		return;
	}
	web->adopted = sequence;
	web->self.config_failed = !active;
	if (active)
		settings_replace(web, active);
	else
		log_error("the new configuration cannot be used: %s", why);
}
