# SPDX-License-Identifier: Apache-2.0
"""Forwards ports of 127.0.0.1 of the machine into the lab.

A socket belongs to the network namespace in which it was created, wherever its process goes. So the
demo creates the listeners before it enters the lab, and connects to the sidecars afterwards.
"""

import contextlib
import selectors
import socket
import threading


def listen(port):
    """A listener on 127.0.0.1: on this port, or on any free port if it is in use."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
    except OSError:
        listener.bind(("127.0.0.1", 0))
    listener.listen(64)
    return listener


def _pump(one, other):
    """Copy bytes both ways until both sides have ended."""
    peers = {one: other, other: one}
    with selectors.DefaultSelector() as selector:
        for end in peers:
            selector.register(end, selectors.EVENT_READ)
        while selector.get_map():
            for key, _events in selector.select():
                data = key.fileobj.recv(65536)
                if data:
                    peers[key.fileobj].sendall(data)
                else:
                    selector.unregister(key.fileobj)
                    peers[key.fileobj].shutdown(socket.SHUT_WR)


def _connect(client, address):
    with contextlib.suppress(OSError), client, socket.create_connection(address, 5) as server:
        server.settimeout(None)
        _pump(client, server)


def _accept(listener, address):
    while True:
        with contextlib.suppress(ConnectionError):  # the client has closed already
            client, _ = listener.accept()
            threading.Thread(target=_connect, args=(client, address), daemon=True).start()


def forward(listener, address):
    """Connects each client of the listener to address, from the caller's network namespace."""
    threading.Thread(target=_accept, args=(listener, address), daemon=True).start()
