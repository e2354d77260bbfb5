#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A replacement of the legacy exporter for docs/migration.md: its ports, its names, and its way of
counting open connections.
"""

import http.server
import os
import subprocess
import threading


class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        children = subprocess.run(
            ["pgrep", "-fc", "danted: (request|negotiate)-child"],
            capture_output=True,
            text=True,
            check=False,
        ).stdout.strip()
        name = os.environ["PROXY_NAME"]
        info = f'proxy_info{{proxy_name="{name}"}} 1\n'
        body = f'{info}proxy_active_connections{{proxy_name="{name}"}} {children}\n'.encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
        self.end_headers()
        self.wfile.write(body if self.path == "/metrics" else b"VPN is active\n")

    def log_message(self, *_):
        pass


if __name__ == "__main__":
    ports = [http.server.HTTPServer(("", port), Answer) for port in (9090, 9999)]
    threading.Thread(target=ports[1].serve_forever, daemon=True).start()
    ports[0].serve_forever()
