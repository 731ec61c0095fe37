#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Test vpoolctl vm start --device with a Linux guest under KVM, which gets PCI devices of a
# test VM that was started with tools/vm/run --iommu. Needs root, KVM, three CPUs and
# 512 MiB free.
#
# VPOOL_KERNEL_IMAGE is the kernel for the guest. It must be the running kernel, whose
# modules are in /lib/modules.

here=$(dirname "$(readlink -f "$0")")
build=${OUTPUT:-$(readlink -f "$here/../../build/selftests")}
# shellcheck source=selftests/lib/require.sh
. "$here/../lib/require.sh"
# shellcheck source=/dev/null
. "$here/../../userspace/tests/tap.sh"
# shellcheck source=selftests/vm/guest.sh
. "$here/guest.sh"

need_guest
pci=/sys/bus/pci
edu=0000:00:11.0 net=0000:00:11.1 nvme=0000:00:12.0
[ -n "${VPOOL_IOMMU:-}" ] || skip 'this test needs the devices of tools/vm/run --iommu'
for module in nvme e1000 vfio-pci; do
	modprobe "$module" 2> /dev/null || skip "this kernel has no module $module"
done

export LC_ALL=C
dir=$(mktemp -d) || exit 1
export VPOOL_RUN_DIR=$dir/run
out='' err=''

# shellcheck disable=SC2317 # the trap calls it
clean_up() {
	swapoff /dev/nvme0n1
	vpoolctl vm stop --force one
	vpoolctl destroy --force vm-a
	rm -r "$dir"
} > /dev/null 2>&1
trap clean_up EXIT

driver_of() {
	local link

	link=$(readlink "$pci/devices/$1/driver") && basename "$link"
}
overrides() { cat "$pci/devices/$edu/driver_override" "$pci/devices/$net/driver_override" \
	"$pci/devices/$nvme/driver_override" | sort -u; }
drivers() { echo "$(driver_of "$edu") $(driver_of "$net") $(driver_of "$nvme")"; }
interface() { ls "$pci/devices/$net/net" 2> /dev/null; }
has_disk() { [ -b /dev/nvme0n1 ]; }
has_interface() { [ -n "$(interface)" ]; }
iommu_tables() {
	echo 1 > /proc/sys/vm/stat_refresh
	awk '$1 == "nr_iommu_pages" { print $2 }' /proc/vmstat
}

# refused NAME PATTERN DEVICES [ARGUMENT...]: vm start must fail with a message like PATTERN
refused() {
	local name=$1 pattern=$2

	vpoolctl vm start one --pool vm-a "${boot[@]}" --device "${@:3}" \
		> "$dir/out" 2> "$dir/err"
	is "$name: refused" "$?" 1
	err=$(cat "$dir/err")
	says_next "$name"
	like "$name: message" "$err" "vpoolctl: vm start one: $pattern*"
}

until_true 60 has_disk
until_true 60 has_interface
before=$(drivers)
is 'the devices have their drivers' "$before" ' e1000 nvme'
make_initrd nvme
boot=(--mem 144M --kernel "$VPOOL_KERNEL_IMAGE" --initrd "$dir/guest.cpio"
	--append 'console=ttyS0 quiet MB=16 NVME=1' --user root)
all=$edu,$net,$nvme
try 0 create vm-a --cpus 1-2 --mem 160M --owner 65534

echo "# $SECONDS s: devices in use"

refused 'a device of a group in use' \
	"device $edu shares IOMMU group * with device $net, which has driver e1000" $edu
ip link set "$(interface)" up
refused 'an interface that is up' \
	"the host uses device $net: network interface $(interface) is up" $edu,$net
ip link set "$(interface)" down
mkfs.ext2 -q /dev/nvme0n1
mkdir "$dir/mnt"
mount /dev/nvme0n1 "$dir/mnt"
refused 'a mounted disk' \
	"the host uses device $nvme: disk nvme0n1 is mounted on $dir/mnt" $nvme
umount "$dir/mnt"
unshare -m sh -c "mount /dev/nvme0n1 '$dir/mnt' && touch '$dir/mounted' && exec sleep 600" &
elsewhere=$!
until_true 60 test -e "$dir/mounted"
refused 'a disk that is mounted in another namespace' \
	"the host uses device $nvme: disk nvme0n1 is in use" $nvme
kill "$elsewhere"
wait "$elsewhere" 2> /dev/null
mkswap /dev/nvme0n1 > /dev/null
swapon /dev/nvme0n1
refused 'a swap space' "the host uses device $nvme: disk nvme0n1 is in use" $nvme
swapoff /dev/nvme0n1
prlimit --memlock=$((8 << 20)) setpriv --bounding-set -ipc_lock --inh-caps -ipc_lock \
	vpoolctl vm start one --pool vm-a "${boot[@]}" --device "$nvme" 2> "$dir/err"
is 'a low limit of locked memory: refused' "$?" 1
like 'a low limit of locked memory: message' "$(cat "$dir/err")" \
	'*locked, 208M with the firmware, but the limit of locked memory is 8M*'
is 'the refused starts changed no driver' "$(drivers)" "$before"

echo "# $SECONDS s: a start that fails"

refused 'an argument that QEMU refuses' 'QEMU has ended; its output:*nonsense' \
	$all -- -device nonsense
is 'the devices are back after a failed start' "$(drivers)" "$before"
is 'no device has a driver_override' "$(overrides)" '(null)'

echo "# $SECONDS s: a guest with devices"

until_true 60 has_disk
printf '%-512s' 4711 | dd of=/dev/nvme0n1 conv=fsync status=none
tables=$(iommu_tables)
try 0 vm start one --pool vm-a "${boot[@]}" --device "$all" --console "$dir/one"
echo "# $out" | tail -n 1
is 'the devices have the driver vfio-pci' "$(drivers)" 'vfio-pci vfio-pci vfio-pci'
is 'the machine is listed with its devices' "$(vpoolctl vm list --raw --noheadings -o NAME,DEVICES)" \
	"one $all"
is 'the memory is the pool'\''s' "$(used vm-a)" $((144 << 20))
if [ -n "$tables" ]; then
	tables=$(($(iommu_tables) - tables))
	echo "# $tables new page tables of the IOMMU for 144 MiB"
	# Base pages would need 72 tables.
	is 'the IOMMU maps the guest with huge pages' "$((tables < 18))" 1
fi
# On an emulated CPU, the guest sometimes hangs in its boot.
for ((tries = 1; tries < 4; tries++)); do
	until_true 100 is_up one && break
	echo "# attempt $tries: the guest did not boot"
	vpoolctl vm stop one --force > /dev/null 2>&1
	rm -f "$dir/one"
	vpoolctl vm start one --pool vm-a "${boot[@]}" --device "$all" \
		--console "$dir/one" > /dev/null 2>&1
done
like 'the guest is up' "$(last_iteration one)" '[0-9]*'
is 'the guest read the disk' "$(sed -n 's/^guest: disk \([0-9]*\).$/\1/p' "$dir/one")" 4711
is 'the guest wrote the disk and read it back' "$(grep -c '^guest: NVMe disk right' "$dir/one")" 1
like 'KVM maps the guest with pages of 2 MiB' "$(cat /sys/kernel/debug/kvm/pages_2m)" '[1-9]*'
try 1 vm migrate one --to vm-a
like 'no migration with a device' "$err" "*it has PCI device $edu of the host*"
vpoolctl vm start two --pool vm-a "${boot[@]}" --device $nvme 2> "$dir/err"
is 'a device of another machine: refused' "$?" 1
like 'a device of another machine: message' "$(cat "$dir/err")" \
	"*vm start two: the virtual machine 'one' has device $nvme*"

echo "# $SECONDS s: stop"

try 0 vm stop one --timeout 120
is 'the devices are back after the stop' "$(drivers)" "$before"
is 'no device has a driver_override after the stop' "$(overrides)" '(null)'
is 'all memory is back' "$(used vm-a) $(dedicated vm-a)" '0 '
until_true 60 has_disk
is 'the disk has what the guest wrote' \
	"$(dd if=/dev/nvme0n1 bs=1M skip=1 count=1 status=none | od -An -N8 -tx8 | tr -d ' ')" \
	"$(printf %x $((0x9e3779b97f4a7c15 ^ 7)))"

echo "# $SECONDS s: a QEMU that is killed"

try 0 vm start one --pool vm-a "${boot[@]}" --device "$net,$edu"
kill -9 "$(vpoolctl vm list --noheadings -o PID)"
until_true 60 all_back vm-a
is 'the devices of a killed QEMU stay with vfio-pci' "$(driver_of $net)" vfio-pci
try 0 vm list
is 'vm list gives them back' "$(drivers)" "$before"
is 'no directory is left' "$(ls "$dir/run/vm")" ''
ip link set "$(interface)" up
try 0 vm start one --pool vm-a "${boot[@]}" --device "$net,$edu" --force-device
kill -9 "$(vpoolctl vm list --noheadings -o PID)"
until_true 60 all_back vm-a
try 1 vm stop one
is 'vm stop gives them back' "$(drivers)" "$before"

echo "# $SECONDS s: a vpoolctl that is killed"

# QEMU waits for a disk that does not answer, and vpoolctl for QEMU.
truncate -s 1M "$dir/disk"
qemu-storage-daemon --blockdev "driver=file,node-name=file,filename=$dir/disk" \
	--export "type=vhost-user-blk,id=disk,node-name=file,addr.type=unix,addr.path=$dir/disk.socket" &
backend=$!
until_true 60 test -S "$dir/disk.socket"
kill -STOP "$backend"
vpoolctl vm start one --pool vm-a "${boot[@]}" --device "$nvme" -- \
	-chardev "socket,id=disk,path=$dir/disk.socket" \
	-device vhost-user-blk-pci,chardev=disk > /dev/null 2>&1 &
half=$!
has_memory() { [ "$(used vm-a)" -gt 0 ]; }
until_true 60 has_memory
kill -9 "$half"
wait "$half" 2> /dev/null
until_true 60 all_back vm-a
try 0 vm list
is 'an unfinished start gives its device back' "$(drivers)" "$before"
kill -9 "$backend"
wait "$backend" 2> /dev/null

echo "# $SECONDS s: a user other than root"

# as_user LIMIT ARGUMENT...: run vpoolctl as a user, with a limit of locked memory
as_user() {
	prlimit --memlock="$1" setpriv --reuid 65534 --regid 65534 --clear-groups \
		env VPOOL_RUN_DIR="$dir/user" HOME="$dir/user" vpoolctl "${@:2}" \
		> "$dir/out" 2> "$dir/err"
}
user_boot=(--pool vm-a --mem 144M --kernel "$dir/vmlinuz" --device "$nvme")
cp "$VPOOL_KERNEL_IMAGE" "$dir/vmlinuz"
mkdir "$dir/user"
chown 65534 "$dir/user"
chmod 755 "$dir"
chmod 644 "$dir/vmlinuz"
chmod 666 /dev/kvm
as_user unlimited vm start one "${user_boot[@]}"
like 'a user cannot take a device' "$(cat "$dir/err")" \
	"*only root can bind device $nvme to vfio-pci, and it has driver nvme*"
echo vfio-pci > "$pci/devices/$nvme/driver_override"
echo "$nvme" > "$pci/devices/$nvme/driver/unbind"
echo "$nvme" > "$pci/drivers_probe"
group=$(basename "$(readlink "$pci/devices/$nvme/iommu_group")")
as_user unlimited vm start one "${user_boot[@]}"
like 'a user needs access to the group' "$(cat "$dir/err")" \
	"*device $nvme: /dev/vfio/$group: Permission denied*"
chown 65534 "/dev/vfio/$group"
as_user $((64 << 20)) vm start one "${user_boot[@]}"
like 'a user needs a limit for locked memory' "$(cat "$dir/err")" \
	'*the limit of locked memory is 64M*'
as_user $((208 << 20)) vm start one "${user_boot[@]}"
is 'a user starts a machine with a device' "$?$(cat "$dir/err")" 0
as_user unlimited vm list --raw --noheadings -o NAME,DEVICES
is 'the machine of a user is listed with its device' "$(cat "$dir/out")" "one $nvme"
as_user unlimited vm stop one --force
is 'a user stops the machine' "$?$(cat "$dir/err")" 0
is 'the device stays bound as it was' "$(driver_of $nvme)" vfio-pci

echo "# $SECONDS s: a QEMU of another user"

owner_of() { stat -c %U:%G "/dev/vfio/$group"; }
chown root:daemon "/dev/vfio/$group"
nobody=(--pool vm-a --mem 144M --kernel "$dir/vmlinuz" --user nobody)
try 0 vm start one "${nobody[@]}" --device "$nvme"
is 'the user owns the IOMMU group' "$(owner_of)" nobody:daemon
pid=$(vpoolctl vm list --noheadings -o PID | tr -d ' ')
is 'QEMU is of the user' "$(stat -c %U "/proc/$pid")" nobody
is 'it may lock the memory and the firmware' \
	"$(awk '/^Max locked memory/ { print $4, $5 }' "/proc/$pid/limits")" "$((208 << 20)) $((208 << 20))"
kill -9 "$pid"
until_true 60 all_back vm-a
try 0 vm list
is 'the group is back with its owner' "$(owner_of)" root:daemon
is 'the device still has vfio-pci' "$(driver_of $nvme)" vfio-pci
try 0 vm start one "${nobody[@]}" --device "$net,$edu"
is 'the user gets devices with other drivers' "$(driver_of $net)" vfio-pci
try 0 vm stop one --force
is 'they are back' "$(driver_of $net)$(driver_of $edu)" e1000
echo "$nvme" > "$pci/devices/$nvme/driver/unbind"
echo > "$pci/devices/$nvme/driver_override"
echo "$nvme" > "$pci/drivers_probe"
is 'the devices have their own drivers again' "$(drivers)" "$before"

echo "# $SECONDS s: a pool that is destroyed"

total=$(awk '/^MemTotal:/ { print $2 }' /proc/meminfo)
try 0 vm start one --pool vm-a "${boot[@]}" --device "$nvme"
try 0 destroy --force vm-a
is 'the device still belongs to the machine' "$(driver_of $nvme)" vfio-pci
vpoolctl vm stop one --force > /dev/null 2>&1
is 'the device is back' "$(drivers)" "$before"
is 'the host has the memory of the pool again' \
	"$(awk '/^MemTotal:/ { print $2 }' /proc/meminfo)" $((total + (160 << 10)))
is 'no machine is left' "$(ls "$dir/run/vm")" ''

tap_end
