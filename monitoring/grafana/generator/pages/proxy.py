# SPDX-License-Identifier: Apache-2.0
"""One proxy, in the order of a diagnosis: state, requests, targets, tunnel, destinations."""

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

HANDSHAKE_AGE = once(
    f"time() - {of('vpn_peer_last_handshake_timestamp_seconds')}",
    "interface",
    "public_key",
    take="min",
)
LEAKED = " or ".join(
    once(of(f"proxy:leaked_{what}:increase15m")) for what in ("connections", "dns_queries")
)
PEER = ("interface", "public_key")
WAY = {"/received|from .*/": show.GREEN, "/sent|to .*/": show.BLUE}


def quantiles(name, *labels, more=""):
    return [(quantile(q, name, *labels, more=more), f"p{int(q * 100)}") for q in (0.5, 0.95, 0.99)]


def state(page):
    for panel in (
        show.figure(
            "Tunnel",
            (
                "up, idle, never used: usable; nothing is being sent in the last two. stale: "
                "the peer does not answer. no peer, no interface: nothing can be sent."
            ),
            STATE,
            meanings=show.STATE_WORDS,
            width=3,
            empty="no data",
        ),
        show.figure(
            "SOCKS listener",
            "Whether the SOCKS server listens.",
            once(of("proxy_listener_up"), take="min"),
            meanings=show.UP_WORDS,
            width=3,
            empty="no data",
        ),
        *figures(single=True),
        show.figure(
            "Failed requests",
            "Share of completed requests without a success reply.",
            FAILED_SHARE,
            "percentunit",
            show.FAILED_SHARE_STEPS,
            width=3,
            decimals=1,
        ),
        show.figure(
            "Leaked in 15 min",
            "Connections and DNS queries that left outside the tunnel. The normal value is 0.",
            number(total(LEAKED)),
            steps=show.ANY_IS_BAD,
            width=3,
            decimals=0,
        ),
        show.figure(
            "Last handshake",
            (
                "Time since the last WireGuard handshake. With traffic it stays below 2 "
                "minutes; a session ends after 3. It may be older on an idle tunnel without "
                "keepalives."
            ),
            f"min({HANDSHAKE_AGE})",
            "s",
            ((None, show.GREEN), (180, show.YELLOW), (300, show.ORANGE)),
            width=3,
            decimals=0,
            empty="never",
        ),
        show.figure(
            "Requests/min",
            "SOCKS requests received in the last 60 seconds.",
            once(of("proxy_request_rate_permin")),
            width=3,
            decimals=0,
            spark=True,
        ),
        firing_table(12, 7, single=True),
        show.timeline(
            "Tunnel state over time",
            "State of the tunnel at each time.",
            STATE,
            show.STATE_WORDS,
            width=12,
            height=7,
        ),
    ):
        page.with_panel(panel)


def requests(page):
    page.with_row(show.row("Requests"))
    for panel in (
        show.lines(
            "Requests by command",
            (
                "SOCKS requests received, by command. unknown: no acceptable method, failed "
                "authentication, or an unreadable request."
            ),
            [(once(rate("proxy_requests_total"), "command"), "{{command}}")],
            "reqps",
            width=8,
            stacked=True,
        ),
        show.lines(
            "Requests by outcome",
            "Completed requests by outcome.",
            [
                (rates("proxy_requests_successful_total"), "successful"),
                (rates("proxy_requests_failed_total"), "failed"),
            ],
            "reqps",
            width=8,
            stacked=True,
            colours={"successful": show.GREEN, "failed": show.RED},
        ),
        show.lines(
            "Failed requests by reason",
            (
                "Failed requests by reason: the code of the SOCKS reply, or the event that "
                "prevented a reply."
            ),
            [(once(rate("proxy_request_failures_total"), "reason"), "{{reason}}")],
            "reqps",
            width=8,
            stacked=True,
            calcs=("max", "lastNotNull"),
        ),
        show.lines(
            "Request duration, successful",
            (
                "Time from a client's request to the success reply: work of the SOCKS server, "
                "name lookup and connect."
            ),
            quantiles("proxy_request_duration_seconds", "outcome", more='outcome="success"'),
            "s",
            width=8,
        ),
        show.lines(
            "Request duration, failed",
            (
                "Time from a client's request to the error reply. Refused connects are fast, "
                "timeouts are slow."
            ),
            quantiles("proxy_request_duration_seconds", "outcome", more='outcome="failure"'),
            "s",
            width=8,
        ),
        show.lines(
            "Client connections",
            (
                "Open client connections and the usual range: 5th and 99th percentile of the "
                "five-minute means of the week before. The range needs half a day of history."
            ),
            [
                (ACTIVE, "open"),
                (once(of("proxy:active_connections:usual_high")), "usual, high"),
                (once(of("proxy:active_connections:usual_low")), "usual, low"),
            ],
            "short",
            width=8,
            colours={"/usual.*/": show.GREY, "open": show.BLUE},
        ),
        show.lines(
            "New client connections",
            "Accepted TCP connections. Some, such as probes, send no request.",
            [(rates("proxy_client_connections_total"), "accepted")],
            "cps",
            width=8,
        ),
        show.lines(
            "Client connection lifetime",
            "Lifetime of client connections, observed when they close.",
            quantiles("proxy_connection_duration_seconds"),
            "s",
            width=8,
        ),
        show.ranking(
            "Top clients",
            (
                "Requests in the time range by client. Needs --collector.clients; addresses "
                "are personal data. The first 50 addresses have a series, further ones are "
                "other."
            ),
            f"topk(10, {in_range('proxy_requests_by_client_total', '', 'client')} > 0)",
            "{{client}}",
            "none",
            decimals=0,
        ),
    ):
        page.with_panel(panel)


def upstream(page):
    page.with_row(show.row("Targets"))
    for panel in (
        show.lines(
            "Connects to targets",
            "TCP connects to targets: started, and failed by reason.",
            [
                (rates("proxy_upstream_connects_total"), "started"),
                (once(rate("proxy_upstream_connect_failures_total"), "reason"), "{{reason}}"),
            ],
            "cps",
            width=8,
            calcs=("max", "lastNotNull"),
            colours={"started": show.BLUE},
        ),
        show.lines(
            "Connect duration",
            (
                "Time from the SYN to a target until the connection is established, through "
                "the tunnel."
            ),
            quantiles("proxy_upstream_connect_duration_seconds"),
            "s",
            width=8,
        ),
        show.lines(
            "Upstream connections",
            "Established connections to targets.",
            [(once(of("proxy_upstream_active_connections")), "open")],
            "short",
            width=8,
        ),
        show.lines(
            "TCP retransmits",
            "TCP segments retransmitted to clients, and to targets through the tunnel.",
            [(once(rate("proxy_tcp_retransmits_total"), "side"), "{{side}}")],
            "pps",
            width=8,
        ),
        show.lines(
            "DNS answers",
            "DNS answers by code, and queries without an answer within 5 seconds.",
            [
                (
                    rates("proxy_dns_responses_total", "", "rcode", "path", by=("rcode",)),
                    "{{rcode}}",
                ),
                (rates("proxy_dns_unanswered_total", "", "path"), "unanswered"),
            ],
            "reqps",
            width=8,
            stacked=True,
            colours={
                "noerror": show.GREEN,
                "servfail": show.RED,
                "unanswered": show.RED,
                "refused": show.ORANGE,
            },
        ),
        show.lines(
            "DNS query duration",
            "Time from a DNS query to its answer, through the tunnel and outside it (underlay).",
            [
                (
                    quantile(0.95, "proxy_dns_query_duration_seconds", "path", by=("path",)),
                    "p95 {{path}}",
                )
            ],
            "s",
            width=8,
        ),
    ):
        page.with_panel(panel)


def tunnel(page):
    page.with_row(show.row("Tunnel and peers"))
    for panel in (
        show.lines(
            "Tunnel traffic",
            (
                "Bytes per second inside the tunnel, by IP version and protocol. Received is "
                "positive, sent is negative."
            ),
            [
                (
                    once(rate("vpn_interface_receive_bytes_total"), "family", "protocol"),
                    "from {{family}} {{protocol}}",
                ),
                (
                    f"-{once(rate('vpn_interface_transmit_bytes_total'), 'family', 'protocol')}",
                    "to {{family}} {{protocol}}",
                ),
            ],
            "Bps",
            width=8,
            least=None,
            stacked=True,
        ),
        show.lines(
            "Tunnel packets",
            "Packets per second inside the tunnel.",
            [
                (
                    rates(
                        "vpn_interface_receive_packets_total", "", "interface", "family", "protocol"
                    ),
                    "received",
                ),
                (
                    rates(
                        "vpn_interface_transmit_packets_total",
                        "",
                        "interface",
                        "family",
                        "protocol",
                    ),
                    "sent",
                ),
            ],
            "pps",
            width=8,
            colours=WAY,
        ),
        show.lines(
            "Peer traffic",
            (
                "Bytes per second from and to each peer, as WireGuard counts them: with "
                "encryption and keepalives."
            ),
            [
                (once(rate("vpn_peer_receive_bytes_total"), *PEER), "from {{public_key}}"),
                (once(rate("vpn_peer_transmit_bytes_total"), *PEER), "to {{public_key}}"),
            ],
            "Bps",
            width=8,
        ),
        show.lines(
            "Handshakes",
            (
                "Handshake messages per minute. More initiations than responses: the peer does"
                " not answer, and clients are affected 3 minutes after its last answer."
            ),
            [
                (
                    "60 * "
                    + once(rate("vpn_handshake_initiations_total"), "interface", "direction"),
                    "initiations {{direction}}",
                ),
                (
                    f"60 * {once(rate('vpn_handshake_responses_total'), 'interface', 'direction')}",
                    "responses {{direction}}",
                ),
            ],
            "short",
            width=8,
            interval="1m",
        ),
        show.lines(
            "Handshake duration",
            (
                "Time from a handshake initiation to its response: round trip to the peer. "
                "Handshakes are 2 minutes apart, so each point is 5 minutes."
            ),
            [
                (quantile(0.95, "vpn_handshake_duration_seconds", "interface"), "p95"),
                (quantile(0.5, "vpn_handshake_duration_seconds", "interface"), "p50"),
            ],
            "s",
            width=8,
            interval="5m",
        ),
        show.lines(
            "Tunnel interface",
            (
                "1 while the interface exists and is up; and the seconds in which a recreated "
                "interface was not watched."
            ),
            [
                (once(of("vpn_interface_up"), "interface", take="min"), "{{interface}} up"),
                (
                    once(of("vpn_interface_unwatched_seconds_total"), "interface"),
                    "{{interface}} not watched, s",
                ),
            ],
            "short",
            width=8,
        ),
        show.rows(
            "Peers",
            "WireGuard's state of each peer.",
            [
                show.Column("Tunnel interface", label="interface", width=90),
                show.Column("Public key", label="public_key"),
                show.Column(
                    "Info", once(of("vpn_peer_info"), *PEER, "peer_address", "allowed_ips")
                ),
                show.Column("Address", label="peer_address"),
                show.Column("Allowed IPs", label="allowed_ips"),
                show.Column("Last handshake", HANDSHAKE_AGE, unit="s", decimals=0, width=120),
                show.Column(
                    "Keepalive",
                    once(of("vpn_peer_persistent_keepalive_seconds"), *PEER),
                    unit="s",
                    words={0: ("off", "transparent")},
                    width=90,
                ),
                show.Column(
                    "Received",
                    once(of("vpn_peer_receive_bytes_total"), *PEER),
                    unit="decbytes",
                    width=100,
                ),
                show.Column(
                    "Sent",
                    once(of("vpn_peer_transmit_bytes_total"), *PEER),
                    unit="decbytes",
                    width=100,
                ),
            ],
            height=5,
            hide=("job", "proxy_name", "Info"),
            empty="No peer",
        ),
    ):
        page.with_panel(panel)


def where(page):
    page.with_row(show.row("Destinations and exporters"))
    received, sent = (
        in_range(f"proxy_destination_{way}_bytes_total", "", "destination")
        for way in ("receive", "transmit")
    )
    for panel in (
        show.ranking(
            "Top destinations",
            (
                "Bytes in the time range, both directions. Needs --collector.destinations; "
                "destinations are personal data."
            ),
            f"topk(10, {received} + {sent})",
            "{{destination}}",
            "decbytes",
            width=12,
            height=8,
        ),
        show.lines(
            "Data transfer",
            "Bytes per second through the tunnel, both directions.",
            [(BYTES, "both directions")],
            "Bps",
            width=12,
            height=8,
        ),
        show.rows(
            "Kubernetes pod",
            "Pod of this proxy, as the agent of its node sees it.",
            [
                show.Column("Namespace", label="proxy_namespace", width=110),
                show.Column("Pod", label="proxy_pod"),
                show.Column("Uid", label="proxy_pod_uid", width=300),
                show.Column("Node", label="proxy_node"),
                show.Column(
                    "Info",
                    once(
                        of("proxy_kubernetes_info"),
                        "proxy_namespace",
                        "proxy_pod",
                        "proxy_pod_uid",
                        "proxy_node",
                    ),
                ),
            ],
            width=12,
            height=5,
            hide=("job", "proxy_name", "Info"),
            empty="No agent sees a pod of this proxy",
        ),
        show.rows(
            "Exporters of this proxy",
            (
                "Exporters that show this proxy, how they are attached, and to how many "
                "interfaces. All other panels count a proxy once."
            ),
            [
                show.Column("Exporter", label="instance"),
                show.Column("Attached by", label="mode", width=110),
                show.Column(
                    "Interfaces",
                    f"count by (job, instance, mode) ({of('wgsocks_exporter_attach_mode')} == 1)",
                    decimals=0,
                    width=100,
                ),
                show.Column(
                    "Reads",
                    f"min by (job, instance) ({of('wgsocks_exporter_source_success')})",
                    words=show.OK_WORDS,
                    width=110,
                ),
            ],
            width=12,
            height=5,
            sort=("Reads",),
            empty="None",
        ),
    ):
        page.with_panel(panel)


def make():
    page = new(
        "Proxy details",
        "proxy",
        (
            "All metrics of one proxy, in the order of a diagnosis: state, requests, targets, "
            "tunnel, destinations."
        ),
        hours=1,
        single=True,
    )
    for part in (state, requests, upstream, tunnel, where):
        part(page)
    return page
