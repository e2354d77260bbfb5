# SPDX-License-Identifier: Apache-2.0
"""Captures the packets of an interface with a packet socket, to compare them with the counts."""

import collections
import contextlib
import socket
import struct
import threading

ETH_P_ALL = 3
SO_RCVBUFFORCE = 33
PACKET_OUTGOING = 4
SO_TIMESTAMPNS = 35
IPV6_EXTENSIONS = (0, 43, 60)

Packet = collections.namedtuple(
    "Packet", "time outgoing protocol source destination sport dport payload header"
)


def parse(frame, outgoing, time):
    """A Packet, if it is TCP or UDP, else None. `header`: the TCP header."""
    kind = struct.unpack_from("!H", frame, 12)[0]
    if kind == 0x0800:
        protocol, start = frame[23], 14 + (frame[14] & 15) * 4
        end = 14 + struct.unpack_from("!H", frame, 16)[0]
        source, destination = (
            socket.inet_ntop(socket.AF_INET, frame[26:30]),
            socket.inet_ntop(socket.AF_INET, frame[30:34]),
        )
    elif kind == 0x86DD:
        protocol, start = frame[20], 54
        end = 54 + struct.unpack_from("!H", frame, 18)[0]
        source, destination = (
            socket.inet_ntop(socket.AF_INET6, frame[22:38]),
            socket.inet_ntop(socket.AF_INET6, frame[38:54]),
        )
        while protocol in IPV6_EXTENSIONS:
            protocol, start = frame[start], start + 8 * (frame[start + 1] + 1)
    else:
        return None
    if protocol not in (socket.IPPROTO_TCP, socket.IPPROTO_UDP):
        return None
    sport, dport = struct.unpack_from("!HH", frame, start)
    header = frame[start : start + 20]
    begin = start + (8 if protocol == socket.IPPROTO_UDP else (frame[start + 12] >> 4) * 4)
    return Packet(
        time, outgoing, protocol, source, destination, sport, dport, frame[begin:end], header
    )


class Capture:
    """Captures one interface of a namespace, from its creation to stop(). Keeps the packets for
    which `wanted` is true.
    """

    def __init__(self, namespace, interface, wanted):
        self.wanted = wanted
        self.packets = []
        self.socket = namespace.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        self.socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 64 << 20)
        self.socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self.socket.bind((interface, ETH_P_ALL))
        self.socket.settimeout(0.05)
        self.ending = False
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self):
        while True:
            try:
                frame, extra, _, address = self.socket.recvmsg(65536, 64)
            except TimeoutError:
                if self.ending:  # and no packet has waited since
                    return
                continue
            seconds, nanoseconds = struct.unpack("qq", extra[0][2][:16])
            packet = parse(frame, address[2] == PACKET_OUTGOING, seconds + nanoseconds / 1e9)
            if packet and self.wanted(packet):
                self.packets.append(packet)

    def stop(self):
        """All packets. An error if the kernel dropped any."""
        self.ending = True
        self.thread.join()
        # SOL_PACKET, PACKET_STATISTICS
        dropped = struct.unpack("II", self.socket.getsockopt(263, 6, 8))[1]
        self.socket.close()
        if dropped:
            raise AssertionError(f"the capture lost {dropped} packets")
        return self.packets


@contextlib.contextmanager
def captured(namespace, interface, wanted):
    """Yield a list, which has all packets after the block."""
    capture, packets = Capture(namespace, interface, wanted), []
    try:
        yield packets
    finally:
        packets += capture.stop()


def is_connect(packet):
    """Whether the packet is an outgoing SYN without ACK."""
    return (
        packet.protocol == socket.IPPROTO_TCP
        and packet.outgoing
        and packet.header[13] & 0x12 == 0x02
    )


def connects(packets):
    """The number of new connections: a retransmitted SYN has the same sequence number."""
    return len({(p.source, p.destination, p.sport, p.dport, p.header[4:8]) for p in packets})


def handshake_type(packet):
    """1 for an initiation, 2 for a response of WireGuard (protocol paper, 5.4), else 0."""
    if packet.protocol != socket.IPPROTO_UDP or packet.payload[1:4] != bytes(3):
        return 0
    return {(1, 148): 1, (2, 92): 2}.get((packet.payload[0], len(packet.payload)), 0)
