# SPDX-License-Identifier: Apache-2.0
"""Comparisons; the message names the compared value."""


def equal(actual, expected, what=""):
    if actual != expected:
        raise AssertionError(f"{what + ': ' if what else ''}{actual!r} instead of {expected!r}")


def differences(actual, expected):
    """The keys of expected whose value differs in actual: {key: (actual, expected)}. A dot joins
    nested keys.
    """
    found = {}
    for key, value in expected.items():
        other = actual.get(key)
        if isinstance(value, dict):
            nested = differences(other if isinstance(other, dict) else {}, value)
            found.update({f"{key}.{name}": pair for name, pair in nested.items()})
        elif other != value:
            found[key] = (other, value)
    return found


def same(actual, expected, what=""):
    """Assert that each key of expected, nested ones included, has the same value in actual."""
    found = differences(actual, expected)
    if found:
        text = ", ".join(
            f"{key} is {pair[0]!r} instead of {pair[1]!r}" for key, pair in found.items()
        )
        raise AssertionError(f"{what + ': ' if what else ''}{text}")
