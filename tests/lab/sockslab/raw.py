# SPDX-License-Identifier: Apache-2.0
"""A TCP client that sends single segments, for cases that no kernel sends on purpose.

No kernel has its address (addresses.RAW4, RAW6), so no kernel answers for it. The proxies have a
permanent neighbour entry for the address.
"""

import itertools
import random
import socket
import struct
import time

from . import addresses
from .wait import PATIENCE, LabError

FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
MASK = 0xFFFFFFFF

_ports = itertools.count(random.randrange(20000, 40000))


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def mac_bytes(text):
    return bytes.fromhex(text.replace(":", ""))


class RawConnection:
    """One connection to a proxy's SOCKS port. Offsets count the bytes of the client's stream."""

    def __init__(self, lab, proxy, ipv6=False, port=None, options=b"", isn=None):
        """options: IPv4 options (a multiple of 4 bytes) or an IPv6 destination header's."""
        self.ipv6 = ipv6
        self.options = options
        self.source = socket.inet_pton(
            *((socket.AF_INET6, addresses.RAW6) if ipv6 else (socket.AF_INET, addresses.RAW4))
        )
        self.target = socket.inet_pton(
            *((socket.AF_INET6, proxy.addr6) if ipv6 else (socket.AF_INET, proxy.addr4))
        )
        self.port = port or proxy.ports[0]
        self.source_port = next(_ports)
        self.isn = random.choice((MASK - 15, random.getrandbits(32))) if isn is None else isn
        kind = 0x86DD if ipv6 else 0x0800
        self.socket = lab.clients.ns.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(kind))
        self.socket.bind(("eth0", kind))
        self.ethernet = (
            mac_bytes(proxy.mac()) + mac_bytes(lab.clients.mac()) + struct.pack(">H", kind)
        )
        self.peer_isn = None
        self.received = b""  # the stream of the server, each byte once
        self.fin_sent = False
        self.peer_fin = False
        self.peer_reset = False
        # last payload of the server that wait(answer=False) did not acknowledge
        self.unanswered = b""
        self.segments = 0  # segments of the server with payload, retransmissions included
        self.acked = 0  # bytes that the server has acknowledged
        self.highest = 0  # offset after the last byte sent

    # Sending

    def _segment(self, sequence, acknowledge, flags, data, corrupt):
        head = struct.pack(
            ">HHIIBBHHH",
            self.source_port,
            self.port,
            sequence & MASK,
            acknowledge & MASK,
            0x50,
            flags,
            64000,
            0,
            0,
        )
        length = len(head) + len(data)
        pseudo = (
            self.source
            + self.target
            + struct.pack(
                ">IBBBB" if self.ipv6 else ">BBH",
                *((length, 0, 0, 0, 6) if self.ipv6 else (0, 6, length)),
            )
        )
        total = checksum(pseudo + head + data)
        if corrupt:
            total ^= 0x5555
        return head[:16] + struct.pack(">H", total) + head[18:] + data

    def _packet4(self, payload, fragment):
        words = 5 + len(self.options) // 4
        head = (
            struct.pack(
                ">BBHHHBBH",
                0x40 | words,
                0,
                words * 4 + len(payload),
                self.source_port,
                fragment,
                64,
                6,
                0,
            )
            + self.source
            + self.target
            + self.options
        )
        return head[:10] + struct.pack(">H", checksum(head)) + head[12:] + payload

    def _packet6(self, payload):
        extra = b""
        if self.options:  # PadN to a multiple of 8
            extra = bytes([6, 0, 1, 4, 0, 0, 0, 0])
        head = struct.pack(">IHBB", 6 << 28, len(extra) + len(payload), 60 if extra else 6, 64)
        return head + self.source + self.target + extra + payload

    def raw(self, sequence, acknowledge, flags, data=b"", corrupt=False, fragments=1):
        """One segment, with absolute sequence numbers."""
        segment = self._segment(sequence, acknowledge, flags, data, corrupt)
        if self.ipv6:
            self.socket.send(self.ethernet + self._packet6(segment))
            return
        if fragments == 1:
            self.socket.send(self.ethernet + self._packet4(segment, 0))
            return
        cut = 24  # 20 of the TCP header and 4 of its payload
        self.socket.send(self.ethernet + self._packet4(segment[:cut], 0x2000))
        self.socket.send(self.ethernet + self._packet4(segment[cut:], cut // 8))

    def send(self, offset, data=b"", flags=PSH | ACK, **how):
        """Send data at an offset of the stream; acknowledges all received bytes."""
        self.raw(self.isn + 1 + offset, self._acknowledged(), flags, data, **how)
        self.fin_sent = self.fin_sent or bool(flags & FIN)
        self.highest = max(self.highest, offset + len(data) + (1 if flags & FIN else 0))

    def ack(self):
        self.raw(self.isn + 1 + self.highest, self._acknowledged(), ACK)

    def fin(self):
        self.send(self.highest, b"", FIN | ACK)

    def reset(self):
        self.raw(self.isn + 1 + self.highest, self._acknowledged(), RST | ACK)

    def _acknowledged(self):
        return self.peer_isn + 1 + len(self.received) + (1 if self.peer_fin else 0)

    # Receiving

    def _next(self, deadline):
        """(flags, sequence, acknowledge, data) of the next segment of the server; None at the
        deadline.
        """
        while True:
            left = deadline - time.monotonic()
            if left <= 0:
                return None
            self.socket.settimeout(left)
            try:
                frame = self.socket.recv(1 << 17)
            except TimeoutError:
                return None
            segment = self._parse(frame[14:])
            if segment:
                return segment

    def _parse(self, packet):
        if self.ipv6:
            if packet[6] != 6 or packet[24:40] != self.source:
                return None
            tcp = packet[40 : 40 + struct.unpack(">H", packet[4:6])[0]]
        else:
            if packet[9] != 6 or packet[16:20] != self.source:
                return None
            tcp = packet[(packet[0] & 15) * 4 : struct.unpack(">H", packet[2:4])[0]]
        source, target, sequence, acknowledge, offset, flags = struct.unpack(">HHIIBB", tcp[:14])
        if source != self.port or target != self.source_port:
            return None
        return flags, sequence, acknowledge, tcp[(offset >> 4) * 4 :]

    def _take(self, segment, answer=True):
        flags, sequence, acknowledge, data = segment
        if flags & RST:
            self.peer_reset = True
            return
        acked = (acknowledge - self.isn - 1) & MASK
        if flags & ACK and acked < 1 << 31:
            self.acked = max(self.acked, acked)
        if flags & SYN:
            return
        place = (sequence - self.peer_isn - 1) & MASK
        if data:
            self.segments += 1
        if not answer:
            self.unanswered = data or self.unanswered
            return
        if place <= len(self.received):
            self.received += data[len(self.received) - place :]
            if flags & FIN and place + len(data) == len(self.received):
                self.peer_fin = True
        if data or flags & FIN:
            self.ack()

    def wait(self, condition, what, timeout=5, answer=True):
        """Receive segments of the server (and acknowledge them if answer) until condition()."""
        timeout *= PATIENCE
        deadline = time.monotonic() + timeout
        while not condition():
            segment = self._next(deadline)
            if segment is None:
                raise LabError(f"not within {timeout} s: {what}")
            self._take(segment, answer)

    def open(self, last_ack=True, syns=1, syn_data=b""):
        """Do the TCP handshake, without its last ACK if that is to come with data."""
        for _ in range(syns):
            self.raw(self.isn, 0, SYN, syn_data)
        segment = self._next(time.monotonic() + 5)
        if not segment or segment[0] & (SYN | ACK) != SYN | ACK:
            raise LabError(f"no SYN-ACK: {segment}")
        self.peer_isn = segment[1]
        if last_ack:
            self.ack()

    def expect(self, count):
        """Wait until count bytes of the server's stream have arrived."""
        self.wait(lambda: len(self.received) >= count, f"{count} bytes of the server's")

    def expect_acked(self, count):
        """Wait until the server has acknowledged count bytes."""
        self.wait(lambda: self.acked >= count, f"{count} bytes acknowledged")

    def expect_segment(self):
        """Wait until the server has sent anything: then it has received what was sent before."""
        seen = []
        self.wait(lambda: seen or seen.append(1), "an answer")  # true on the second call

    def expect_over(self):
        self.wait(lambda: self.peer_fin or self.peer_reset, "the server's end")

    def close(self):
        """Exchange FINs, in any order."""
        if not self.peer_reset:
            if not self.fin_sent:
                self.fin()
            self.expect_over()

    def end(self):
        """End the connection in any state: a RST, unless both sides have closed."""
        if (
            self.peer_isn is not None
            and not self.peer_reset
            and not (self.peer_fin and self.fin_sent)
        ):
            self.reset()
        self.socket.close()
