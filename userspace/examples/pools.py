#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Let pools grow by a half whenever they run out of memory. This needs root.

usage: pools.py NAME...
"""

import json
import subprocess
import sys

import vpool


def grow(name: str) -> None:
    """Give a pool half as much memory again."""
    # The control device is open only as long as it is needed.
    with vpool.open_control() as control:
        try:
            was = control.info(name).total_bytes
            now = control.resize(name, mem=was + was // 2)
            print(f"{name}: {was >> 20} MiB, now {now >> 20} MiB", flush=True)
        except vpool.Error as error:
            print(f"{name}: {error.strerror} ({error.code})", file=sys.stderr)


def main() -> None:
    """Wait for events of the pools."""
    with subprocess.Popen(["vpoolctl", "monitor", "-J", *sys.argv[1:]],
                          stdout=subprocess.PIPE, text=True) as monitor:
        assert monitor.stdout
        for line in monitor.stdout:
            event = json.loads(line)["event"]
            if event["event"] == "out_of_memory":
                grow(event["pool"])


if __name__ == "__main__":
    main()
