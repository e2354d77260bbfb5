// SPDX-License-Identifier: Apache-2.0
/* The SOCKS ports of a proxy: where its servers listen, and where they listened before. */
#include <string.h>

#include "collector/discovery/listeners.h"
#include "collector/discovery/processes.h"
#include "collector/proxy_netns/parts.h"
#include "lib/log/log.h"

static bool port_is_current(const struct proxy_netns *netns, uint16_t port)
{
	for (unsigned int i = 0; i < netns->port_count; i++) {
		if (netns->ports[i] == port)
			return true;
	}
	return false;
}

/*
 * Returns an index for a port: a free one, or that of a former port without listener and sessions,
 * or -1.
 */
static int port_index(struct proxy_netns *netns)
{
	for (int i = 0; i < ABI_PORTS_MAX; i++) {
		if (!netns->map_entry.ports[i])
			return i;
	}
	for (int i = 0; i < ABI_PORTS_MAX; i++) {
		uint16_t former = netns->map_entry.ports[i];

		if (!port_is_current(netns, former) && listeners_present(&former, 1) == 0 &&
		    (!netns->started || !kernel_port_in_use(netns->kernel, netns->slot, former)))
			return i;
	}
	return -1;
}

/* Former ports stay while there is room: their sessions must be recognised when they end. */
static bool port_add(struct proxy_netns *netns, uint16_t port)
{
	int index;

	for (int i = 0; i < ABI_PORTS_MAX; i++) {
		if (netns->map_entry.ports[i] == port)
			return false;
	}
	index = port_index(netns);
	if (index < 0) {
		if (netns->ports_lost != port)
			log_warn("too many listener ports, port is not watched",
				 field_text("proxy", netns->name), field_unsigned("port", port),
				 field_unsigned("limit", ABI_PORTS_MAX));
		netns->ports_lost = port;
		return false;
	}
	netns->map_entry.ports[index] = port;
	netns->ports_added = true;
	log_info("watching SOCKS listener", field_text("proxy", netns->name),
		 field_unsigned("port", port));
	return true;
}

bool ports_add(struct proxy_netns *netns)
{
	bool changed = false;

	for (unsigned int i = 0; i < netns->port_count; i++)
		changed |= port_add(netns, netns->ports[i]);
	return changed;
}

static bool is_candidate(const struct proxy_netns *netns, uint16_t port)
{
	for (unsigned int i = 0; i < netns->candidate_count; i++) {
		if (netns->candidates[i] == port)
			return true;
	}
	return false;
}

/*
 * Accepts new ports at once at the start, later only if the next discovery finds them again. The
 * listener for a BIND briefly belongs to the first process of a SOCKS server.
 */
void proxy_netns_ports_found(struct proxy_netns *netns, const uint16_t *ports, unsigned int n)
{
	unsigned int kept = 0;

	if (netns->ports_configured)
		return;
	netns->discovery_due = false;
	netns->discovered_ns = clock_now_ns();
	for (unsigned int i = 0; i < n; i++) {
		if (!netns->discovered || is_candidate(netns, ports[i]))
			netns->ports[kept++] = ports[i];
		else
			netns->discovery_due = true;
	}
	if (n > 0) {
		memcpy(netns->candidates, ports, n * sizeof(ports[0]));
		netns->candidate_count = n;
		netns->discovered = true;
	}
	if (kept) {
		netns->port_count = kept;
	} else if (!netns->port_count) {
		netns->ports[0] = SOCKS_PORT_DEFAULT; /* no server seen: default port */
		netns->port_count = 1;
	}
}

static void ports_discover(struct proxy_netns *netns)
{
	uint16_t ports[ABI_PORTS_MAX];
	size_t rest = 0;
	int n = processes_listener_ports(netns->config, netns->map_entry.netns_inode, ports,
					 ABI_PORTS_MAX, &rest);

	if (rest)
		log_warn("too many listener ports, some are not watched",
			 field_text("proxy", netns->name), field_unsigned("count", rest),
			 field_unsigned("limit", ABI_PORTS_MAX));
	proxy_netns_ports_found(netns, ports, n > 0 ? n : 0);
}

static void ports_keep(struct proxy_netns *netns, int present)
{
	unsigned int kept = 0;

	for (unsigned int i = 0; i < netns->port_count; i++) {
		if (present & 1 << i)
			netns->ports[kept++] = netns->ports[i];
	}
	netns->port_count = kept;
	netns->listener_up = true;
}

void proxy_netns_listeners(struct proxy_netns *netns, bool discover)
{
	int present;

	if (discover && !netns->ports_configured)
		ports_discover(netns);
	if (ports_add(netns))
		map_entry_write(netns);
	present = listeners_present(netns->ports, netns->port_count);
	if (present < 0) {
		log_debug("cannot ask for listeners", field_text("proxy", netns->name),
			  field_error(present));
		return;
	}
	/* Of discovered ports, one may disappear while another stays */
	if (present && !netns->ports_configured)
		ports_keep(netns, present);
	else
		netns->listener_up = netns->port_count && present == (1 << netns->port_count) - 1;
}

/*
 * The programs already watch this port; of the others, those without a listener become former
 * ports.
 */
static void port_learned(struct proxy_netns *netns, uint16_t port)
{
	int present = listeners_present(netns->ports, netns->port_count);
	unsigned int kept = 0;

	for (unsigned int i = 0; i < netns->port_count; i++) {
		if (present >= 0 && present & 1 << i && netns->ports[i] != port)
			netns->ports[kept++] = netns->ports[i];
	}
	if (kept < ABI_PORTS_MAX)
		netns->ports[kept++] = port;
	netns->port_count = kept;
	netns->discovered = true;
}

void proxy_netns_listener_event(struct proxy_netns *netns, const struct event *event)
{
	bool discovers = event->kind == ABI_EVENT_LISTEN && !netns->ports_configured;

	if (discovers && event->by_server == ABI_SERVER_FIRST)
		port_learned(netns, event->port);
	else if (discovers && event->by_server == ABI_SERVER_UNKNOWN)
		netns->discovery_due = true;
	if (port_is_current(netns, event->port))
		proxy_netns_listeners(netns, false);
}
