#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""scaled_rules.py FROM TO FACTOR: the rules in the folder FROM, with every time in them (for, interval, windows, offsets, steps) FACTOR times as short.

So a test sees in seconds what takes minutes. Numbers that are no times stay: 20 failures in 5 minutes become 20 in 10 s, and the test's
clients are as much faster. Clocks of others do not follow: WireGuard tries a handshake every 5 s, whatever we do, so the rule that counts these keeps more of its minute.
"""

import pathlib
import re
import sys

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
KEPT = {"VpnHandshakeRetries": 3}  # at most so many times as short

# A time stands in brackets (the step behind a colon), after offset, or is all of a value; a threshold or a quantile does not.
TIME = re.compile(r"(?<=\[)\d+[smhd]\b|(?<=\d[smhd]:)\d+[smhd]\b|(?<=offset )\d+[smhd]\b|(?<=for: )\d+[smhd]\b|(?<=interval: )\d+[smhd]\b")


def shorten(text, factor):
    return TIME.sub(lambda m: f"{max(1, round(int(m[0][:-1]) * UNITS[m[0][-1]] * 1000 / factor))}ms", text)


def scaled(text, factor):
    """Rule by rule; what comes before the first one (the group's interval) is a part as well."""
    parts = re.split(r"(?m)^(?=      - (?:alert|record): )", text)
    return "".join(shorten(part, min(factor, next((kept for name, kept in KEPT.items() if f"alert: {name}\n" in part), factor))) for part in parts)


def main(source, target, factor):
    for path in sorted(pathlib.Path(source).glob("*.yml")):
        (pathlib.Path(target) / path.name).write_text(scaled(path.read_text(encoding="utf-8"), float(factor)), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
