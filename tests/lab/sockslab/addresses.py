# SPDX-License-Identifier: Apache-2.0
"""Addresses and ports of the lab. traffic/defaults.h repeats the targets."""

MAX_PROXIES = 200

# The bridge: SOCKS clients and WireGuard's packets.
INET_UNDERLAY4 = "10.77.0.1"
INET_UNDERLAY6 = "fd77::1"
CLIENTS4 = [f"10.77.0.{n}" for n in range(2, 10)]
CLIENTS6 = [f"fd77::{n:x}" for n in range(2, 10)]
# An address of no kernel: the raw-segment driver sends and answers for it.
RAW4 = "10.77.0.77"
RAW6 = "fd77::4d"

# Inside the tunnels.
TARGET4, TARGET6 = "10.99.0.1", "fd99::1"  # accepts; closed ports refuse
SWALLOW4, SWALLOW6 = "10.99.0.2", "fd99::2"  # drops everything
BLOCKED4, BLOCKED6 = "10.99.0.3", "fd99::3"  # accepts, but a rule of dante blocks it
HOST_UNREACHABLE4, HOST_UNREACHABLE6 = "10.99.0.4", "fd99::4"
NET_UNREACHABLE4, NET_UNREACHABLE6 = "10.99.0.5", "fd99::5"
DNS4, DNS6 = "10.99.0.53", "fd99::35"

TARGET_PORT = 7  # see traffic/target.c
CLOSED_PORT = 9
CONTROL_PORT = 70  # of the target, on the underlay

WIREGUARD_PORT = 51820


def underlay4(index):
    return f"10.77.1.{index + 1}"


def underlay6(index):
    return f"fd77::1:{index + 1:x}"


def inner4(index):
    return f"10.98.0.{index + 1}"


def inner6(index):
    return f"fd98::{index + 1:x}"
