# SPDX-License-Identifier: GPL-2.0
"""The parts of tools/vm/run: the kernel, its first root, the machine, its console."""

import os

HERE = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
TOP = os.path.dirname(os.path.dirname(HERE))
CACHE = os.path.join(os.environ.get("XDG_CACHE_HOME")
                     or os.path.expanduser("~/.cache"), "vpool")


class VmError(Exception):
    """The test VM cannot be created or started; the text is the reason."""
