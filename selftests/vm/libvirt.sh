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

need_guest
for command in libvirtd virsh; do
	command -v $command > /dev/null || skip "no $command here"
done
! pgrep -x libvirtd > /dev/null || skip 'a libvirtd is running'

export LC_ALL=C LIBVIRT_DEFAULT_URI=qemu:///system
dir=$(mktemp -d) || exit 1
conf=/etc/libvirt/qemu.conf
daemon=''

# shellcheck disable=SC2317 # the trap calls it
clean_up() {
	virsh destroy pooled
	[ -z "$daemon" ] || kill "$daemon"
	wait
	if [ -e "$dir/qemu.conf" ]; then
		mv "$dir/qemu.conf" "$conf"
	else
		rm -f "$conf"
	fi
	vpoolctl destroy --force virt
	restore_balancing
	rm -r "$dir"
} > /dev/null 2>&1
trap clean_up EXIT

answers() { virsh version > /dev/null 2>&1; }
state() { virsh domstate pooled 2> /dev/null | head -n 1; }
is_off() { [ "$(state)" = 'shut off' ] || [ -z "$(state)" ]; }

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
make_initrd
mkdir -p /etc/libvirt /run/libvirt /var/lib/libvirt /var/log/libvirt
[ ! -e "$conf" ] || cp "$conf" "$dir/qemu.conf"
# libvirtd needs the user that Debian's package creates.
getent passwd libvirt-qemu > /dev/null || useradd --system --user-group libvirt-qemu
# Run QEMU as root without libvirt's sandboxes: the test is about memory.
printf '%s\n' 'user = "root"' 'group = "root"' 'security_driver = "none"' \
	'namespaces = [ ]' 'stdio_handler = "file"' \
	'cgroup_device_acl = [ "/dev/null", "/dev/full", "/dev/zero", "/dev/random",' \
	'"/dev/urandom", "/dev/ptmx", "/dev/kvm", "/dev/vpool/virt" ]' > "$conf"
libvirtd > "$dir/libvirtd" 2>&1 &
daemon=$!
until_true 120 answers
is 'libvirtd answers' "$?" 0

try 0 create virt --cpus 2-3 --mem 160M
domain 144 > "$dir/domain.xml"
virsh create "$dir/domain.xml" > "$dir/created" 2>&1
is 'the domain starts' "$?" 0
sed 's/^/# /' "$dir/created"
if [ "$(state)" != running ]; then
	tail -n 20 "$dir/libvirtd" /var/log/libvirt/qemu/pooled.log | sed 's/^/# /'
	tap_end
fi
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
until_true 120 is_off
is 'the domain shuts down' "$?" 0
until_true 60 all_back virt
is 'the domain returned all memory to the pool' "$(used virt)" 0

# More memory than the pool has: the domain must not start and must keep nothing.
domain 192 > "$dir/domain.xml"
virsh create "$dir/domain.xml" > "$dir/created" 2>&1
is 'a domain larger than the pool does not start' "$?" 1
sed 's/^/# /' "$dir/created"
like 'the error names the reason' "$(cat "$dir/created")" '*backing store size*'
is 'the failed domain keeps no memory' "$(used virt)" 0
try 0 destroy virt

tap_end
