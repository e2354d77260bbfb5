# SPDX-License-Identifier: Apache-2.0
"""Dialogues in segments that no kernel sends on purpose, each with its expected counts.

for case in CASES:  run_case(lab, proxy, case, ipv6) plays it on a proxy with the scripted server
(proxy.start_scripted(); danted too, if .port is None). Afterwards the metrics
must have risen by exactly case.tally().
"""

from collections.abc import Callable
from dataclasses import dataclass

from .raw import ACK, FIN, MASK, PSH, RST, RawConnection

GREETING = b"\5\1\0"
REPLY = 12  # bytes of the server: method and reply


def request(port=7, command=1):
    # danted serves port 7, of the target, too. Other ports select a behaviour of the scripted
    # server.
    return bytes([5, command, 0, 1, 10, 99, 0, 1]) + port.to_bytes(2, "big")


REQUEST = request()


@dataclass
class Case:
    name: str
    play: Callable
    outcome: str = "success"  # or a failure reason; None: no request
    command: str = "connect"
    families: tuple = (False, True)  # IPv6?
    options: bytes = b""
    # The server's kernel reordered segments (or dropped one): then the contract allows the exporter
    # to count the command as unknown and a loss.
    out_of_order: bool = False
    scripted: bool = False  # danted behaves differently

    def tally(self):
        tally = {
            "client_connections": 1,
            "requests": {},
            "failures": {},
            "successful": 0,
            "no_request": 0,
        }
        if self.outcome is None:
            tally["no_request"] = 1
        else:
            tally["requests"] = {self.command: 1}
            if self.outcome == "success":
                tally["successful"] = 1
            else:
                tally["failures"] = {self.outcome: 1}
        return tally


CASES = []


def case(name, **options):
    def add(play):
        CASES.append(Case(name, play, **options))
        return play

    return add


def begin(connection, **how):
    """Do the TCP handshake and the greeting, up to its answer."""
    connection.open(**how)
    connection.send(0, GREETING)
    connection.expect(2)


@case("plain")
def plain(connection):
    begin(connection)
    connection.send(3, REQUEST)
    connection.expect(REPLY)


@case("greeting on the handshake's last ACK")
def greeting_on_ack(connection):
    connection.open(last_ack=False)
    connection.send(0, GREETING)
    connection.expect(2)
    connection.send(3, REQUEST)
    connection.expect(REPLY)


@case("greeting and request on the handshake's last ACK")
def all_on_ack(connection):
    connection.open(last_ack=False)
    connection.send(0, GREETING + REQUEST)
    connection.expect(REPLY)


@case("data on the SYN, which the server ignores")
def data_on_syn(connection):
    connection.open(syn_data=GREETING)
    connection.send(0, GREETING)
    connection.expect(2)
    connection.send(3, REQUEST)
    connection.expect(REPLY)


@case("SYN sent twice")
def syn_twice(connection):
    connection.open(syns=2)
    connection.send(0, GREETING)
    connection.expect(2)
    connection.send(3, REQUEST)
    connection.expect(REPLY)


@case("everything three times")
def three_times(connection):
    connection.open()
    for _ in range(3):
        connection.send(0, GREETING)
    connection.expect(2)
    for _ in range(3):
        connection.send(3, REQUEST)
    connection.expect(REPLY)
    for _ in range(3):
        connection.send(3, REQUEST)
        connection.expect_segment()


@case("overlapping segments")
def overlapping(connection):
    begin(connection)
    connection.send(3, REQUEST[:4])
    connection.send(3, REQUEST[:7])
    connection.send(5, REQUEST[2:])
    connection.expect(REPLY)


@case("greeting and request sent again as one segment")
def merged_again(connection):
    begin(connection)
    connection.send(0, GREETING + REQUEST)
    connection.expect(REPLY)
    connection.send(0, GREETING + REQUEST)
    connection.expect_segment()


@case("one byte a segment")
def bytewise(connection):
    connection.open()
    for offset in range(3):
        connection.send(offset, GREETING[offset : offset + 1])
    connection.expect(2)
    for offset in range(10):
        connection.send(3 + offset, REQUEST[offset : offset + 1])
    connection.expect(REPLY)


@case("request cut in two")
def cut(connection):
    begin(connection)
    connection.send(3, REQUEST[:1])
    connection.expect_acked(4)
    connection.send(4, REQUEST[1:])
    connection.expect(REPLY)


@case("the second half of the request first", out_of_order=True)
def request_out_of_order(connection):
    begin(connection)
    connection.send(7, REQUEST[4:])
    connection.expect_segment()
    connection.send(3, REQUEST[:4])
    connection.expect(REPLY)


@case("request before greeting", out_of_order=True)
def request_before_greeting(connection):
    connection.open()
    connection.send(3, REQUEST)
    connection.expect_segment()
    connection.send(0, GREETING)
    connection.expect(REPLY)


@case("request before greeting on the handshake's last ACK", out_of_order=True)
def out_of_order_on_ack(connection):
    connection.open(last_ack=False)
    connection.send(3, REQUEST)
    connection.expect_segment()
    connection.send(0, GREETING)
    connection.expect(REPLY)


@case("the first half comes last and again in full", out_of_order=True)
def out_of_order_then_whole(connection):
    begin(connection)
    connection.send(8, REQUEST[5:])
    connection.expect_segment()
    connection.send(3, REQUEST)
    connection.expect(REPLY)


@case("a corrupt segment, then the right one", out_of_order=True)
def corrupt(connection):
    begin(connection)
    connection.send(3, bytes(10), corrupt=True)
    connection.send(3, REQUEST)
    connection.expect(REPLY)


@case("a retransmission that lies")
def lying_retransmission(connection):
    begin(connection)
    connection.send(3, REQUEST[:2])
    connection.expect_acked(5)
    connection.send(3, b"\4\3" + REQUEST[2:])
    connection.expect(REPLY)


@case("a segment far outside the window", out_of_order=True)
def outside_window(connection):
    begin(connection)
    connection.send((1 << 30) + 3, REQUEST)
    connection.highest = 3
    connection.expect_segment()
    connection.send(3, REQUEST)
    connection.expect(REPLY)


@case("keepalives with a byte of garbage")
def keepalive(connection):
    begin(connection)
    for _ in range(2):
        connection.send(2, b"\xff")
        connection.expect_segment()
    connection.send(3, REQUEST)
    connection.expect(REPLY)


@case("a blind RST outside the window")
def blind_reset(connection):
    begin(connection)
    connection.raw(connection.isn + (1 << 30), 0, RST)
    connection.send(3, REQUEST)
    connection.expect(REPLY)


@case("a SYN in the middle of the connection")
def syn_in_the_middle(connection):
    begin(connection)
    connection.raw(connection.isn + 1000, 0, 2)
    connection.expect_segment()
    connection.send(3, REQUEST)
    connection.expect(REPLY)


@case("the reply is not acknowledged until it was sent three times")
def reply_retransmitted(connection):
    begin(connection)
    connection.send(3, REQUEST)
    before = connection.segments
    connection.wait(
        lambda: connection.segments >= before + 3, "three replies", timeout=10, answer=False
    )
    connection.ack()
    connection.expect(REPLY)


@case("half of the reply is acknowledged first")
def half_acknowledged(connection):
    begin(connection)
    connection.send(3, REQUEST)
    connection.wait(lambda: connection.unanswered, "the reply", answer=False)
    connection.received += connection.unanswered[:5]
    connection.ack()
    connection.expect(REPLY)


@case("request and FIN in one segment, answered after it", scripted=True)
def request_with_fin(connection):
    begin(connection)
    connection.send(3, request(5), FIN | PSH | ACK)
    connection.expect(REPLY)


@case("the FIN comes before the request", scripted=True, out_of_order=True)
def fin_before_request(connection):
    begin(connection)
    connection.send(13, b"", FIN | ACK)
    connection.expect_segment()
    connection.send(3, request(5))
    connection.expect(REPLY)


@case("FIN instead of waiting", scripted=True, outcome="client_abort")
def leaves_by_fin(connection):
    begin(connection)
    connection.send(3, request(10))
    connection.expect_acked(13)


@case("RST instead of waiting", scripted=True, outcome="client_abort")
def leaves_by_rst(connection):
    begin(connection)
    connection.send(3, request(10))
    connection.expect_acked(13)
    connection.reset()
    connection.peer_reset = True


@case("RST with the request unanswered and sent twice", scripted=True, outcome="client_abort")
def leaves_by_rst_twice(connection):
    begin(connection)
    connection.send(3, request(10))
    connection.send(3, request(10))
    connection.expect_acked(13)
    connection.reset()
    connection.reset()
    connection.peer_reset = True


@case("refused, request sent twice", scripted=True, outcome="connection_refused")
def refused_twice(connection):
    begin(connection)
    connection.send(3, request(2))
    connection.send(3, request(2))
    connection.expect(REPLY)


@case("server's FIN without a reply", scripted=True, outcome="server_abort")
def server_fin(connection):
    begin(connection)
    connection.send(3, request(3))
    connection.expect_over()


@case("server's RST without a reply", scripted=True, outcome="server_abort")
def server_rst(connection):
    begin(connection)
    connection.send(3, request(4))
    connection.expect_over()


@case("half a greeting, then FIN", outcome=None)
def half_greeting(connection):
    connection.open()
    connection.send(0, GREETING[:2])
    connection.expect_acked(2)


@case("half a request, then FIN", outcome=None)
def half_request(connection):
    begin(connection)
    connection.send(3, REQUEST[:9])
    connection.expect_acked(12)


@case("a handshake and no more", outcome=None)
def silent(connection):
    connection.open()
    # a keepalive probe shows that it is accepted
    connection.raw(connection.isn, connection.peer_isn + 1, ACK)
    connection.expect_segment()


@case("payload that looks like a greeting and a request")
def looks_like_socks(connection):
    begin(connection)
    connection.send(3, request(6))
    connection.expect(REPLY + 200000)
    connection.send(13, GREETING + REQUEST)
    connection.expect_acked(13 + 13)


CASES[-1].scripted = True


@case("IPv4 options, IPv6 destination options", options=b"\1\1\1\0")
def network_options(connection):
    plain(connection)


@case("request in two IP fragments", families=(False,), out_of_order=True)
def fragmented(connection):
    begin(connection)
    connection.send(3, REQUEST, fragments=2)
    connection.expect(REPLY)


@case("sequence numbers wrap in the middle of the request")
def wraps(connection):
    connection.isn = MASK - 6  # offset 6 is sequence number 0
    plain(connection)


def run_case(lab, proxy, one, ipv6=False, port=None):
    """Play a case to its end; LabError or AssertionError if the server behaves differently."""
    connection = RawConnection(lab, proxy, ipv6, port, one.options)
    try:
        one.play(connection)
        connection.close()
    finally:
        connection.end()
