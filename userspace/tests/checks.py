# SPDX-License-Identifier: GPL-2.0-only
"""Checks and output of the tests of the Python module."""

import traceback


def equal(found, wanted):
    """Check that two values are equal."""
    assert found == wanted, f"is {found!r}, not {wanted!r}"


def raises(kind, function, *arguments, **keywords):
    """Check that a call raises an exception of a kind, and return it."""
    try:
        found = function(*arguments, **keywords)
    except kind as error:
        return error
    raise AssertionError(f"returns {found!r} and raises no {kind.__name__}")


def run(tests, *arguments):
    """Run tests, print TAP and return whether all passed.

    A test has its name as its docstring, and can return a directive such as "SKIP why".
    """
    bad = 0
    print(f"1..{len(tests)}", flush=True)
    for nr, test in enumerate(tests, 1):
        try:
            directive = test(*arguments)
            print(f"ok {nr} - {test.__doc__}{f' # {directive}' if directive else ''}",
                  flush=True)
        except Exception:                   # pylint: disable=broad-except
            print("".join(f"# {line}\n" for line in
                          traceback.format_exc().splitlines()), end="")
            bad += 1
            print(f"not ok {nr} - {test.__doc__}", flush=True)
    return not bad
