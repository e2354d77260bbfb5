#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""transfers.py serve PORT: reads a number of four bytes and sends that many bytes.
transfers.py ask PROXY,PER_SECOND,TARGET,PORT,BYTES,SECONDS …: requests through the proxy (IPv4,
port 1080) at a steady rate and holds each connection for SECONDS. %d in a name becomes a new number
each time, since danted caches names.
"""

import asyncio
import contextlib
import itertools
import struct
import sys

from steady_clients import request


async def answer(reader, writer):
    with contextlib.suppress(OSError, asyncio.IncompleteReadError):
        (want,) = struct.unpack(">I", await reader.readexactly(4))
        writer.write(bytes(want))
        await writer.drain()
        await reader.read()
    writer.close()


async def serve(port):
    await (await asyncio.start_server(answer, None, int(port))).serve_forever()


async def ask(proxy, target, port, size, seconds):
    with contextlib.suppress(OSError, asyncio.IncompleteReadError):
        reader, writer = await asyncio.open_connection(proxy, 1080)
        try:
            writer.write(b"\5\1\0")
            await reader.readexactly(2)
            writer.write(request(target, port))
            if (await reader.readexactly(10))[1] == 0:
                writer.write(struct.pack(">I", size))
                await reader.readexactly(size)
                await asyncio.sleep(seconds)
        finally:
            writer.close()


async def stream(proxy, rate, target, port, size, seconds):
    clock = asyncio.get_running_loop()
    due, running = clock.time(), set()
    for number in itertools.count():
        task = asyncio.create_task(
            ask(proxy, target.replace("%d", str(number)), int(port), int(size), float(seconds))
        )
        running.add(task)
        task.add_done_callback(running.discard)
        due += 1 / float(rate)
        await asyncio.sleep(max(0, due - clock.time()))


async def main(what, *arguments):
    if what == "serve":
        await serve(*arguments)
    await asyncio.gather(*(stream(*spec.split(",")) for spec in arguments))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
