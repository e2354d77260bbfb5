# SPDX-License-Identifier: Apache-2.0
"""A tiny harness: functions marked @case run in order, each prints one line, the process says how it went.

    ok NAME
    not ok NAME: why
    skip NAME: why

Arguments of the command line choose cases by a part of their name.
"""

import sys
import time
import traceback

_cases = []


class Skip(Exception):
    """Raised by a case that cannot run here; the message says why. Under CI=1 it is a failure."""


def case(function):
    """Mark function as a case; its name, with _ as spaces, is the case's."""
    _cases.append((function.__name__.removeprefix("test_").replace("_", " "), function))
    return function


def add_case(name, function):
    """A case that is made in a loop."""
    _cases.append((name, function))


def equal(actual, expected, what=""):
    if actual != expected:
        raise AssertionError(f"{what + ': ' if what else ''}{actual!r} instead of {expected!r}")


def differences(actual, expected):
    """The keys of expected whose value differs in actual, nested ones with dots: {key: (actual, expected)}."""
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
    """Every key of expected, nested ones too, has its value in actual."""
    found = differences(actual, expected)
    if found:
        text = ", ".join(f"{key} is {pair[0]!r} instead of {pair[1]!r}" for key, pair in found.items())
        raise AssertionError(f"{what + ': ' if what else ''}{text}")


def _why(error):
    text = str(error) or type(error).__name__
    if not isinstance(error, AssertionError):
        text = f"{type(error).__name__}: {text}"
    return " ".join(text.split())


def _run_case(name, function, arguments):
    """Why it failed, or None after its line."""
    begun = time.monotonic()
    try:
        note = function(*arguments)
    except Skip as reason:
        print(f"skip {name}: {_why(reason).removeprefix('Skip: ')}", flush=True)
    except Exception as error:  # noqa: BLE001 - whatever it is, the case failed
        traceback.print_exc()
        return _why(error)
    else:
        took = time.monotonic() - begun
        print(f"ok {name} ({took:.2f} s{', ' + str(note) if note else ''})", flush=True)
    return None


def run_cases(*arguments, again=None):
    """Run the cases that were asked for, each with arguments; exit status 1 when one failed.

    again is a Blind: where it says that the kernel hid something from every program, the case runs once more."""
    chosen = [pair for pair in _cases
              if len(sys.argv) < 2 or any(word in pair[0] for word in sys.argv[1:])]
    failed = 0
    for name, function in chosen:
        if again:
            again.begin()
        error = _run_case(name, function, arguments)
        if error and again and (why := again.why()):
            print(f"# {name}: {error}; {why}: once more", flush=True)
            error = _run_case(name, function, arguments)
        if error:
            failed += 1
            print(f"not ok {name}: {error}", flush=True)
    sys.stdout.flush()
    sys.exit(1 if failed or not chosen else 0)
