# SPDX-License-Identifier: Apache-2.0
"""DNS messages, and a server whose behaviour the first label of the name selects. It logs each
query.
"""

import collections
import contextlib
import selectors
import socket
import struct
import threading
import time

TYPES = {
    "a": 1,
    "ns": 2,
    "cname": 5,
    "soa": 6,
    "ptr": 12,
    "mx": 15,
    "txt": 16,
    "aaaa": 28,
    "srv": 33,
    "svcb": 64,
    "https": 65,
    "any": 255,
}
RCODES = {"noerror": 0, "servfail": 2, "nxdomain": 3, "refused": 5}
NUMBERS = {number: name for name, number in TYPES.items()}


def name_bytes(name):
    return (
        b"".join(bytes([len(label)]) + label for label in name.encode().split(b".") if label)
        + b"\0"
    )


def question(name, number, identity=0, flags=0x0100, counts=(1, 0, 0, 0), extra=b""):
    return (
        struct.pack(">HHHHHH", identity, flags, *counts)
        + name_bytes(name)
        + struct.pack(">HH", number, 1)
        + extra
    )


EDNS = b"\0" + struct.pack(">HHIH", 41, 1232, 0, 0)


def framed(message):
    return struct.pack(">H", len(message)) + message


def question_of(message):
    """(name of the type, labels) of the first question."""
    at, labels = 12, []
    while message[at] and message[at] < 64:
        labels.append(message[at + 1 : at + 1 + message[at]].decode("latin-1"))
        at += 1 + message[at]
    at += 2 if message[at] else 1
    number = struct.unpack(">H", message[at : at + 2])[0]
    return NUMBERS.get(number, "other"), labels


class Server:
    """A server on one address, UDP and TCP. `asked` counts query types, `answered` the rcodes sent
    in time.
    """

    def __init__(self, namespace, address, port=53):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self.namespace, self.family, self.address = namespace, family, address
        self.asked, self.messages, self.late = collections.Counter(), [], []
        self.lock = threading.Lock()
        self.udp = namespace.socket(family, socket.SOCK_DGRAM)
        self.tcp = namespace.socket(family, socket.SOCK_STREAM)
        for one in (self.udp, self.tcp):
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            one.bind((address, port))
        self.udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        self.tcp.listen(64)
        self.poll = selectors.DefaultSelector()
        self.poll.register(self.udp, selectors.EVENT_READ, self._datagram)
        self.poll.register(self.tcp, selectors.EVENT_READ, self._accept)
        self.buffers = {}
        self.ended = False
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def close(self):
        self.ended = True
        self.thread.join()
        for one in (self.udp, self.tcp, *self.buffers):
            one.close()

    def _run(self):
        while not self.ended:
            for key, _ in self.poll.select(0.02):
                key.data(key.fileobj)
            for due, send in [one for one in self.late if one[0] <= time.monotonic()]:
                self.late.remove((due, send))
                with contextlib.suppress(OSError):  # closed meanwhile
                    send()

    def _accept(self, listener):
        connection, _ = listener.accept()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffers[connection] = b""
        self.poll.register(connection, selectors.EVENT_READ, self._stream)

    def _datagram(self, udp):
        message, peer = udp.recvfrom(65535)
        for answer, how in self._answers(message):
            if how == "other_port":
                with self.namespace.socket(self.family, socket.SOCK_DGRAM) as other:
                    other.bind((self.address, 5353))
                    other.sendto(answer, peer)
            else:
                self._send(how, lambda answer=answer: udp.sendto(answer, peer))

    def _stream(self, connection):
        try:
            data = connection.recv(1 << 16)
        except ConnectionError:
            data = b""
        if not data:
            self.poll.unregister(connection)
            del self.buffers[connection]
            connection.close()
            return
        self.buffers[connection] += data
        while len(data := self.buffers[connection]) >= 2 and len(data) >= 2 + (
            size := struct.unpack(">H", data[:2])[0]
        ):
            self.buffers[connection] = data[2 + size :]
            for answer, how in self._answers(data[2 : 2 + size]):
                if how == "split":
                    for byte in framed(answer):
                        connection.sendall(bytes([byte]))
                        time.sleep(0.001)
                else:
                    self._send(how, lambda answer=answer: connection.sendall(framed(answer)))

    def _send(self, how, send):
        if how == "late":
            self.late.append((time.monotonic() + 5.5, send))
        else:
            send()

    def _answers(self, message):
        """[(bytes, way to send them)]"""
        try:
            kind, labels = question_of(message)
        except (IndexError, struct.error):
            kind, labels = "other", ["drop"]
        if len(message) < 12:
            kind = "short"
        elif message[2] & 0x80:
            kind = "answer"
        elif message[2] & 0x78 or message[4:6] == b"\0\0":
            kind = "other"
        with self.lock:
            self.asked[kind] += 1
            self.messages.append(message)
        todo = labels[0] if labels else "noerror"
        if todo == "drop":
            return []
        rcode = (
            int(todo[5:])
            if todo.startswith("rcode") and todo[5:].isdigit()
            else RCODES.get(todo, 0)
        )
        flags = 0x8180 | rcode | (0x0200 if todo == "truncated" else 0)
        body = message[12:]
        if todo == "compressed":  # a record whose name is a pointer to the question's
            body += b"\xc0\x0c" + struct.pack(">HHIH", 1, 1, 60, 4) + bytes(4)
            answer = message[:2] + struct.pack(">HHHHH", flags, 1, 1, 0, 0) + body
        elif todo == "large":
            answer = message[:2] + struct.pack(">HHHHH", flags, 1, 0, 0, 0) + body + bytes(40000)
        elif todo == "mute":  # only a header
            answer = message[:2] + struct.pack(">HHHHH", flags, 0, 0, 0, 0)
        else:
            answer = message[:2] + struct.pack(">H", flags) + message[4:6] + bytes(6) + body
        if todo == "twice":
            return [(answer, ""), (answer, "")]
        if todo == "cut":
            return [(answer[:9], "")]
        if todo == "other-id":
            return [(bytes([answer[0] ^ 1]) + answer[1:], "")]
        return [
            (answer, {"late": "late", "split": "split", "other-port": "other_port"}.get(todo, ""))
        ]

    def take(self):
        """Queries since the last call."""
        with self.lock:
            asked, self.asked = dict(self.asked), collections.Counter()
        return asked
