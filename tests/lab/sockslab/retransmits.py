# SPDX-License-Identifier: Apache-2.0
"""TCP retransmissions of a namespace by interface, from a packet capture."""

import select
import socket
import struct
import threading

MASK = 0xFFFFFFFF
ETH_P_ALL = 3
_FIN, _SYN, _RST = 1, 2, 4
_EXPORTER = {9090, 9999}  # answers to scrapes and probes are not the proxy's


def parse(packet):
    """(flow, sequence, bytes of sequence space, flags) of a TCP segment; None for anything else."""
    if packet[0] >> 4 == 4 and packet[9] == 6:
        addresses, tcp = (
            packet[12:20],
            packet[(packet[0] & 15) * 4 : struct.unpack(">H", packet[2:4])[0]],
        )
    elif packet[0] >> 4 == 6 and packet[6] == 6:
        addresses, tcp = packet[8:40], packet[40 : 40 + struct.unpack(">H", packet[4:6])[0]]
    else:
        return None
    sequence, _ack, offset, flags = struct.unpack(">IIBB", tcp[4:14])
    length = len(tcp) - (offset >> 4) * 4 + bool(flags & _FIN) + bool(flags & _SYN)
    return addresses + tcp[:4], sequence, length, flags


class Retransmits:
    """
    count["eth0"]: segments that left by eth0 and repeat data that left before. A GSO packet counts
    as one, so GSO must be off on the interfaces. others: those of the exporter, which the kernel
    counts too.
    """

    def __init__(self, namespace, interfaces):
        self.count, self.others = dict.fromkeys(interfaces, 0), 0
        self.packets = dict.fromkeys(interfaces, 0)
        self._ends = {}  # flow → end of the data sent so far
        self._sockets = {}
        for name in interfaces:
            found = namespace.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_ALL))
            found.bind((name, ETH_P_ALL))
            found.setsockopt(socket.SOL_SOCKET, 33, 64 << 20)  # SO_RCVBUFFORCE
            self._sockets[found] = name
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _see(self, name, packet):
        segment = parse(packet)
        if not segment or segment[3] & _RST:
            return
        flow, sequence, length, flags = segment
        self.packets[name] += 1
        if length and flow in self._ends and not (flags & _SYN and sequence != self._ends[flow][0]):
            begun, end = self._ends[flow]
            behind = (end - sequence) & MASK
            if 0 < behind < 1 << 31:
                if _EXPORTER & set(struct.unpack(">HH", flow[-4:])):
                    self.others += 1
                else:
                    self.count[name] += 1
            if (sequence + length - end) & MASK < 1 << 31:
                self._ends[flow] = begun, (sequence + length) & MASK
        elif length:
            self._ends[flow] = sequence, (sequence + length) & MASK

    def _run(self):
        while True:
            ended = self._end.is_set()  # read what was queued until then
            ready = select.select(self._sockets, [], [], 0.05)[0]
            for found in ready:
                packet, where = found.recvfrom(1 << 16)
                if where[2] == socket.PACKET_OUTGOING:
                    self._see(self._sockets[found], packet)
            if ended and not ready:
                return

    def stop(self):
        """The counts after all packets were read; an error if the capture lost any."""
        self._end.set()
        self._thread.join()
        while self._sockets:
            found, name = self._sockets.popitem()
            _seen, dropped = struct.unpack("II", found.getsockopt(263, 6, 8))  # PACKET_STATISTICS
            found.close()
            assert not dropped, f"the capture of {name} lost {dropped} packets"
        return self.count
