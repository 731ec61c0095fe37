#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Run a libvirt domain, a Linux guest under KVM, on a pool's memory, as described in
# Documentation/coming-from/libvirt.rst. Needs root, KVM, libvirtd with its QEMU driver,
# and virsh.

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

# shellcheck disable=SC2317 # the trap calls it
clean_up() {
	virsh destroy pooled
	stop_libvirtd
	vpoolctl destroy --force virt
	restore_balancing
	rm -r "$dir"
} > /dev/null 2>&1
trap clean_up EXIT

# domain MIB: print the definition of a domain with this much memory.
domain() {
	cat <<-END
	<domain type='kvm' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>
	  <name>pooled</name>
	  <memory unit='MiB'>$1</memory>
	  <vcpu>1</vcpu>
	  <os>
	    <type arch='x86_64' machine='q35'>hvm</type>
	    <kernel>$VPOOL_KERNEL_IMAGE</kernel>
	    <initrd>$dir/guest.cpio</initrd>
	    <cmdline>console=ttyS0 quiet MB=16</cmdline>
	  </os>
	  <features><acpi/></features>
	  <cpu mode='host-passthrough'/>
	  <devices>
	    <emulator>$(command -v qemu-system-x86_64)</emulator>
	    <serial type='file'><source path='$dir/one'/></serial>
	    <controller type='usb' model='none'/>
	    <memballoon model='none'/>
	  </devices>
	  <qemu:commandline>
	    <qemu:arg value='-object'/>
	    <qemu:arg value='memory-backend-file,id=pool,size=$1M,mem-path=/dev/vpool/virt,share=on,align=2M,prealloc=on'/>
	    <qemu:arg value='-machine'/>
	    <qemu:arg value='memory-backend=pool'/>
	  </qemu:commandline>
	</domain>
	END
}

stop_balancing
# shellcheck disable=SC2119 # it needs no more modules
make_initrd
start_libvirtd 'user = "root"' 'group = "root"' \
	'cgroup_device_acl = [ "/dev/null", "/dev/full", "/dev/zero", "/dev/random",' \
	'"/dev/urandom", "/dev/ptmx", "/dev/kvm", "/dev/vpool/virt" ]'

try 0 create virt --cpus 2-3 --mem 160M
domain 144 > "$dir/pooled.xml"
created pooled
pid=$(cat /run/libvirt/qemu/pooled.pid)
is 'the domain uses memory of the pool' "$(used virt)" $((144 << 20))
is 'QEMU maps the memory only with huge pages' "$(huge_and_size "$pid")" "$((144 << 10)) of $((144 << 10)) kB"
try 0 attach virt --pid "$pid"
is 'QEMU runs on the pool'\''s CPUs' \
	"$(sed -n 's/^Cpus_allowed_list:\t//p' "/proc/$pid"/task/*/status | sort -u)" 2-3
until_true 240 is_up one
at=$(last_iteration one)
like 'the guest is up' "$at" '[0-9]*'
until_true 60 is_beyond one "$at"
is 'the guest finds no corrupt memory' "$?-$(grep -c WRONG "$dir/one")" 0-0
virsh shutdown pooled > /dev/null 2>&1
until_true 120 is_off pooled
is 'the domain shuts down' "$?" 0
until_true 60 all_back virt
is 'the domain returned all memory to the pool' "$(used virt)" 0

# More memory than the pool has: the domain must not start and must keep nothing.
domain 192 > "$dir/pooled.xml"
virsh create "$dir/pooled.xml" > "$dir/created" 2>&1
is 'a domain larger than the pool does not start' "$?" 1
sed 's/^/# /' "$dir/created"
like 'the error names the reason' "$(cat "$dir/created")" '*backing store size*'
is 'the failed domain keeps no memory' "$(used virt)" 0
try 0 destroy virt

tap_end
