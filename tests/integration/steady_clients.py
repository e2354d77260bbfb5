#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Clients at a steady rate, which build/traffic lacks: PROXY,PER_SECOND,TARGET,PORT … until it is
killed.

Each requests TARGET (an address or a name) from its proxy (IPv4 address, port 1080), reads any
reply, and closes. %d in a name becomes a new number each time, since danted caches names.
"""

import asyncio
import contextlib
import ipaddress
import itertools
import sys


def request(target, port):
    try:
        address = b"\1" + ipaddress.IPv4Address(target).packed
    except ValueError:
        address = b"\3" + bytes([len(target)]) + target.encode()
    return b"\5\1\0" + address + port.to_bytes(2, "big")


async def ask(proxy, target, port):
    with contextlib.suppress(OSError, asyncio.IncompleteReadError):
        reader, writer = await asyncio.open_connection(proxy, 1080)
        try:
            writer.write(b"\5\1\0")
            await reader.readexactly(2)
            writer.write(request(target, port))
            await reader.readexactly(10)
        finally:
            writer.close()


async def stream(proxy, rate, target, port):
    clock = asyncio.get_running_loop()
    due, running = clock.time(), set()
    for number in itertools.count():
        task = asyncio.create_task(ask(proxy, target.replace("%d", str(number)), int(port)))
        running.add(task)
        task.add_done_callback(running.discard)
        due += 1 / float(rate)
        await asyncio.sleep(max(0, due - clock.time()))


async def main():
    await asyncio.gather(*(stream(*spec.split(",")) for spec in sys.argv[1:]))


if __name__ == "__main__":
    asyncio.run(main())
