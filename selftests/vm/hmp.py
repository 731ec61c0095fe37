#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Send commands to the human monitor of a QEMU through its QMP socket, and print the answers.

usage: hmp.py SOCKET COMMAND...
"""

import json
import socket
import sys


class Monitor:
    """A connection to a QMP socket."""

    def __init__(self, path):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(120)
        self.sock.connect(path)
        self.stream = self.sock.makefile("r", encoding="utf-8")
        self.stream.readline()
        self.execute("qmp_capabilities")

    def execute(self, command, **arguments):
        """Execute a QMP command and return its result. Ignore events."""
        request = {"execute": command, "arguments": arguments}
        self.sock.sendall(json.dumps(request).encode() + b"\n")
        for line in self.stream:
            answer = json.loads(line)
            if "error" in answer:
                sys.exit(f"{command}: {answer['error']['desc']}")
            if "return" in answer:
                return answer["return"]
        return ""


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    monitor = Monitor(sys.argv[1])
    for line in sys.argv[2:]:
        answer = monitor.execute("human-monitor-command", **{"command-line": line})
        print(answer.replace("\r", ""), end="")


if __name__ == "__main__":
    main()
