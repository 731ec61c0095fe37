#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Run ordinary libvirt domains, with huge pages and with files as memory, on a pool that is
# mounted, as described in Documentation/coming-from/libvirt.rst. The QEMU of the domains
# runs as the user libvirt-qemu. Needs root, KVM, libvirtd with its QEMU driver, and virsh.

here=$(dirname "$(readlink -f "$0")")
build=${OUTPUT:-$(readlink -f "$here/../../build/selftests")}
# shellcheck source=selftests/lib/require.sh
. "$here/../lib/require.sh"
# shellcheck source=/dev/null
. "$here/../../userspace/tests/tap.sh"
# shellcheck source=selftests/vm/guest.sh
. "$here/guest.sh"
# shellcheck source=selftests/vm/libvirtd.sh
. "$here/libvirtd.sh"

need_guest
need_libvirt

export LC_ALL=C
dir=$(mktemp -d) || exit 1
mnt=$dir/mnt
pool=virt

# shellcheck disable=SC2317 # the trap calls it
clean_up() {
	virsh destroy linux
	virsh destroy firmware
	stop_libvirtd
	umount "$mnt"
	vpoolctl destroy --force $pool
	restore_balancing
	rm -r "$dir"
} > /dev/null 2>&1
trap clean_up EXIT

# domain NAME MIB BACKING CPU [XML]: print the definition of a domain with this text in
# <memoryBacking>, whose vCPU runs on this CPU, and the rest of QEMU on its neighbour. QEMU
# fills the memory of a node with threads on the CPUs of that node.
domain() {
	cat <<-END
	<domain type='kvm'>
	  <name>$1</name>
	  <memory unit='MiB'>$2</memory>
	  <memoryBacking>$3</memoryBacking>
	  <vcpu placement='static'>1</vcpu>
	  <cputune>
	    <vcpupin vcpu='0' cpuset='$4'/>
	    <emulatorpin cpuset='$(($4 ^ 1))'/>
	  </cputune>
	  ${5:-}
	  <features><acpi/></features>
	  <cpu mode='host-passthrough'/>
	  <devices>
	    <emulator>$(command -v qemu-system-x86_64)</emulator>
	    <controller type='usb' model='none'/>
	    <memballoon model='none'/>
	    <serial type='file'><source path='$dir/$1.console'/></serial>
	  </devices>
	</domain>
	END
}
# on_node NODE: print the XML that binds memory to a node, if there are two.
on_node() {
	[ "$nodes" = 1 ] ||
		echo "<numatune><memory mode='strict' nodeset='$1'/></numatune>"
}
hugepages="<hugepages/><access mode='shared'/>"
files="<source type='file'/><access mode='shared'/><allocation mode='immediate'/>"
linux_os="<os>
  <type arch='x86_64' machine='q35'>hvm</type>
  <kernel>$dir/kernel</kernel>
  <initrd>$dir/guest.cpio</initrd>
  <cmdline>console=ttyS0 quiet MB=16</cmdline>
</os>"
firmware_os="<os><type arch='x86_64' machine='q35'>hvm</type></os>"

pid_of() { cat "/run/libvirt/qemu/$1.pid"; }
# nodes_of NAME: print the nodes on which the domain has memory of the pool.
nodes_of() {
	grep -F " file=$mnt/" "/proc/$(pid_of "$1")/numa_maps" | grep -o '\bN[0-9]*=' |
		sort -u | tr -d '=\n'
}
# cpus_of NAME THREAD: print the CPUs of the threads whose name matches.
cpus_of() {
	grep -lx "$2" "/proc/$(pid_of "$1")"/task/*/comm | while read -r comm; do
		sed -n 's/^Cpus_allowed_list:\t//p' "${comm%comm}status"
	done | sort -u
}
has_used() { [ "$(used $pool)" = "$1" ]; }

stop_balancing
# shellcheck disable=SC2119 # it needs no more modules
make_initrd
cp "$VPOOL_KERNEL_IMAGE" "$dir/kernel"
open_to_qemu

nodes=$(echo /sys/devices/system/node/node[0-9]* | wc -w)
if [ "$nodes" -gt 1 ]; then
	try 0 create $pool --mem 96M@0,160M@1
else
	try 0 create $pool --mem 256M
fi
mkdir "$mnt"
mount -t vpool -o pool=$pool,mode=755,f_type=hugetlbfs none "$mnt"
is 'the pool is mounted' $? 0
start_libvirtd "hugetlbfs_mount = [ \"$mnt\" ]" "memory_backing_dir = \"$mnt\""

section 'a domain with huge pages'

domain linux 144 "$hugepages" 2 "$linux_os$(on_node 1)" > "$dir/linux.xml"
created linux 'a domain with <hugepages/> starts'
is 'its memory is the pool'\''s' "$(used $pool)" $((144 << 20))
is 'QEMU maps the memory only with huge pages' \
	"$(huge_and_size "$(pid_of linux)" "$mnt")" "$((144 << 10)) of $((144 << 10)) kB"
is 'QEMU is not root' "$(stat -c %U "/proc/$(pid_of linux)")" libvirt-qemu
is 'the vCPU is pinned' "$(cpus_of linux 'CPU 0/KVM')" 2
is 'the emulator is pinned' "$(cpus_of linux 'qemu-system-.*')" 3
if [ "$nodes" -gt 1 ]; then
	is '<numatune> takes memory of node 1' "$(nodes_of linux)" N1
else
	tap_result yes '<numatune> # SKIP the host has one NUMA node'
fi

section 'a second domain, with files'

domain firmware 64 "$files" 0 "$firmware_os$(on_node 0)" > "$dir/firmware.xml"
created firmware 'a second domain, with <source type='\''file'\''/>, starts'
is 'both have memory of the pool' "$(used $pool)" $((208 << 20))
is 'QEMU maps the memory of the second only with huge pages' \
	"$(huge_and_size "$(pid_of firmware)" "$mnt")" "$((64 << 10)) of $((64 << 10)) kB"
[ "$nodes" = 1 ] || is 'its memory is on node 0' "$(nodes_of firmware)" N0
virsh destroy firmware > /dev/null
until_true 60 has_used $((144 << 20))
is 'the end of the second returns its memory' "$(used $pool)" $((144 << 20))

section 'save and restore'

until_true 240 is_up linux.console
at=$(last_iteration linux.console)
like 'the guest is up' "$at" '[0-9]*'
virsh save linux "$dir/saved" > "$dir/out" 2>&1
is 'virsh save' $? 0
sed 's/^/# /' "$dir/out"
until_true 60 all_back $pool
is 'the saved domain has no memory' "$(used $pool)" 0
cp "$dir/linux.console" "$dir/before"
virsh restore "$dir/saved" > "$dir/out" 2>&1
is 'virsh restore' $? 0
sed 's/^/# /' "$dir/out"
is 'the restored domain has memory of the pool' "$(used $pool)" $((144 << 20))
until_true 60 is_beyond linux.console "$at"
is 'the guest continues with correct memory' \
	$?-"$(cat "$dir/before" "$dir/linux.console" | grep -c WRONG)" 0-0
virsh shutdown linux > /dev/null 2>&1
until_true 120 is_off linux
is 'the domain shuts down' "$?" 0
until_true 60 all_back $pool
is 'the pool has everything back' "$(used $pool)" 0
is 'no file is left' "$(find "$mnt" -type f)" ''

section 'what fails'

# fails TEST PATTERN: the domain of firmware.xml must not start.
fails() {
	virsh create "$dir/firmware.xml" > "$dir/created" 2>&1
	is "$1 does not start" "$?" 1
	sed 's/^/# /' "$dir/created"
	like "$1: message" "$(cat "$dir/created")" "$2"
	is "$1: nothing is left" "$(used $pool)$(find "$mnt" -type f)" 0
}
domain firmware 64 '<hugepages/>' 3 "$firmware_os" > "$dir/firmware.xml"
fails 'a domain without shared access' \
	'*unable to map backing store for guest RAM: Invalid argument*'
domain firmware 512 "$hugepages" 3 "$firmware_os" > "$dir/firmware.xml"
fails 'a domain larger than the pool' '*ftruncate: No space left on device*'

stop_libvirtd
umount "$mnt"
is 'the mount is not busy' $? 0
try 0 destroy $pool

tap_end
