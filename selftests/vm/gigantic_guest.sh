#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Test a guest in a pool with pages of 1 GiB: how KVM maps it, and its migration to and
# from a pool with huge pages. Needs root, KVM, four CPUs and 6 GiB.

here=$(dirname "$(readlink -f "$0")")
build=${OUTPUT:-$(readlink -f "$here/../../build/selftests")}
# shellcheck source=selftests/lib/require.sh
. "$here/../lib/require.sh"
# shellcheck source=/dev/null
. "$here/../../userspace/tests/tap.sh"
# shellcheck source=selftests/vm/guest.sh
. "$here/guest.sh"

need_guest
grep -qw $((1 << 30)) /sys/kernel/vpool/page_sizes ||
	skip 'no pages of 1 GiB on this kernel'

export LC_ALL=C
dir=$(mktemp -d) || exit 1
export VPOOL_RUN_DIR=$dir/run
# The first page of 1 GiB has holes, for the VGA and for firmware, so KVM splits it.
bytes=$((2 << 30))
kvm=/sys/kernel/debug/kvm
# shellcheck disable=SC2034 # try sets them
out='' err=''

# shellcheck disable=SC2317 # the trap calls it
clean_up() {
	vpoolctl vm stop --force guest
	vpoolctl destroy --force vm-1g vm-2m
	rm -r "$dir"
} > /dev/null 2>&1
trap clean_up EXIT

pages_1g() { cat "$kvm/pages_1g"; }
goes_on() { is_beyond console "$(($1 + 2))"; }

# shellcheck disable=SC2119 # it needs no more modules
make_initrd
echo 3 > /proc/sys/vm/drop_caches
err=$(vpoolctl create vm-1g --cpus 2 --page-size 1G --mem 2G 2>&1 > /dev/null)
[[ $err != *'largest free block'* ]] || skip 'the host has no free block of 1 GiB'
is 'a pool with a page of 1 GiB' "$err" ''
try 0 create vm-2m --cpus 3 --mem 2G --page-size 2M
try 0 vm start guest --pool vm-1g --mem 2G --kernel "$VPOOL_KERNEL_IMAGE" \
	--initrd "$dir/guest.cpio" --append 'console=ttyS0 quiet MB=16' \
	--console "$dir/console"
until_true 240 is_up console
is 'the guest is up' "$?" 0
is 'its memory is that of the pool' "$(used vm-1g)" "$bytes"
if grep -qw pdpe1gb /proc/cpuinfo; then
	is 'KVM maps it with entries of 1 GiB' "$(($(pages_1g) > 0))" 1
else
	tap_result yes 'KVM maps it with entries of 1 GiB # SKIP the CPU has none'
fi
try 0 vm migrate guest --to vm-2m --timeout 300 --downtime 5
is 'the machine is in the pool with huge pages' "$(used vm-1g) $(used vm-2m)" "0 $bytes"
last=$(last_iteration console)
until_true 120 goes_on "$last"
is 'the guest goes on there' "$?" 0
try 0 vm migrate guest --to vm-1g --timeout 300 --downtime 5
is 'the machine is back' "$(used vm-1g) $(used vm-2m)" "$bytes 0"
last=$(last_iteration console)
until_true 120 goes_on "$last"
is 'the guest goes on there' "$?" 0
is 'the guest found no corrupt memory' "$(grep -c WRONG "$dir/console")" 0
try 0 vm stop guest --force
until_true 60 all_back vm-1g
is 'the stopped machine leaves no memory in use' "$(used vm-1g)" 0
try 0 destroy vm-1g vm-2m
tap_end
