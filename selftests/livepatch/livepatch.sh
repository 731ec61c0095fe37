#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Replace functions of vpool by a livepatch while a guest runs on a pool, and refuse the
# livepatch for another version. Needs root, KVM, four CPUs and 512 MiB free, and
# tools/livepatch/example.c built for the running kernel by `make livepatch`.
#
# VPOOL_KERNEL_IMAGE is the kernel for the guest, as for vm.sh. VPOOL_KO names the module
# to load again.

here=$(dirname "$(readlink -f "$0")")
build=${OUTPUT:-$(readlink -f "$here/../../build/selftests")}
# shellcheck source=selftests/lib/require.sh
. "$here/../lib/require.sh"
# shellcheck source=/dev/null
. "$here/../../userspace/tests/tap.sh"
# shellcheck source=selftests/vm/guest.sh
. "$here/../vm/guest.sh"

name=vpool_livepatch_example
fix=$here/../../build/$(uname -r)+livepatch/$name.ko
klp=/sys/kernel/livepatch/$name

need_guest
[ -d /sys/kernel/livepatch ] || skip 'the kernel has no CONFIG_LIVEPATCH'
[ -e "${VPOOL_KO:-}" ] || skip 'VPOOL_KO names no module to load again'
[ -e "$fix" ] || skip "make livepatch FIX=tools/livepatch/example.c has not built $fix"

export LC_ALL=C
dir=$(mktemp -d) || exit 1
export VPOOL_RUN_DIR=$dir/run

transition_is_over() { [ "$(cat "$klp/transition" 2> /dev/null)" = 0 ]; }
is_gone() { [ ! -e "$klp" ]; }

# Print the tasks that still use the old functions.
tell_waiting() {
	local file

	grep -lx 0 /proc/[0-9]*/task/*/patch_state 2> /dev/null | while read -r file; do
		echo "# the transition waits for $(cat "${file%/*}/comm")"
	done
}

# Put the old functions back and unload the livepatch.
remove_fix() {
	[ ! -e "$klp" ] || echo 0 > "$klp/enabled"
	until_true 90 is_gone && rmmod "$name"
}

# shellcheck disable=SC2317 # the trap calls it
clean_up() {
	vpoolctl vm stop --force one
	remove_fix
	[ -e /dev/vpool/control ] || insmod "$VPOOL_KO"
	vpoolctl destroy --force lp dot.
	restore_balancing
	rm -r "$dir"
} > /dev/null 2>&1
trap clean_up EXIT

# runs_on WHEN: check that the guest continues and has found no wrong memory.
runs_on() {
	local at

	at=$(last_iteration one)
	until_true 60 is_beyond one "$at"
	is "$1: the guest continues" "$?" 0
	is "$1: the guest's memory is right" "$(grep -c WRONG "$dir/one")" 0
}

# old_behaviour WHEN, new_behaviour WHEN: check which function creates pools.
old_behaviour() {
	vpoolctl create dot. --mem 2M > "$dir/out" 2>&1
	is "$1: the old function accepts the name" "$?" 0
	vpoolctl destroy dot.
}
new_behaviour() {
	is "$1: the new function refuses the name" \
		"$(vpoolctl create dot. --mem 2M 2>&1 | head -n 1)" \
		"vpoolctl: create dot.: a name must not end with a dot; there are $2 pools"
}

# load_fix WHEN: load the livepatch and wait until all tasks use it.
load_fix() {
	insmod "$fix"
	is "$1: the livepatch is loaded" "$?" 0
	until_true 5 transition_is_over || tell_waiting
	until_true 90 transition_is_over
	is "$1: all tasks use the new functions" "$(cat $klp/enabled $klp/transition)" \
		"$(printf '1\n0')"
}

section 'a guest on a pool'
stop_balancing
make_initrd
try 0 create lp --cpus 2-3 --mem 160M
try 0 vm start one --pool lp --mem 144M --kernel "$VPOOL_KERNEL_IMAGE" \
	--initrd "$dir/guest.cpio" --append 'console=ttyS0 quiet MB=16' \
	--console "$dir/one"
until_true 240 is_up one
runs_on before
old_behaviour before
# Only the srcversion differs. The length stays the same, so that files stay valid.
srcversion=$(modinfo -F srcversion "$VPOOL_KO")
sed "s/$srcversion/${srcversion//?/0}/" "$VPOOL_KO" > "$dir/vpool.ko"
upgrade=(upgrade --module "$dir/vpool.ko" --fallback "$VPOOL_KO")
try 1 "${upgrade[@]}"
# shellcheck disable=SC2154
like 'upgrade names the virtual machine' "$err" \
	'*upgrade lp: process * has a region of 144M: it is the virtual machine one;*'

section 'a livepatch for other sources'
sed "s/$srcversion/${srcversion//?/0}/" "$fix" > "$dir/$name.ko"
is 'another srcversion is in the livepatch' "$(cmp -s "$fix" "$dir/$name.ko"; echo $?)" 1
like 'a livepatch for another vpool is refused' "$(insmod "$dir/$name.ko" 2>&1)" \
	'*Invalid module format'
like 'the kernel log has the reason' "$(dmesg | grep "$name: made" | tail -n 1)" \
	"*$name: made for vpool * with srcversion ${srcversion//?/0}, not for vpool * with srcversion $srcversion"
is 'the refused livepatch is not loaded' "$(ls -d "$klp" "/sys/module/$name" 2> /dev/null)" ''
runs_on 'after a refusal'
old_behaviour 'after a refusal'

section 'the livepatch'
load_fix 'guest runs'
is 'the kernel has patched vpool' "$(cat "$klp/vpool/patched")" 1
new_behaviour 'guest runs' 1
runs_on patched
zeroed() { cat "/sys/module/$name/parameters/zeroed"; }
has_zeroed() { [ "$(zeroed)" -ge 2 ]; }
"$build/../userspace/examples/memory" lp
until_true 60 has_zeroed
is 'the scrubber, too, uses the new function' "$(($(zeroed) >= 2))" 1

section 'the old functions again'
remove_fix
is 'the livepatch is unloaded' "$?" 0
old_behaviour removed
runs_on removed

try 0 vm stop one --force
try 0 destroy lp

section 'vpool is loaded after the livepatch'
load_fix 'no guest'
try 1 "${upgrade[@]}"
like 'upgrade names the livepatch' "$err" "*upgrade: livepatch $name is applied*"
rmmod vpool
is 'the livepatch does not keep vpool loaded' "$?" 0
insmod "$VPOOL_KO"
is 'vpool is loaded again' "$?" 0
is 'the kernel has patched the new vpool' "$(cat "$klp/vpool/patched")" 1
new_behaviour 'loaded again' 0
rmmod vpool
remove_fix
insmod "$dir/$name.ko"
is 'without vpool, a livepatch for another version is loaded' "$?" 0
like 'vpool is refused while that livepatch is loaded' \
	"$(insmod "$VPOOL_KO" 2>&1)" '*Invalid module format'
until_true 90 transition_is_over
remove_fix
insmod "$VPOOL_KO"
is 'without that livepatch, vpool is loaded' "$?" 0
old_behaviour 'loaded without a livepatch'

tap_end
