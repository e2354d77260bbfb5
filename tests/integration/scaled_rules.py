#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""scaled_rules.py FROM TO FACTOR: copies the rules from FROM to TO, with every time (for, interval,
windows, offsets, steps) divided by FACTOR.

So a test takes seconds instead of minutes. Other numbers stay: 20 failures in 5 minutes become 20
in 10 s, and the test's clients are faster by the same factor. WireGuard retries a handshake every 5
s regardless, so the rule that counts these is scaled less.
"""

import pathlib
import re
import sys

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
KEPT = {"VpnHandshakeRetries": 3}  # the largest divisor

# A time is in brackets (a step after a colon), after offset, or a whole value; thresholds and
# quantiles are not.
TIME = re.compile(
    r"(?<=\[)\d+[smhd]\b|(?<=\d[smhd]:)\d+[smhd]\b|(?<=offset )\d+[smhd]\b|(?<=for: "
    r")\d+[smhd]\b|(?<=interval: )\d+[smhd]\b"
)


def shorten(text, factor):
    return TIME.sub(
        lambda m: f"{max(1, round(int(m[0][:-1]) * UNITS[m[0][-1]] * 1000 / factor))}ms", text
    )


def scaled(text, factor):
    """Split into rules; the part before the first one (the interval of the group) is included."""
    parts = re.split(r"(?m)^(?=      - (?:alert|record): )", text)
    return "".join(
        shorten(
            part,
            min(
                factor,
                next((kept for name, kept in KEPT.items() if f"alert: {name}\n" in part), factor),
            ),
        )
        for part in parts
    )


def main(source, target, factor):
    for path in sorted(pathlib.Path(source).glob("*.yml")):
        (pathlib.Path(target) / path.name).write_text(
            scaled(path.read_text(encoding="utf-8"), float(factor)), encoding="utf-8"
        )


if __name__ == "__main__":
    main(*sys.argv[1:])
