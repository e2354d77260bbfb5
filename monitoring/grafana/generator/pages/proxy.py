# SPDX-License-Identifier: Apache-2.0
"""One proxy, from its state down to its peers: in the order in which one looks for a cause."""

from .. import panels as show
from ..frame import new
from ..queries import (
    ACTIVE,
    BYTES,
    FAILED_SHARE,
    STATE,
    in_range,
    number,
    of,
    once,
    quantile,
    rate,
    rates,
    total,
)
from ..trouble import figures, firing_table

HANDSHAKE_AGE = once(f"time() - {of('vpn_peer_last_handshake_timestamp_seconds')}", "interface", "public_key", take="min")
LEAKED = f"{once(of('proxy:leaked_connections:increase15m'))} or {once(of('proxy:leaked_dns_queries:increase15m'))}"
PEER = ("interface", "public_key")
WAY = {"/received|from .*/": show.GREEN, "/sent|to .*/": show.BLUE}


def quantiles(name, *labels, more=""):
    return [(quantile(q, name, *labels, more=more), f"p{int(q * 100)}") for q in (0.5, 0.95, 0.99)]


def state(page):
    for panel in (
        show.figure("Tunnel", "up; idle and never used: nothing has to be sent. stale: what is sent is not answered. no peer, no interface: there is nothing to send by.",
                    STATE, meanings=show.STATE_WORDS, width=3, empty="not seen"),
        show.figure("SOCKS listener", "Whether dante listens.", once(of("proxy_listener_up"), take="min"), meanings=show.UP_WORDS, width=3, empty="not seen"),
        *figures(single=True),
        show.figure("Requests failing", "Of the requests that end, the share without a success reply.", FAILED_SHARE, "percentunit", show.FAILED_SHARE_STEPS, width=3, decimals=1),
        show.figure("Leaked in 15 min", "Connections and DNS queries that left beside the tunnel.", number(total(LEAKED)), steps=show.ANY_IS_BAD, width=3, decimals=0),
        show.figure("Last handshake", "Its age. While traffic flows it is renewed every two minutes; after three a session is dead. An idle tunnel without keepalives may be older.",
                    f"min({HANDSHAKE_AGE})", "s", ((None, show.GREEN), (180, show.YELLOW), (300, show.ORANGE)), width=3, decimals=0, empty="never"),
        show.figure("Requests/min", "SOCKS requests that arrived in the last 60 seconds.", once(of("proxy_request_rate_permin")), width=3, decimals=0, spark=True),
        firing_table(12, 7, single=True),
        show.timeline("Tunnel over time", "The state of the tunnel at each time.", STATE, show.STATE_WORDS, width=12, height=7),
    ):
        page.with_panel(panel)


def requests(page):
    page.with_row(show.row("Requests: what clients ask, and what they get"))
    for panel in (
        show.lines("Requests by command", "SOCKS requests received. unknown: no method was acceptable, authentication failed, or the request could not be read.",
                   [(once(rate("proxy_requests_total"), "command"), "{{command}}")], "reqps", width=8, stacked=True),
        show.lines("Outcome", "Requests by how they ended.", [(rates("proxy_requests_successful_total"), "successful"), (rates("proxy_requests_failed_total"), "failed")],
                   "reqps", width=8, stacked=True, colours={"successful": show.GREEN, "failed": show.RED}),
        show.lines("Failures by reason", "The SOCKS reply's reason, or what came instead of one.",
                   [(once(rate("proxy_request_failures_total"), "reason"), "{{reason}}")], "reqps", width=8, stacked=True, calcs=("max", "lastNotNull")),
        show.lines("Time to the reply", "From a client's request to the reply, successful ones: dante's own work, the name's lookup and the connect.",
                   quantiles("proxy_request_duration_seconds", "outcome", more='outcome="success"'), "s", width=8),
        show.lines("Time to a failing reply", "The same of requests that fail: refusals are fast, timeouts slow.",
                   quantiles("proxy_request_duration_seconds", "outcome", more='outcome="failure"'), "s", width=8),
        show.lines("Client connections", "Open now, and usual: the 5th and 99th percentile of the five-minute means of the week before (recording rules; they begin after half a day).", [
            (ACTIVE, "open"), (once(of("proxy:active_connections:usual_high")), "usual, high"), (once(of("proxy:active_connections:usual_low")), "usual, low")],
            "short", width=8, colours={"/usual.*/": show.GREY, "open": show.BLUE}),
        show.lines("New client connections", "Accepted TCP connections; some, like probes, never send a request.", [(rates("proxy_client_connections_total"), "accepted")], "cps", width=8),
        show.lines("How long client connections last", "Of those that closed.", quantiles("proxy_connection_duration_seconds"), "s", width=8),
        show.ranking("Clients", "Requests in the dashboard's time by client, with --collector.clients (personal data). The first 50 addresses have a name, all others are other.",
                     f"topk(10, {in_range('proxy_requests_by_client_total', '', 'client')} > 0)", "{{client}}", "none", decimals=0),
    ):
        page.with_panel(panel)


def upstream(page):
    page.with_row(show.row("Targets: what the proxy does for them"))
    for panel in (
        show.lines("Connects to targets", "TCP connects begun, and those that were not established by reason.", [
            (rates("proxy_upstream_connects_total"), "begun"), (once(rate("proxy_upstream_connect_failures_total"), "reason"), "{{reason}}")],
            "cps", width=8, calcs=("max", "lastNotNull"), colours={"begun": show.BLUE}),
        show.lines("Time to connect", "From the SYN to a target until it is established: the way through the tunnel and back.",
                   quantiles("proxy_upstream_connect_duration_seconds"), "s", width=8),
        show.lines("Open connections to targets", "Established now.", [(once(of("proxy_upstream_active_connections")), "open")], "short", width=8),
        show.lines("Retransmits", "TCP segments sent again: to clients, and to targets through the tunnel.", [(once(rate("proxy_tcp_retransmits_total"), "side"), "{{side}}")], "pps", width=8),
        show.lines("DNS", "Answers by code, and queries that got none within 5 seconds.", [
            (rates("proxy_dns_responses_total", "", "rcode", "path", by=("rcode",)), "{{rcode}}"), (rates("proxy_dns_unanswered_total", "", "path"), "unanswered")],
            "reqps", width=8, stacked=True, colours={"noerror": show.GREEN, "servfail": show.RED, "unanswered": show.RED, "refused": show.ORANGE}),
        show.lines("Time to a DNS answer", "By the way the query took.", [(quantile(0.95, "proxy_dns_query_duration_seconds", "path", by=("path",)), "p95 {{path}}")], "s", width=8),
    ):
        page.with_panel(panel)


def tunnel(page):
    page.with_row(show.row("The tunnel and its peers"))
    for panel in (
        show.lines("In the tunnel", "Inner bytes per second, by IP version and protocol: received above, sent below the line.", [
            (once(rate("vpn_interface_receive_bytes_total"), "family", "protocol"), "from {{family}} {{protocol}}"),
            (f"-{once(rate('vpn_interface_transmit_bytes_total'), 'family', 'protocol')}", "to {{family}} {{protocol}}")], "Bps", width=8, least=None, stacked=True),
        show.lines("Packets", "Inner packets per second: received, sent.", [
            (rates("vpn_interface_receive_packets_total", "", "interface", "family", "protocol"), "received"),
            (rates("vpn_interface_transmit_packets_total", "", "interface", "family", "protocol"), "sent")], "pps", width=8, colours=WAY),
        show.lines("WireGuard's own count", "Bytes per second with the peers, encryption and keepalives included.", [
            (once(rate("vpn_peer_receive_bytes_total"), *PEER), "from {{public_key}}"), (once(rate("vpn_peer_transmit_bytes_total"), *PEER), "to {{public_key}}")], "Bps", width=8),
        show.lines("Handshakes", "Messages per minute. More initiations than responses: the peer does not answer, and users notice three minutes after the last answer.", [
            (f"60 * {once(rate('vpn_handshake_initiations_total'), 'interface', 'direction')}", "initiations {{direction}}"),
            (f"60 * {once(rate('vpn_handshake_responses_total'), 'interface', 'direction')}", "responses {{direction}}")], "short", width=8, interval="1m"),
        show.lines("Handshake time", "From an initiation to its response: the way to the peer and back. Every two minutes at most, so in steps of five.", [
            (quantile(0.95, "vpn_handshake_duration_seconds", "interface"), "p95"), (quantile(0.5, "vpn_handshake_duration_seconds", "interface"), "p50")], "s", width=8, interval="5m"),
        show.lines("Interface", "1 while the interface is there and up; and seconds in which one that was made anew may have carried packets that nobody counted.", [
            (once(of("vpn_interface_up"), "interface", take="min"), "{{interface}} up"),
            (once(of("vpn_interface_unwatched_seconds_total"), "interface"), "{{interface}} not counted, s")], "short", width=8),
        show.rows("Peers", "What WireGuard says of each peer.", [
            show.Column("Interface", label="interface", width=90), show.Column("Public key", label="public_key"),
            show.Column("Info", once(of("vpn_peer_info"), *PEER, "peer_address", "allowed_ips")),
            show.Column("Address", label="peer_address"), show.Column("Allowed IPs", label="allowed_ips"),
            show.Column("Last handshake", HANDSHAKE_AGE, unit="s", decimals=0, width=120),
            show.Column("Keepalive", once(of("vpn_peer_persistent_keepalive_seconds"), *PEER), unit="s", words={0: ("off", "transparent")}, width=90),
            show.Column("Received", once(of("vpn_peer_receive_bytes_total"), *PEER), unit="decbytes", width=100),
            show.Column("Sent", once(of("vpn_peer_transmit_bytes_total"), *PEER), unit="decbytes", width=100),
        ], height=5, hide=("job", "proxy_name", "Info"), empty="No peer is known"),
    ):
        page.with_panel(panel)


def where(page):
    page.with_row(show.row("Where it goes, and where it runs"))
    received, sent = (in_range(f"proxy_destination_{way}_bytes_total", "", "destination") for way in ("receive", "transmit"))
    for panel in (
        show.ranking("Destinations", "Bytes in the dashboard's time, both directions, with --collector.destinations (personal data).",
                     f"topk(10, {received} + {sent})", "{{destination}}", "decbytes", width=12, height=8),
        show.lines("Data transfer", "Bytes through the tunnel per second, both directions.", [(BYTES, "both directions")], "Bps", width=12, height=8),
        show.rows("Kubernetes", "The pod that this proxy is, as the agent of its node sees it.", [
            show.Column("Namespace", label="proxy_namespace", width=110), show.Column("Pod", label="proxy_pod"), show.Column("Uid", label="proxy_pod_uid", width=300), show.Column("Node", label="proxy_node"),
            show.Column("Info", once(of("proxy_kubernetes_info"), "proxy_namespace", "proxy_pod", "proxy_pod_uid", "proxy_node")),
        ], width=12, height=5, hide=("job", "proxy_name", "Info"), empty="No agent of a node sees it in a pod"),
        show.rows("Who watches it", "Exporters that show this proxy: how they are attached, and to how many of its interfaces. Elsewhere on these dashboards a proxy counts once.", [
            show.Column("Exporter", label="instance"), show.Column("Attached by", label="mode", width=110),
            show.Column("Interfaces", f"count by (job, instance, mode) ({of('wgsocks_exporter_attach_mode')} == 1)", decimals=0, width=100),
            show.Column("Its reads", f"min by (job, instance) ({of('wgsocks_exporter_source_success')})", words=show.OK_WORDS, width=110),
        ], width=12, height=5, sort=("Its reads",), empty="None"),
    ):
        page.with_panel(panel)


def make():
    page = new("One proxy in depth", "proxy", "All that is known of one proxy, in the order in which one looks for a cause: its state, requests, targets, the tunnel, where it goes.", hours=1, single=True)
    for part in (state, requests, upstream, tunnel, where):
        part(page)
    return page
