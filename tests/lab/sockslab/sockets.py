# SPDX-License-Identifier: Apache-2.0
"""Counts of a namespace's TCP sockets, from ss."""

import re
from dataclasses import dataclass


@dataclass
class Sockets:
    clients: int = 0  # to the SOCKS ports: all but LISTEN, SYN-RECV, TIME-WAIT, orphaned FIN-WAIT-2
    upstream: int = 0  # ESTAB and not to a SOCKS port (an accepted BIND is one too)
    upstream_connecting: int = 0  # SYN-SENT


_PORT = re.compile(r":(\d+)$")


def count_sockets(namespace, ports):
    """Sockets of namespace now, seen from the side of a proxy that listens on ports."""
    listing = namespace.run(["ss", "-tanHeO"]).stdout
    sockets = Sockets()
    for line in listing.splitlines():
        state, _recvq, _sendq, local, remote = line.split()[:5]
        if int(_PORT.search(local).group(1)) in ports:
            # What the kernel keeps of an orphan in FIN-WAIT-2 is a time-wait record, no socket.
            orphan = state == "FIN-WAIT-2" and "timer:(timewait" in line
            if state not in ("LISTEN", "SYN-RECV", "TIME-WAIT") and not orphan:
                sockets.clients += 1
        elif int((_PORT.search(remote) or ["", "0"])[1]) in ports and local.split("%")[0].startswith(("127.", "[::1]")):
            pass  # the client's end of a connection over lo
        elif state == "ESTAB":
            sockets.upstream += 1
        elif state == "SYN-SENT":
            sockets.upstream_connecting += 1
    return sockets


def link_stats(namespace, name):
    """The link's counters: rx_bytes, rx_packets, tx_bytes, tx_packets; None when it is not there."""
    with open(f"/proc/{namespace.pid}/net/dev", encoding="ascii") as file:
        for line in file:
            device, _, numbers = line.partition(":")
            if device.strip() == name:
                field = [int(number) for number in numbers.split()]
                return {"rx_bytes": field[0], "rx_packets": field[1], "tx_bytes": field[8],
                        "tx_packets": field[9]}
    return None


def tcp_counters(namespace):
    """The namespace's own TCP counters: ActiveOpens, PassiveOpens, AttemptFails, RetransSegs, ..."""
    with open(f"/proc/{namespace.pid}/net/snmp", encoding="ascii") as file:
        names, values = [line.split()[1:] for line in file if line.startswith("Tcp:")]
    return dict(zip(names, map(int, values), strict=True))
