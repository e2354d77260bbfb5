# SPDX-License-Identifier: Apache-2.0
"""A target that sends single segments, at the address that drops everything. The port selects its
behaviour:

    20000 + n  accepts after n milliseconds
    2          opens from its side too, then resets
"""

import heapq
import select
import socket
import struct
import threading
import time

from . import addresses
from .raw import ACK, FIN, MASK, RST, SYN, checksum

ISN = 1000
ETH_P_IP = 0x0800


class RawTarget:
    """Runs until close(). accepted: the real delays in seconds between each SYN and its answer."""

    def __init__(self, lab):
        self.socket = lab.inet.ns.socket(
            socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_IP)
        )
        self.socket.bind(("wg0", ETH_P_IP))
        self.accepted = []
        self._due = []
        self._met = set()
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _send(self, to, port, to_port, sequence, acknowledge, flags):
        source = socket.inet_aton(addresses.SWALLOW4)
        tcp = struct.pack(
            ">HHIIBBHHH",
            port,
            to_port,
            sequence & MASK,
            acknowledge & MASK,
            0x50,
            flags,
            64000,
            0,
            0,
        )
        total = checksum(source + to + struct.pack(">BBH", 0, 6, len(tcp)) + tcp)
        tcp = tcp[:16] + struct.pack(">H", total) + tcp[18:]
        ip = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(tcp), 0, 0, 64, 6, 0) + source + to
        self.socket.sendto(
            ip[:10] + struct.pack(">H", checksum(ip)) + ip[12:] + tcp, ("wg0", ETH_P_IP)
        )

    def _see(self, packet):
        if packet[9] != 6 or packet[16:20] != socket.inet_aton(addresses.SWALLOW4):
            return
        head = (packet[0] & 15) * 4
        from_port, port, sequence, acknowledge, offset, flags = struct.unpack(
            ">HHIIBB", packet[head : head + 14]
        )
        answer = (packet[12:16], port, from_port)
        data = len(packet) - head - (offset >> 4) * 4
        if port == 2 and flags & (SYN | ACK) == SYN:
            self._send(*answer, ISN, 0, SYN)
        elif port == 2 and flags & SYN:
            self._send(*answer, ISN + 1, sequence + 1, RST | ACK)
        elif port >= 20000 and flags & SYN and answer not in self._met:  # not for a retransmission
            self._met.add(answer)
            now = time.monotonic()
            heapq.heappush(
                self._due,
                (now + (port - 20000) / 1000, now, (*answer, ISN, sequence + 1, SYN | ACK)),
            )
        elif port >= 20000 and (data or flags & FIN) and not flags & RST:
            self._send(*answer, acknowledge, sequence + data + bool(flags & FIN), RST | ACK)

    def _run(self):
        while not self._end.is_set():
            left = self._due[0][0] - time.monotonic() if self._due else 0.05
            if select.select([self.socket], [], [], min(max(left, 0), 0.05))[0]:
                packet, where = self.socket.recvfrom(1 << 16)
                if where[2] != socket.PACKET_OUTGOING:
                    self._see(packet)
            while self._due and self._due[0][0] <= time.monotonic():
                _, begun, answer = heapq.heappop(self._due)
                self._send(*answer)
                self.accepted.append(time.monotonic() - begun)

    def close(self):
        self._end.set()
        self._thread.join()
        self.socket.close()
