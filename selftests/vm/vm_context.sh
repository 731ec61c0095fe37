#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Test that QEMU runs in the SELinux context of its machine, whose categories keep it from the
# files of other machines. Needs root, KVM, SELinux with the domain of selftests/lsm/guard.cil,
# four CPUs and 200 MiB free.
#
# VPOOL_KERNEL_IMAGE is the kernel for the guests, as in vm.sh.

here=$(dirname "$(readlink -f "$0")")
# shellcheck disable=SC2034 # guest.sh uses it
build=${OUTPUT:-$(readlink -f "$here/../../build/selftests")}
# shellcheck source=selftests/lib/require.sh
. "$here/../lib/require.sh"
# shellcheck source=/dev/null
. "$here/../../userspace/tests/tap.sh"
# shellcheck source=selftests/vm/guest.sh
. "$here/guest.sh"

need_guest
[ "$(cat /sys/fs/selinux/enforce 2> /dev/null)" = 1 ] || skip 'SELinux does not enforce a policy'

export LC_ALL=C
dir=$(mktemp -d) || exit 1
export VPOOL_RUN_DIR=$dir/run VPOOL_ETC_DIR=$dir/etc VPOOL_LOG_DIR=$dir/log
err=''
domain=system_u:system_r:guard_machine_t
# The kernel's domain, in which the tests run, may add no user.
user=daemon

# shellcheck disable=SC2317 # the trap calls it
clean_up() {
	stop_machines
	vpoolctl destroy --force con-a con-b
	chmod "$kvm_mode" /dev/kvm
	restore_balancing
	rm -r "$dir"
} > /dev/null 2>&1
trap clean_up EXIT

context_of() { tr -d '\0' < "/proc/$(pid_of "$1")/attr/current"; }
# refused NAME PATTERN ARGUMENT...: vm start must fail with a message like PATTERN
refused() {
	try 1 vm start "${@:3}"
	like "$1" "$err" "$2"
	is "$1: nothing is left" "$(ls "$dir/run/vm" 2> /dev/null) $(used con-a)" ' 0'
}

chmod 755 "$dir"
kvm_mode=$(stat -c %a /dev/kvm)
chmod 666 /dev/kvm
cp "$VPOOL_KERNEL_IMAGE" "$dir/kernel"
chmod 644 "$dir/kernel"
stop_balancing
for disk in one two; do
	truncate -s 1M "$dir/$disk"
	chown $user: "$dir/$disk"
done
chcon system_u:object_r:tmpfs_t:s0:c1,c2 "$dir/one"
chcon system_u:object_r:tmpfs_t:s0:c3,c4 "$dir/two"
try 0 create con-a --cpus 2-3 --mem 64M
try 0 create con-b --cpus 1 --mem 32M
# As udev would; the test VM has no udev.
chcon system_u:object_r:vpool_device_t:s0 /dev/vpool/*
machine=(--pool con-a --mem 32M --vcpus 1 --kernel "$dir/kernel" --user "$user")

section 'two machines of one user'

try 0 vm start one "${machine[@]}" --confine $domain:s0:c1,c2 --disk "$dir/one"
is 'QEMU runs in the context' "$(context_of one)" $domain:s0:c1,c2
is 'it is of the user' "$(stat -c %U "/proc/$(pid_of one)")" $user
like 'it cannot gain privileges' "$(cat "/proc/$(pid_of one)/status")" $'*NoNewPrivs:\t1*'
try 0 vm start two "${machine[@]}" --confine $domain:s0:c3,c4 --disk "$dir/two"
is 'another machine has other categories' "$(context_of two)" $domain:s0:c3,c4
like 'QEMU cannot open the disk of the other machine' "$("$here/hmp.py" "$dir/run/vm/one/0/qmp" \
	"drive_add 0 if=none,id=x,format=raw,file=$dir/two" 2>&1)" '*Permission denied*'
like 'the denial is in the log of the kernel' "$(dmesg)" '*avc: *denied*"two"*guard_machine_t:s0:c1,c2*'
like 'it still opens its own disk' "$("$here/hmp.py" "$dir/run/vm/one/0/qmp" \
	"drive_add 0 if=none,id=w,format=raw,readonly=on,file.locking=off,file.filename=$dir/one" 2>&1)" \
	'OK*'
try 0 vm stop two --force
try 0 vm migrate one --to con-b --downtime 5 --timeout 500
is 'a migration keeps the context' "$(context_of one)" $domain:s0:c1,c2
try 0 vm stop one --force

section 'a QEMU of root'

# The domain lacks CAP_DAC_OVERRIDE.
chown root: "$dir/one"
try 0 vm start one "${machine[@]/$user/root}" --confine $domain:s0:c1,c2 --disk "$dir/one"
is 'it runs in the context, too' "$(context_of one)" $domain:s0:c1,c2
try 0 vm stop one --force

section refusals

chown $user: "$dir/one"
refused 'a label that does not fit' '*one: *Permission denied*' one "${machine[@]}" \
	--confine $domain:s0:c3,c4 --disk "$dir/one"
refused 'no such type' \
	'*QEMU cannot run in the SELinux context a_u:b_r:c_t: the policy of this host has no such context*' \
	one "${machine[@]}" --confine a_u:b_r:c_t
refused 'a domain that vpoolctl may not enter' '*SELinux*' one "${machine[@]}" \
	--confine system_u:system_r:guard_closed_t:s0
refused 'a profile of AppArmor' '*AppArmor is not enabled on this host*' one "${machine[@]}" \
	--confine yes

tap_end
