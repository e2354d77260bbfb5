# SPDX-License-Identifier: Apache-2.0
"""Writes small MMDB files (MaxMind DB format 2.0) for the tests of countries and for fuzz seeds."""

import ipaddress
import struct

MARKER = b"\xab\xcd\xefMaxMind.com"
RECORD_BYTES = 4


def encode(value):
    """A value of the data section: dict, list, str, or int (as uint64)."""
    if isinstance(value, dict):
        return bytes([7 << 5 | len(value)]) + b"".join(
            encode(key) + encode(item) for key, item in value.items()
        )
    if isinstance(value, list):
        return bytes([len(value), 11 - 7]) + b"".join(map(encode, value))
    if isinstance(value, str):
        data = value.encode()
        size = (
            bytes([2 << 5 | len(data)]) if len(data) < 29 else bytes([2 << 5 | 29, len(data) - 29])
        )
        return size + data
    data = value.to_bytes((value.bit_length() + 7) // 8, "big")
    return bytes([len(data), 9 - 7]) + data


def number(value, kind):
    """uint16 (5) or uint32 (6), the types of the metadata."""
    data = value.to_bytes((value.bit_length() + 7) // 8, "big")
    return bytes([kind << 5 | len(data)]) + data


def metadata(nodes):
    fields = [
        ("node_count", number(nodes, 6)),
        ("record_size", number(8 * RECORD_BYTES, 5)),
        ("ip_version", number(6, 5)),
        ("database_type", encode("Test-Country")),
        ("languages", encode(["en"])),
        ("binary_format_major_version", number(2, 5)),
        ("binary_format_minor_version", number(0, 5)),
        ("build_epoch", encode(1700000000)),
        ("description", encode({"en": "a test"})),
    ]
    return bytes([7 << 5 | len(fields)]) + b"".join(encode(name) + value for name, value in fields)


def country(code):
    return {"country": {"iso_code": code}}


def make(networks):
    """networks: {"10.0.0.0/8": value, …}, or a code as value; networks must not overlap. IPv4 is at
    ::/96.
    """
    nodes, data = [[None, None]], b""
    for text, value in networks.items():
        network = ipaddress.ip_network(text)
        length = network.prefixlen + (96 if network.version == 4 else 0)
        bits = f"{int(network.network_address):0128b}"[:length]
        at = 0
        for bit in bits[:-1]:
            if nodes[at][int(bit)] is None:
                nodes[at][int(bit)] = len(nodes)
                nodes.append([None, None])
            at = nodes[at][int(bit)]
        nodes[at][int(bits[-1])] = ("data", len(data))
        data += encode(country(value) if isinstance(value, str) else value)
    count = len(nodes)
    tree = b"".join(
        struct.pack(
            ">I",
            count
            if record is None
            else count + 16 + record[1]
            if isinstance(record, tuple)
            else record,
        )
        for node in nodes
        for record in node
    )
    return tree + bytes(16) + data + MARKER + metadata(count)
