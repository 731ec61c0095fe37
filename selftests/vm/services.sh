#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Run the libvirt hook and the OCF agent with Linux guests under KVM on one host, as in
# Documentation/hosts/services.rst. Needs root, KVM, four CPUs, libvirtd with its QEMU
# driver, virsh and xmllint.

here=$(dirname "$(readlink -f "$0")")
build=${OUTPUT:-$(readlink -f "$here/../../build/selftests")}
packaging=$(readlink -f "$here/../../packaging")
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
command -v xmllint > /dev/null || skip 'no xmllint here'

export LC_ALL=C
dir=$(mktemp -d) || exit 1
export VPOOL_RUN_DIR=$dir/run
mnt=$dir/mnt
pool=svc
agent=$packaging/ocf/vm
hooks=/etc/libvirt/hooks/qemu.d
kvm_mode=''

# shellcheck disable=SC2317 # the trap calls it
clean_up() {
	virsh destroy d
	virsh undefine d
	vpoolctl vm stop --force m
	stop_libvirtd
	rm -f "$hooks/vpool"
	[ -z "$kvm_mode" ] || chmod "$kvm_mode" /dev/kvm
	umount "$mnt"
	vpoolctl destroy --force $pool isolated
	restore_balancing
	rm -r "$dir"
} > /dev/null 2>&1
trap clean_up EXIT

# domain METADATA: define the domain, whose firmware finds nothing to boot.
domain() {
	cat > "$dir/d.xml" <<-END
	<domain type='kvm'>
	  <name>d</name>
	  $1
	  <memory unit='MiB'>64</memory>
	  <memoryBacking><hugepages/><access mode='shared'/></memoryBacking>
	  <vcpu placement='static'>2</vcpu>
	  <os><type arch='x86_64' machine='q35'>hvm</type></os>
	  <features><acpi/></features>
	  <cpu mode='host-passthrough'/>
	  <devices>
	    <emulator>$(command -v qemu-system-x86_64)</emulator>
	    <controller type='usb' model='none'/>
	    <memballoon model='none'/>
	  </devices>
	</domain>
	END
}
# in_pool ATTRIBUTES [CONTENTS]: print the metadata.
in_pool() {
	echo "<metadata><vpool:pool xmlns:vpool='https://vpool.dev/libvirt/1.0' $1>${2:-}</vpool:pool></metadata>"
}
# cpus_of THREAD: print the CPUs of each thread of the domain with a name like this.
cpus_of() {
	local comm

	for comm in /proc/"$(cat /run/libvirt/qemu/d.pid)"/task/*/comm; do
		# shellcheck disable=SC2053 # it is a pattern
		[[ $(cat "$comm") != $1 ]] || echo "$(cat "$comm"): $(
			sed -n 's/^Cpus_allowed_list:\t//p' "${comm%comm}status")"
	done | sort -u
}
members() { cat "$pools/$pool/cpus/members"; }
is_empty() { all_back $pool && [ "$(members)" = 0 ]; }
end_domain() {
	virsh destroy d > /dev/null 2>&1
	until_true 60 is_empty
	is "$1: the end leaves nothing in the pool" $? 0
}
# fails TEST PATTERN: the domain must not start.
fails() {
	virsh create "$dir/d.xml" > "$dir/created" 2>&1
	is "$1: does not start" "$?" 1
	sed 's/^/# /' "$dir/created"
	like "$1: message" "$(cat "$dir/created")" "$2"
	until_true 60 is_empty
	is "$1: nothing is left" "$(state d)$?" 0
}
section() { echo "# $SECONDS s: $*"; }

stop_balancing
# shellcheck disable=SC2119 # it needs no more modules
make_initrd
# QEMU runs as an ordinary user, who must reach these files. udev, which a test VM has not,
# gives /dev/kvm its mode.
chmod 755 "$dir"
kvm_mode=$(stat -c %a /dev/kvm)
chmod 666 /dev/kvm
try 0 create $pool --cpus 1-3 --mem 160M
mkdir "$mnt"
mount -t vpool -o pool=$pool,mode=755,f_type=hugetlbfs none "$mnt"
mkdir -p "$hooks"
cp "$packaging/libvirt/vpool" "$hooks/"
start_libvirtd "hugetlbfs_mount = [ \"$mnt\" ]"

section 'the hook'

domain ''
created d 'a domain without the metadata starts'
is 'it is no member' "$(members)" 0
end_domain 'no metadata'

domain "$(in_pool "name='$pool'")"
created d 'a domain with the name of a pool starts'
is 'all threads of its QEMU are members' "$(members)" \
	"$(find /proc/"$(cat /run/libvirt/qemu/d.pid)"/task -mindepth 1 -maxdepth 1 | wc -l)"
is 'its vCPUs run on the CPUs of the pool' "$(cpus_of 'CPU *')" 'CPU 0/KVM: 1-3
CPU 1/KVM: 1-3'
virsh save d "$dir/saved" > "$dir/out" 2>&1
is 'virsh save' $? 0
until_true 60 is_empty
is 'save leaves nothing in the pool' $? 0
virsh restore "$dir/saved" > "$dir/out" 2>&1
is 'virsh restore' $? 0
sed 's/^/# /' "$dir/out"
is 'the restored domain is in the pool' "$(cpus_of 'CPU 0/KVM')" 'CPU 0/KVM: 1-3'
end_domain 'shared CPUs'

domain "$(in_pool "name='$pool' vcpus='dedicated'")"
created d 'a domain whose vCPUs have dedicated CPUs starts'
is 'two CPUs are dedicated' "$(cat "$pools/$pool/cpus/dedicated")" 1-2
is 'each vCPU has one' "$(cpus_of 'CPU *' | sed 's/.*: //' | sort | tr '\n' ' ')" '1 2 '
is 'the other threads have the rest' "$(cpus_of 'qemu-system-*')" 'qemu-system-x86: 3'
end_domain 'dedicated CPUs'

domain ''
virsh define "$dir/d.xml" > /dev/null 2>&1
virsh metadata d https://vpool.dev/libvirt/1.0 --config --key vpool \
	--set "<pool name='$pool'><vcpu id='0'/></pool>" > "$dir/out" 2>&1
is 'virsh metadata sets the pool of a domain' $? 0
sed 's/^/# /' "$dir/out"
virsh start d > "$dir/out" 2>&1
is 'the domain starts' $? 0
sed 's/^/# /' "$dir/out"
is 'one vCPU has a dedicated CPU' "$(cat "$pools/$pool/cpus/dedicated")" 1
end_domain 'virsh metadata'
virsh undefine d > /dev/null 2>&1

domain "$(in_pool "name='$pool'" "<vpool:vcpu id='1' cpu='3'/>")"
created d 'a domain with a place for one vCPU starts'
is 'that vCPU has its CPU, and the other the rest' "$(cpus_of 'CPU *')" 'CPU 0/KVM: 1-2
CPU 1/KVM: 3'
end_domain 'one place'

domain "$(in_pool "name='nowhere'")"
fails 'no such pool' '*vpool: domain d: vpoolctl: show nowhere: *no*pool*'
domain "$(in_pool "name='$pool' vcpu='dedicated'")"
fails 'a misspelt attribute' "*vpool: domain d: the element 'pool' has other contents*"
domain "$(in_pool "name='$pool'" "<vpool:vcpu id='0' cpu='0'/>")"
fails 'a CPU outside the pool' "*vpool: domain d: vpoolctl: attach $pool: *cpu 0 does not belong to pool '$pool'*"
try 0 resize $pool --cpus 2-3
domain "$(in_pool "name='$pool' vcpus='dedicated'")"
fails 'a pool with too few CPUs' '*vpool: domain d: vpoolctl: attach *the last CPU that is not dedicated*'
try 0 create isolated --cpus 1 --isolate
domain "$(in_pool "name='isolated'")"
fails 'an isolated pool' '*vpool: domain d: vpoolctl: attach isolated: *'
try 0 destroy isolated
stop_libvirtd
umount "$mnt"
is 'the mount is not busy' $? 0

section 'the agent'

# agent STATUS ACTION [PARAMETER=VALUE...]: run the agent for the machine m.
agent() {
	env OCF_RESKEY_vm=m OCF_RESKEY_pool=$pool OCF_RESKEY_mem=144M \
		"OCF_RESKEY_kernel=$VPOOL_KERNEL_IMAGE" "OCF_RESKEY_initrd=$dir/guest.cpio" \
		'OCF_RESKEY_append=console=ttyS0 quiet MB=16' "OCF_RESKEY_console=$dir/console" \
		OCF_RESKEY_CRM_meta_timeout=160000 "${@:3}" "$agent" "$2" > "$dir/out" 2>&1
	is "agent: $2 ${*:3}" $? "$1"
	sed 's/^/# /' "$dir/out"
}
agent 7 monitor
agent 0 validate-all
agent 1 start OCF_RESKEY_pool=nowhere
like 'the reason' "$(cat "$dir/out")" 'ocf-exit-reason:vpoolctl: vm start*nowhere*'
agent 1 start OCF_RESKEY_mem=1G
like 'the reason' "$(cat "$dir/out")" "ocf-exit-reason:vpoolctl: vm start*pool '$pool' has 160M free*"
agent 6 start OCF_RESKEY_options=--no-such
agent 7 monitor
agent 0 start
agent 0 monitor
agent 0 start
is 'a second start starts nothing' "$(vpoolctl vm list --noheadings -o NAME | wc -l)" 1
is 'the machine has memory of the pool' "$(used $pool)" $((144 << 20))
until_true 240 is_up console
is 'the guest is up' $? 0
# A cluster that takes a slow machine for a stopped one starts it on another host.
qemu=$(vpoolctl vm list --noheadings -o PID | tr -d ' ')
kill -STOP "$qemu"
exec 9< "$dir/run/vm/m"
flock 9
agent 0 monitor
exec 9<&-
agent 0 monitor
kill -CONT "$qemu"
agent 0 stop
like 'the guest shut down' "$(cat "$dir/out")" 'm shut down; *'
is 'stop leaves nothing in the pool' "$(used $pool) $(members)" '0 0'
agent 7 monitor
agent 0 stop
agent 0 start
kill -9 "$(vpoolctl vm list --noheadings -o PID)"
until_true 60 is_empty
agent 7 monitor
agent 0 start
agent 0 stop OCF_RESKEY_CRM_meta_timeout=4000
is 'a forced stop leaves nothing in the pool' "$(used $pool) $(members)" '0 0'
is 'no machine is left' "$(vpoolctl vm list --noheadings)$(ls "$dir/run/vm")" ''
try 0 destroy $pool

tap_end
