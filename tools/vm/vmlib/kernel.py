# SPDX-License-Identifier: GPL-2.0
"""Find a kernel's image and modules, and build vpool.ko for it."""

import os
import platform
import subprocess
import sys

from . import TOP, VmError

# The kernels that tools/kernel/get can provide.
KERNELS = ("6.1", "6.12", "6.12-rt", "6.12-arm64", "6.12-arm64-16k", "7.3",
           "debug", "debug-7.3", "debug-rt", "kcsan", "fuzz")


class Kernel:
    """A kernel: one of KERNELS, from the cache, or an image file.

    image is the path of the kernel image. dir is the folder in the cache with its
    modules and headers, and release its release; both are None for an image file. arch
    is the architecture, as uname prints it, and build the folder of what is built.
    """

    def __init__(self, name):
        self.name = name
        self.dir = None
        self.release = None
        self.arch = "aarch64" if "-arm64" in name else platform.machine()
        self.build = f"{TOP}/build/arm64" if self.is_foreign() else f"{TOP}/build"
        if os.path.isfile(name):
            self.image = name
            return
        if name not in KERNELS:
            raise VmError(f"unknown kernel {name!r}: use one of "
                          f"{', '.join(KERNELS)}, or an image file")
        got = subprocess.run([f"{TOP}/tools/kernel/get", name], text=True,
                             stdout=subprocess.PIPE, check=False)
        if got.returncode:
            raise VmError(f"tools/kernel/get cannot provide kernel {name}")
        self.dir = os.path.realpath(got.stdout.strip())
        self.image = f"{self.dir}/vmlinuz"
        with open(f"{self.dir}/release", encoding="ascii") as f:
            self.release = f.read().strip()

    def is_foreign(self):
        """Return whether this host cannot run the kernel's programs."""
        return self.arch != platform.machine()

    def root(self):
        """Return the folder on this host that is the root of the test VM."""
        if not self.is_foreign():
            return "/"
        got = subprocess.run([f"{TOP}/tools/vm/arm64"], text=True,
                             stdout=subprocess.PIPE, check=False)
        if got.returncode:
            raise VmError(f"tools/vm/arm64 cannot provide a root for {self.name}")
        return got.stdout.strip()

    def module_files(self, names):
        """Return the files of modules and of their dependencies, in load order."""
        files = []
        for name in names if self.dir else ():
            out = subprocess.run(
                ["modprobe", "-d", f"{self.dir}/modules", "-S", self.release,
                 "--show-depends", name], text=True, check=False,
                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
            files += [line.split()[1] for line in out.splitlines()
                      if line.startswith("insmod ")]
        return list(dict.fromkeys(files))

    def modules_dir(self):
        """Return the folder to mount at /lib/modules, or "" for an image file."""
        return os.path.realpath(f"{self.dir}/modules/lib/modules") \
            if self.dir else ""

    def build_module(self):
        """Build vpool.ko for this kernel and return its path."""
        if not self.dir:
            raise VmError("cannot build vpool.ko for an image file, which has no "
                          "headers: use --module or --no-load")
        target = "arm64-module" if self.is_foreign() else "module"
        made = subprocess.run(
            ["make", "-s", "-j2", "-C", TOP, target, f"KDIR={self.dir}/headers"],
            stdout=sys.stderr, check=False)
        if made.returncode:
            raise VmError(f"vpool.ko does not build for {self.release}")
        return f"{self.build}/{self.release}/vpool.ko"
