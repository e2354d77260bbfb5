# SPDX-License-Identifier: Apache-2.0
"""Counts of a namespace's TCP sockets, from ss."""

from dataclasses import dataclass


@dataclass
class Sockets:
    clients: int = 0  # to the SOCKS ports: all but LISTEN, SYN-RECV, TIME-WAIT, orphaned FIN-WAIT-2
    upstream: int = 0  # ESTAB with an address of the tunnel (an accepted BIND is one too)
    upstream_connecting: int = 0  # SYN-SENT


def _split(endpoint):
    """(address without brackets and scope, port as text) of an address that ss prints."""
    address, _, port = endpoint.rpartition(":")
    return address.strip("[]").split("%")[0].removeprefix("::ffff:"), port


def count_sockets(namespace, ports, inner):
    """Sockets of a proxy with these listener ports and tunnel addresses (inner)."""
    sockets = Sockets()
    for line in namespace.run(["ss", "-tanHeO"]).stdout.splitlines():
        state, _recvq, _sendq, local = line.split()[:4]
        address, port = _split(local)
        if int(port) in ports:
            # For an orphan in FIN-WAIT-2 the kernel keeps a time-wait record, not a socket.
            orphan = state == "FIN-WAIT-2" and "timer:(timewait" in line
            if state not in ("LISTEN", "SYN-RECV", "TIME-WAIT") and not orphan:
                sockets.clients += 1
        elif state == "ESTAB" and address in inner:
            sockets.upstream += 1
        elif state == "SYN-SENT" and address in inner:
            sockets.upstream_connecting += 1
    return sockets


def link_stats(namespace, name):
    """A link's counters: rx_bytes, rx_packets, tx_bytes, tx_packets; None without the link."""
    with open(f"/proc/{namespace.pid}/net/dev", encoding="ascii") as file:
        for line in file:
            device, _, numbers = line.partition(":")
            if device.strip() == name:
                field = [int(number) for number in numbers.split()]
                return {
                    "rx_bytes": field[0],
                    "rx_packets": field[1],
                    "tx_bytes": field[8],
                    "tx_packets": field[9],
                }
    return None


def tcp_counters(namespace):
    """TCP counters of the namespace: ActiveOpens, PassiveOpens, AttemptFails, RetransSegs, ..."""
    with open(f"/proc/{namespace.pid}/net/snmp", encoding="ascii") as file:
        names, values = [line.split()[1:] for line in file if line.startswith("Tcp:")]
    return dict(zip(names, map(int, values), strict=True))
