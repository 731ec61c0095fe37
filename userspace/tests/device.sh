#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The PCI devices that vpoolctl vm start accepts and refuses, with a directory that
# simulates sysfs. VPOOLCTL is the program.

dir=$(mktemp -d) || exit 1
trap 'rm -r "$dir"' EXIT
# shellcheck source=/dev/null
. "$(dirname "$0")/tap.sh"

export LC_ALL=C
export VPOOL_DEV_DIR="$dir/dev"
export VPOOL_SYSFS_DIR="$dir/nowhere"
export VPOOL_RUN_DIR="$dir/run"
export VPOOL_HOST_SYSFS_DIR="$dir/sys"
export VPOOL_QEMU="$dir/qemu"
printf '#!/bin/sh\necho QEMU emulator version 10.0.2\n' >"$dir/qemu"
chmod 755 "$dir" "$dir/qemu"
echo disk >"$dir/disk"
pci=$dir/sys/bus/pci

# device ADDRESS CLASS [GROUP [DRIVER]]: make a device
device()
{
	local at=$pci/devices/$1

	mkdir -p "$at"
	echo "$2" >"$at/class"
	echo '(null)' >"$at/driver_override"
	[ -z "$3" ] || {
		mkdir -p "$dir/sys/kernel/iommu_groups/$3/devices/$1"
		ln -s "../../../../kernel/iommu_groups/$3" "$at/iommu_group"
	}
	[ -z "$4" ] || {
		mkdir -p "$pci/drivers/$4"
		ln -s "../../drivers/$4" "$at/driver"
	}
}

# start DEVICES [ARGUMENT...]: try to start a machine; set err and status
start()
{
	local devices=$1

	shift
	"$VPOOLCTL" vm start x --pool a --accel tcg --mem 2M --disk "$dir/disk" \
		--device "$devices" "$@" >"$dir/out" 2>"$dir/err"
	status=$?
	err=$(cat "$dir/err")
}

# refused NAME STATUS PATTERN DEVICES [ARGUMENT...]: check the message of a start
refused()
{
	start "${@:4}"
	is "$1: exit status" "$status" "$2"
	like "$1: message" "$err" "vpoolctl: $3"
	says_next "$1"
}

# accepted NAME DEVICES [ARGUMENT...]: the next step, opening the pool, must fail
accepted()
{
	start "${@:2}"
	like "$1" "$err" '*the vpool module is not loaded*'
}

device 0000:01:00.0 0x020000 901 e1000e
device 0000:02:00.0 0x010802 902 nvme
device 0000:03:00.0 0x030000 903
device 0000:04:00.0 0x060400 904 pcieport
device 0000:05:00.0 0x020000 905 e1000e
device 0000:05:00.1 0x020000 905 e1000e
device 0000:06:00.0 0x020000
device 0000:07:00.0 0x020000 907 igb
device 10000:e1:00.0 0x010802 908 vfio-pci
device 0000:09:00.0 0x020000 909 vfio-pci
device 0000:09:00.1 0x020000 909
device 0000:0a:00.0 0x010601 910 ahci
device 0000:0a:1f.7 0x020000 910 pcieport

# Addresses

for bad in '' 1 01:00 01:00.8 01:20.0 001:00:00.0: :01:00.0 "0000:01:00.0," ,01:00.0 \
	g1:00.0 01:00.0x -1:00.0 123456789:01:00.0 01:00.0,0000:01:00.0; do
	refused "invalid address '$bad'" 2 "vm start: --device: '*' is not the address*" "$bad"
done
many=$(seq -f 01:00.0,01:%02g.1 -s, 10 18 | sed 's/01:00.0,//2g')
many=$many,02:10.0,02:11.0,02:12.0,02:13.0,02:14.0,02:15.0,02:16.0
refused 'too many devices' 2 'vm start: --device: more than 16 devices*' "$many"
"$VPOOLCTL" vm start x --pool a --disk /d --force-device >"$dir/out" 2>"$dir/err"
is '--force-device alone: exit status' "$?" 2
like '--force-device alone: message' "$(cat "$dir/err")" '*--force-device needs --device*'

# Devices and groups

refused 'a missing device' 1 'vm start x: there is no PCI device 0000:7f:00.0*' 7f:00.0
refused 'a bridge' 1 'vm start x: device 0000:04:00.0 is a bridge*' 04:00.0
refused 'no IOMMU' 1 'vm start x: device 0000:06:00.0 has no IOMMU group: *intel_iommu=on*' 06:00.0
refused 'a part of a group' 1 \
	'vm start x: device 0000:05:00.0 shares IOMMU group 905 with device 0000:05:00.1, which has driver e1000e*' \
	05:00.0
if [ "$(id -u)" = 0 ]; then
	accepted 'all devices of a group' 0000:05:00.0,05:00.1
	accepted 'a device without a driver' 03:00.0
	accepted 'an interface without a name' 01:00.0
	accepted 'a group with a bridge' 0A:00.0
else
	refused 'a user' 1 \
		'vm start x: only root can bind device 0000:01:00.0 to vfio-pci, and it has driver e1000e*' \
		01:00.0
	refused 'a user, and no driver' 1 \
		'vm start x: only root can bind device 0000:03:00.0 to vfio-pci, and it has no driver*' \
		03:00.0
fi
accepted 'a device that has vfio-pci already' 10000:E1:00.0
accepted 'a group with a device without a driver' 09:00.0
is 'a refused start changes no device' "$(cat "$pci"/devices/*/driver_override | sort -u)" '(null)'
is 'a refused start leaves nothing' "$(ls "$dir/run/vm")" ''

# Devices in use

net=$pci/devices/0000:01:00.0/net/eth7
mkdir -p "$net"
echo 0x1003 >"$net/flags"
refused 'an interface that is up' 1 \
	'vm start x: the host uses device 0000:01:00.0: network interface eth7 is up*' 01:00.0
[ "$(id -u)" = 0 ] && accepted '--force-device' 01:00.0 --force-device
echo 0x1002 >"$net/flags"
[ "$(id -u)" = 0 ] && accepted 'an interface that is down' 01:00.0
net=$pci/devices/0000:07:00.0/virtio3/net/eth8
mkdir -p "$net"
echo 0x1003 >"$net/flags"
refused 'an interface below another device' 1 '*: network interface eth8 is up*' 07:00.0
rm -r "$net"
echo 3 >"$pci/devices/0000:07:00.0/sriov_numvfs"
refused 'virtual functions' 1 '*device 0000:07:00.0: it has 3 virtual functions*' 07:00.0

# The root file system of this machine is mounted.
root=$(awk '$5 == "/" { print $3; exit }' /proc/self/mountinfo)
# disk PATH DEVICE: make a disk with two partitions, the second of which has this number
disk()
{
	mkdir -p "$1/queue" "$1/holders" "$1/test1/holders" "$1/test2/holders"
	echo 0:0 | tee "$1/dev" >"$1/test1/dev"
	echo "$2" >"$1/test2/dev"
	echo 1 | tee "$1/test1/partition" >"$1/test2/partition"
}
disk "$pci/devices/0000:0a:00.0/ata1/host0/target0:0:0/0:0:0:0/block/test" "$root"
refused 'a mounted partition' 1 '*device 0000:0a:00.0: disk test2 is mounted on /*' 0a:00.0
disk=$pci/devices/0000:02:00.0/nvme/nvme9/nvme9n1
disk "$disk" 0:0
[ "$(id -u)" = 0 ] && accepted 'a disk that is not mounted' 02:00.0
mkdir "$disk/test1/holders/md9"
refused 'a part of an array' 1 '*device 0000:02:00.0: disk test1 is a part of md9*' 02:00.0
rm -r "$disk"
echo 0 >"$pci/devices/0000:02:00.0/nvme/nvme9/cntlid"
subsystem=$dir/sys/class/nvme-subsystem
mkdir -p "$subsystem/nvme-subsys8/nvme8" "$subsystem/nvme-subsys9/nvme9"
disk "$subsystem/nvme-subsys8/nvme8n1" "$root"
[ "$(id -u)" = 0 ] && accepted 'a disk of another subsystem' 02:00.0
disk "$subsystem/nvme-subsys9/nvme9n1" "$root"
refused 'a disk of its subsystem' 1 '*disk test2 is mounted on /*' 02:00.0

# A machine that ended without vpoolctl: its devices go back, or it says which do not.

crashed=$dir/run/vm/old
mkdir -p "$crashed"
echo '0000:7f:00.0 e1000e -' >"$crashed/devices"
missing='vpoolctl: vm stop old: there is no such virtual machine; *'
"$VPOOLCTL" vm stop old 2>"$dir/err"
like 'a device that is gone needs no driver' "$(cat "$dir/err")" "$missing"
is 'the machine of a device that is gone is removed' "$(ls "$dir/run/vm")" ''
mkdir -p "$crashed"
rm "$pci/devices/0000:03:00.0/driver_override"
echo '0000:03:00.0 nouveau -' >"$crashed/devices"
"$VPOOLCTL" vm stop old 2>"$dir/err"
like 'a device that does not go back' "$(cat "$dir/err")" \
	'vpoolctl: vm old: device 0000:03:00.0 cannot be given back to nouveau: *'
is 'it is reported once' "$(ls "$dir/run/vm")" ''
for damaged in '' 'x' '0000:03:00.0' '- - -' "$(printf '%0200d' 0)"; do
	mkdir -p "$crashed"
	printf '%s' "$damaged" >"$crashed/devices"
	touch "$crashed/devices~"
	"$VPOOLCTL" vm stop old 2>"$dir/err"
	like "a damaged note '${damaged:0:12}'" "$(cat "$dir/err")" "$missing"
	is "a damaged note '${damaged:0:12}' is removed" "$(ls "$dir/run/vm")" ''
done

tap_end
