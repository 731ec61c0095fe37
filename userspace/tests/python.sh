#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The Python module with the kernel module. Needs root, the module, two CPUs and 16 huge
# pages. VPOOLCTL is a program beside which the library and the Python module are.

if [ ! -c /dev/vpool/control ]; then
	echo '1..0 # SKIP the module is not loaded'
	exit 0
fi
built=$(dirname "$(readlink -f "$(command -v "${VPOOLCTL:-vpoolctl}")")")/..
export LD_LIBRARY_PATH=$built/lib PYTHONPATH=$built/python PYTHONDONTWRITEBYTECODE=1
exec python3 "$(dirname "$(readlink -f "$0")")/live_python.py"
