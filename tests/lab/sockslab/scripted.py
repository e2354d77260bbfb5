# SPDX-License-Identifier: Apache-2.0
"""A SOCKS server that replaces danted. The port of the request selects its answer.

It runs as `python3 scripted.py PORT...` and prints one JSON object per connection that carried a
request: {"command": …, "outcome": reason name or "success"}. See BEHAVIOURS for the ports.
"""

import asyncio
import ctypes
import json
import socket
import struct
import sys

# Port of the request → what the server does. "code N" replies with that code.
BEHAVIOURS = {
    1: "ok",
    2: "code 5",
    3: "fin",  # closes without a reply
    4: "rst",
    5: "late",  # answers only after the client's FIN
    6: "bulk",  # a reply and 200,000 bytes at once
    7: "ok",  # what danted answers to the same request
    11: "name",  # the bound address is a name
    8: "ipv6",
    9: "bytes",  # the reply comes byte by byte
    10: "never",  # waits until the client closes
}
BEHAVIOURS.update({100 + code: f"code {code}" for code in range(1, 10)})
COMMANDS = {1: "connect", 2: "bind", 3: "udp_associate"}
REASONS = [
    "success",
    "general_failure",
    "not_allowed",
    "network_unreachable",
    "host_unreachable",
    "connection_refused",
    "ttl_expired",
    "command_not_supported",
    "address_type_not_supported",
]
REASONS4 = {0: "success", 1: "general_failure", 2: "auth_failed", 3: "auth_failed"}
USER, PASSWORD = b"golden", b"crab"


def note(command, outcome):
    print(json.dumps({"command": COMMANDS.get(command, "unknown"), "outcome": outcome}), flush=True)


def reply5(code, address=b"\1\0\0\0\0"):
    return bytes([5, code, 0]) + address + b"\0\0"


class Dialogue:
    def __init__(self, reader, writer):
        self.reader = reader
        self.writer = writer

    async def send(self, data):
        self.writer.write(data)
        await self.writer.drain()

    async def number(self):
        return (await self.reader.readexactly(1))[0]

    async def string(self):
        return await self.reader.readexactly(await self.number())

    async def login(self):
        """True when the request may come."""
        methods = await self.string()
        if 2 in methods:
            await self.send(b"\5\2")
            await self.number()
            good = (await self.string(), await self.string()) == (USER, PASSWORD)
            await self.send(bytes([1, 0 if good else 1]))
            if not good:
                note(0, "auth_failed")
            return good
        if 0 in methods:
            await self.send(b"\5\0")
            return True
        await self.send(b"\5\xff")
        note(0, "no_acceptable_method")
        return False

    async def request5(self):
        _, command, _, kind = await self.reader.readexactly(4)
        size = {1: 4, 4: 16}.get(kind) or await self.number()
        await self.reader.readexactly(size)
        (port,) = struct.unpack(">H", await self.reader.readexactly(2))
        return command, port

    async def request4(self):
        command, port, address = struct.unpack(">BH4s", await self.reader.readexactly(7))
        await self.reader.readuntil(b"\0")
        if address[:3] == b"\0\0\0" and address[3]:
            await self.reader.readuntil(b"\0")
        return command, port

    async def answer(self, version, command, behaviour):
        if behaviour in ("fin", "rst"):
            note(command, "server_abort")
            if behaviour == "rst":
                sock = self.writer.get_extra_info("socket")
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.writer.transport.abort()
            return
        if behaviour in ("late", "never"):
            try:
                await self.reader.read()
            except ConnectionError:
                behaviour = "never"
            if behaviour == "never":
                note(command, "client_abort")
                return
        code = int(behaviour.split()[1]) if behaviour.startswith("code") else 0
        if version == 4:
            note(command, REASONS4.get(code, "other"))
            await self.send(bytes([0, 90 + code]) + bytes(6))
        else:
            note(command, REASONS[code] if code < len(REASONS) else "other")
            await self.reply(code, behaviour, command)
        if not code:
            await self.echo()

    async def reply(self, code, behaviour, command):
        address = {"name": b"\3\x09localhost", "ipv6": b"\4" + bytes(16)}.get(
            behaviour, b"\1\0\0\0\0"
        )
        data = reply5(code, address)
        if behaviour == "bytes":
            for byte in data:
                await self.send(bytes([byte]))
        else:
            await self.send(data + (b"Z" * 200000 if behaviour == "bulk" else b""))
        if command == 2 and not code:
            await self.send(reply5(0, b"\1\1\1\1\1"))

    async def echo(self):
        while data := await self.reader.read(65536):
            await self.send(data)

    async def run(self):
        version = await self.number()
        if version == 4:
            command, port = await self.request4()
        elif version == 5 and await self.login():
            command, port = await self.request5()
        else:
            return
        await self.answer(version, command, BEHAVIOURS.get(port, "ok"))


async def serve(reader, writer):
    writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        await Dialogue(reader, writer).run()
    except (ConnectionError, asyncio.IncompleteReadError):
        pass
    finally:
        writer.close()


async def main():
    # Discovery finds servers by process name.
    ctypes.CDLL(None).prctl(15, b"danted", 0, 0, 0)
    for port in map(int, sys.argv[1:]):
        await asyncio.start_server(serve, "0.0.0.0", port, backlog=1024)
        await asyncio.start_server(serve, "::", port, backlog=1024)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
