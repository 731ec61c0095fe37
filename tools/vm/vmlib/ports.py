# SPDX-License-Identifier: GPL-2.0
"""The pipes between QEMU and tools/vm/run, and the threads that serve them."""

import os
import select
import threading


def persistent_slot(nr, device, options):
    """Return QEMU arguments for a device that keeps its state in suspend."""
    return ["-device", f"pcie-root-port,id=slot{nr},slot={nr}",
            "-device", f"{device},bus=slot{nr},x-pcie-pm-no-soft-reset=on,"
                       f"{options}"]


class Ports:
    """One pipe for each port of the machine, and one for its console."""

    NAMES = ("stdout", "stderr", "status", "button")

    def __init__(self):
        self.pipes = {n: os.pipe() for n in self.NAMES + ("console",)}

    def fds(self):
        """Return the write ends, which QEMU inherits."""
        return [w for _, w in self.pipes.values()]

    def qemu_args(self):
        """Return QEMU arguments that give the machine a device for each pipe."""
        cmd = persistent_slot(2, "virtio-serial-pci", "id=ports")
        for name, (_, w) in self.pipes.items():
            cmd += ["-chardev", f"file,id={name},path=/dev/fd/{w}"]
            if name == "console":
                cmd += ["-serial", "chardev:console"]
            else:
                cmd += ["-device", f"virtserialport,chardev={name},"
                                   f"name=vpool.{name}"]
        return cmd

    def close_write_ends(self):
        """Close this process's copies, so that reading ends when QEMU does."""
        for w in self.fds():
            os.close(w)


class Pump(threading.Thread):
    """Copies a pipe to a stream, or keeps the data if there is no stream."""

    def __init__(self, fd, to=None):
        super().__init__(daemon=True)
        self.fd = fd
        self.to = to
        self.data = bytearray()
        self.start()

    def run(self):
        while data := os.read(self.fd, 65536):
            if self.to is None:
                self.data += data
                continue
            try:
                self.to.write(data)
                self.to.flush()
            except BrokenPipeError:
                self.to = None
        os.close(self.fd)

    def text(self):
        """Wait for the end of the pipe and return all of its text."""
        self.join()
        return self.data.decode(errors="replace").replace("\r", "")


class Button(threading.Thread):
    """Presses the machine's power button periodically, which ends its suspend.

    The machine writes the period in seconds to a pipe, 0 to stop pressing.
    """

    def __init__(self, fd, monitor):
        super().__init__(daemon=True)
        self.fd = fd
        self.monitor = monitor
        self.start()

    def run(self):
        period = None
        while True:
            if not select.select([self.fd], [], [], period)[0]:
                self.press()
            elif data := os.read(self.fd, 16):
                period = int(data) or None
            else:
                break
        os.close(self.fd)

    def press(self):
        """Press the button once. QEMU may be ending, which is no error."""
        try:
            self.monitor.write(b"system_powerdown\n")
            self.monitor.flush()
        except BrokenPipeError:
            pass
