#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The simplest liveness server that a script would have: `accept_loop.py PORT`. A peer of the
bench.
"""

import socket
import sys

ANSWER = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 3\r\nConnection: close\r\n\r\n"
    b"OK\n"
)


def main():
    with socket.create_server(("127.0.0.1", int(sys.argv[1])), backlog=512) as listener:
        while True:
            client, _ = listener.accept()
            with client:
                if client.recv(4096):
                    client.sendall(ANSWER)


if __name__ == "__main__":
    main()
