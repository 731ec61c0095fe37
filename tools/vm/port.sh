# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
#
# Find the virtio ports of a test VM.

# Set $device to the device of the virtio port vpool.$1, or to nothing.
port() {
	for p in /sys/class/virtio-ports/*; do
		read -r name < "$p/name"
		[ "$name" = "vpool.$1" ] && device=/dev/${p##*/} && return
	done
	device=
}
