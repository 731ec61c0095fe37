# SPDX-License-Identifier: GPL-2.0
"""The parts of tools/check/all: it counts results, knows suites, runs test VMs."""

import os

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.realpath(__file__)))))
