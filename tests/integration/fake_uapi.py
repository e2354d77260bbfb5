#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A fake userspace WireGuard device: fake_uapi.py SOCKET ANSWER HOW. Answers "get=1" with the file
ANSWER, which it reads each time.

HOW is one of:

- "well": sends ANSWER and closes
- "hang": sends ANSWER and keeps the connection
- "silent": reads nothing
- "endless": sends ANSWER again and again
- "drip": sends a byte each 5 ms
- "cut": sends half of ANSWER and closes
"""

import itertools
import os
import pathlib
import socket
import sys
import threading
import time


def talk(connection, answer, how):
    try:
        if how == "silent":
            threading.Event().wait()
        request = b""
        while not request.endswith(b"\n\n"):
            request += connection.recv(64) or b"\n\n"
        text = pathlib.Path(answer).read_bytes()
        for part in {
            "endless": itertools.repeat(text),
            "drip": (bytes([byte]) for byte in text),
            "cut": [text[: len(text) // 2]],
        }.get(how, [text]):
            connection.sendall(part)
            if how == "drip":
                time.sleep(0.005)
        if how == "hang":
            threading.Event().wait()
    except OSError:
        pass
    connection.close()


def main():
    path, answer, how = sys.argv[1:]
    server = socket.socket(socket.AF_UNIX)
    if os.path.lexists(path):
        os.unlink(path)
    server.bind(path)
    server.listen(8)
    while True:
        threading.Thread(target=talk, args=(server.accept()[0], answer, how), daemon=True).start()


if __name__ == "__main__":
    main()
