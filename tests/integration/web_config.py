# SPDX-License-Identifier: Apache-2.0
"""Shared by the tests of --web.config.file: certificates, password hashes, an exporter with such a
file, and clients.
"""

import base64
import ctypes
import http.client
import os
import pathlib
import re
import shutil
import socket
import ssl
import subprocess
import tempfile

import pytest
from exporter import Exporter, read
from sockslab import PATIENCE, wait_until

# of the pytest process; the fixture `webconfig` creates it
FOLDER = pathlib.Path(tempfile.gettempdir(), f"wgsocks-web-{os.getpid()}")
CA_CONFIG = """[ca]
default_ca = it
[it]
database = {folder}/index
new_certs_dir = {folder}
rand_serial = yes
default_md = sha256
policy = any
unique_subject = no
copy_extensions = copy
[any]
commonName = supplied
"""


def openssl(*arguments):
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)


class Authority:
    """Issues certificates, each a pair of paths. The authorities of a module exist when its tests
    run.
    """

    def __init__(self, name):
        self.name, self.folder, self.wanted = name, FOLDER / name, []
        self.certificate, self.key = self.folder / "ca.pem", self.folder / "ca.key"

    def make(self):
        """The certificate of the authority and all issued ones."""
        self.folder.mkdir()
        (self.folder / "index").write_text("")
        (self.folder / "config").write_text(CA_CONFIG.format(folder=self.folder))
        openssl(
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-keyout",
            self.key,
            "-out",
            self.certificate,
            "-days",
            "30",
            "-subj",
            f"/CN={self.name}",
        )
        for wanted in self.wanted:
            self._issue(**wanted)

    def _files(self, name):
        return [self.folder / f"{name}.{end}" for end in ("pem", "key", "csr")]

    def issue(
        self,
        name,
        *,
        sans="DNS:localhost,IP:127.0.0.1,IP:::1",
        usage="serverAuth",
        key="rsa",
        until=None,
    ):
        self.wanted.append({"name": name, "sans": sans, "usage": usage, "key": key, "until": until})
        return tuple(self._files(name)[:2])

    def _issue(self, name, sans, usage, key, until):
        certificate, private, request = self._files(name)
        kind = (
            ["-newkey", "rsa:2048"]
            if key == "rsa"
            else ["-newkey", "ec", "-pkeyopt", f"ec_paramgen_curve:{key}"]
        )
        openssl(
            "req",
            *kind,
            "-nodes",
            "-keyout",
            private,
            "-out",
            request,
            "-subj",
            f"/CN={name}",
            "-addext",
            f"subjectAltName={sans}",
            "-addext",
            f"extendedKeyUsage={usage}",
        )
        dates = ["-startdate", "20200101000000Z", "-enddate", until] if until else ["-days", "30"]
        openssl(
            "ca",
            "-batch",
            "-config",
            self.folder / "config",
            "-keyfile",
            self.key,
            "-cert",
            self.certificate,
            "-in",
            request,
            "-out",
            certificate,
            "-notext",
            *dates,
        )


@pytest.fixture(scope="module", autouse=True)
def files(request):
    """The folder and the authorities of the module; a module imports this fixture."""
    FOLDER.mkdir()
    for authority in vars(request.module).values():
        if isinstance(authority, Authority):
            authority.make()
    yield
    shutil.rmtree(FOLDER, ignore_errors=True)


def bcrypt(password, cost=10, salt="abcdefghijklmnopqrstuu"):
    crypt = ctypes.CDLL("libcrypt.so.1").crypt
    crypt.restype = ctypes.c_char_p
    return crypt(password.encode(), f"$2b${cost:02}${salt}".encode()).decode()


def write(name, text):
    path = FOLDER / name
    path.write_text(text, encoding="utf-8")
    return path


class Web(Exporter):
    """The program with a configuration; private ports, so that several run in parallel."""

    def __init__(self, config, *flags, port=9090, wait=True, secure=True):
        self.port, self.config, self.secure = port, config, secure
        super().__init__(
            f"--web.listen-address=127.0.0.1:{port}",
            f"--health.listen-address=127.0.0.1:{port + 1000}",
            *([f"--web.config.file={config}"] if config else []),
            *flags,
            wait=False,
        )
        try:
            if wait:
                wait_until(self.answers, 15, "an answer to a connection")
        except BaseException:
            self.__exit__()
            raise

    def answers(self):
        assert self.process.poll() is None, f"it ended: {self.log()}"
        try:
            with socket.create_connection(("127.0.0.1", self.port), 1) as client:
                if self.secure:
                    anyone().wrap_socket(client).close()
                    return True
                client.sendall(b"GET /-/healthy HTTP/1.0\r\n\r\n")
                return client.recv(1)
        except ssl.SSLError:
            return True  # it needs a certificate, or another version
        except OSError:
            return False

    def part(self, name):
        """The pid of one of its processes, the file reader included."""
        for pid in read(f"/proc/{self.pid}/task/{self.pid}/children").split():
            if read(f"/proc/{pid}/comm").strip() == f"wgsocks-{name}"[:15]:
                return int(pid)
        raise AssertionError(f"no {name}")

    def wait_served(self, protocol, count=1):
        """Wait until it has applied this many configurations of "https" or "http"."""
        return self.wait_records(count, msg="serving metrics", protocol=protocol)


def anyone():
    """A client that verifies no certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def trusting(authority, client=None):
    context = ssl.create_default_context(cafile=authority.certificate)
    if client:
        context.load_cert_chain(*client)
    return context


class Answer:
    def __init__(self, response):
        self.status, self.headers, self.body = response.status, response.headers, response.read()


def basic(user, password):
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


def ask(
    port, path="/metrics", *, tls=None, headers=None, host="127.0.0.1", timeout=10, method="GET"
):
    """One request on a new connection."""
    connection = (
        http.client.HTTPSConnection(host, port, context=tls, timeout=timeout * PATIENCE)
        if tls
        else http.client.HTTPConnection(host, port, timeout=timeout * PATIENCE)
    )
    try:
        connection.request(method, path, headers=headers or {})
        return Answer(connection.getresponse())
    finally:
        connection.close()


def value(body, series):
    found = re.search(rf"^{re.escape(series)} (\S+)$", body.decode(), re.MULTILINE)
    return float(found[1]) if found else None
