#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Test QEMU with memory-backend-file on files of a pool, as described in
# Documentation/programs.rst: in a directory, by name, by descriptor, on chosen NUMA
# nodes, after a restart, and with a Linux guest that continues in another QEMU. Needs root
# and QEMU; the guest needs KVM.

here=$(dirname "$(readlink -f "$0")")
build=${OUTPUT:-$(readlink -f "$here/../../build/selftests")}
# shellcheck source=selftests/lib/require.sh
. "$here/../lib/require.sh"
# shellcheck source=/dev/null
. "$here/../../userspace/tests/tap.sh"
# shellcheck source=selftests/vm/guest.sh
. "$here/guest.sh"

command -v qemu-system-x86_64 > /dev/null || skip 'no qemu-system-x86_64 here'

export LC_ALL=C
dir=$(mktemp -d) || exit 1
mnt=$dir/mnt
pool=qemu
# A command that starts QEMU with more descriptors.
with_file=()
declare -A pids

# shellcheck disable=SC2317 # the trap calls it
clean_up() {
	local name

	for name in "${!pids[@]}"; do
		kill -9 "${pids[$name]}"
	done
	wait
	umount "$mnt"
	vpoolctl destroy --force $pool
	restore_balancing
	rm -r "$dir"
} > /dev/null 2>&1
trap clean_up EXIT

# mount_as [OPTION]: mount the pool, instead of an earlier mount.
mount_as() {
	! mountpoint -q "$mnt" || umount "$mnt"
	mount -t vpool -o "pool=$pool$1" none "$mnt"
}

hmp() {
	local name=$1

	shift
	"$here/hmp.py" "$dir/$name.qmp" "$@"
}
answers() { hmp "$1" 'info status' > /dev/null 2>&1; }

# start NAME ARGUMENT...: start QEMU with stopped CPUs, and wait until it answers or has
# ended. Its messages go to $dir/NAME.err.
start() {
	local name=$1

	shift
	"${with_file[@]}" qemu-system-x86_64 -nodefaults -display none -no-user-config -S \
		-qmp "unix:$dir/$name.qmp,server=on,wait=off" "$@" \
		2> "$dir/$name.err" < /dev/null &
	pids[$name]=$!
	until_true 60 answers_or_ended "$name"
	answers "$name"
}
answers_or_ended() { answers "$1" || ! kill -0 "${pids[$1]}" 2> /dev/null; }

# stop NAME: let QEMU end, and print its exit status.
stop() {
	hmp "$1" quit > /dev/null 2>&1
	wait "${pids[$1]}"
	unset "pids[$1]"
}

# backend ID MIB PATH [PROPERTY]: print a memory backend.
backend() {
	echo "memory-backend-file,id=$1,size=$2M,mem-path=$3,share=on,prealloc=on${4:-}"
}

# started NAME RESULT: check that QEMU has started, and print its messages if not.
started() {
	is "$1" "$2" 0
	[ "$2" = 0 ] || sed 's/^/# /' "$dir"/*.err
}

has_used() { [ "$(used $pool)" = "$1" ]; }

stop_balancing
mkdir "$mnt"
nodes=$(echo /sys/devices/system/node/node[0-9]* | wc -w)
if [ "$nodes" -gt 1 ]; then
	try 0 create $pool --mem 112M@0,112M@1
else
	try 0 create $pool --mem 224M
fi

section 'a directory'

mount_as ''
start one -m 64M -machine q35,memory-backend=r \
	-object "$(backend r 64 "$mnt" ,align=2M,prealloc-threads=4)"
started 'QEMU starts with a directory and four threads that touch the memory' $?
is 'its memory is the pool'\''s' "$(used $pool)" $((64 << 20))
is 'QEMU maps the memory only with huge pages' \
	"$(huge_and_size "${pids[one]}" "$mnt")" "$((64 << 10)) of $((64 << 10)) kB"
is 'the file has no name' "$(ls "$mnt")" ''
is 'df shows what is left' "$(df --output=used -B1M "$mnt" | tail -n 1 | tr -d ' ')" 64
stop one
until_true 60 all_back $pool
is 'the end of QEMU returns the memory' "$(used $pool)" 0

mount_as ,f_type=hugetlbfs
start one -m 64M -machine q35,memory-backend=r -object "$(backend r 64 "$mnt")"
started 'QEMU starts on a mount with f_type=hugetlbfs' $?
is 'it maps the memory only with huge pages, without align=2M' \
	"$(huge_and_size "${pids[one]}" "$mnt")" "$((64 << 10)) of $((64 << 10)) kB"
stop one

section 'what fails'

mount_as ''
start one -m 64M -machine q35,memory-backend=r \
	-object "memory-backend-file,id=r,size=64M,mem-path=$mnt,share=off,align=2M"
is 'QEMU does not start with share=off' $? 1
like 'it says that it cannot map' "$(cat "$dir/one.err")" \
	'*unable to map backing store for guest RAM: Invalid argument*'
wait "${pids[one]}"
start one -m 512M -machine q35,memory-backend=r -object "$(backend r 512 "$mnt" ,align=2M)"
is 'QEMU does not start with more memory than the pool has' $? 1
like 'ftruncate fails' "$(cat "$dir/one.err")" '*ftruncate: No space left on device*'
sed 's/^/# /' "$dir/one.err"
wait "${pids[one]}"
unset 'pids[one]'
until_true 60 all_back $pool
is 'QEMU keeps nothing' "$(used $pool)$(ls "$mnt")" 0

section 'several backends, one by descriptor'

machine=(-m 96M -smp 3 -machine q35)
for node in a:0 b:1 c:2; do
	machine+=(-numa "node,memdev=${node%:*},cpus=${node#*:}")
done
on_0='' on_1=''
if [ "$nodes" -gt 1 ]; then
	on_0=,host-nodes=0,policy=bind
	on_1=,host-nodes=1,policy=bind
fi
# Descriptor 9 is a file of VPOOL_FILE.
with_file=("$build/with_file" "/dev/vpool/$pool")
start many "${machine[@]}" \
	-object "$(backend a 32 "$mnt/a" "$on_0,align=2M")" \
	-object "$(backend b 32 "$mnt/b" "$on_1,align=2M")" \
	-object "$(backend c 32 /proc/self/fd/9 ,align=2M)"
started 'QEMU starts with two named files and a descriptor' $?

# on_nodes PATH: print the nodes on which the many backends have the pages of this file.
on_nodes() {
	grep -F " file=$1 " "/proc/${pids[many]}/numa_maps" | grep -o '\bN[0-9]*=' | tr -d '=\n'
}
if [ "$nodes" -gt 1 ]; then
	is 'host-nodes=0 takes memory of node 0' "$(on_nodes "$mnt/a")" N0
	is 'host-nodes=1 takes memory of node 1' "$(on_nodes "$mnt/b")" N1
	like 'the policy is in numa_maps' "$(grep -F "$mnt/b" "/proc/${pids[many]}/numa_maps")" \
		'* bind:1 *'
else
	tap_result yes 'host-nodes # SKIP the host has one NUMA node'
fi
like 'the descriptor'\''s file is mapped' "$(cat "/proc/${pids[many]}/maps")" \
	"*/vpool:$pool (deleted)*"
is 'all three have memory of the pool' "$(used $pool)" $((96 << 20))
is 'the named files stay, with the memory of each' \
	"$(cd "$mnt" && stat -c '%n %s' a b)" \
	"$(printf '%s %d\n' a $((32 << 20)) b $((32 << 20)))"
start fdset -machine none -add-fd fd=9,set=1 \
	-object "$(backend c 32 /dev/fdset/1 ,align=2M)"
is 'QEMU does not take /dev/fdset/1 for memory' $? 1
like 'it takes it for a path' "$(cat "$dir/fdset.err")" \
	"*can't open backing store /dev/fdset/1 for guest RAM: No such file or directory*"
wait "${pids[fdset]}"
unset 'pids[fdset]'
with_file=()
stop many
until_true 60 has_used $((64 << 20))
is 'the named files keep their memory' "$(used $pool)" $((64 << 20))
rm "$mnt/a" "$mnt/b"
until_true 60 all_back $pool
is 'unlink returns it' "$(used $pool)" 0

section 'a machine that starts again from its file'

named=(-m 64M -machine 'q35,memory-backend=r' -object "$(backend r 64 "$mnt/ram" ,align=2M)")
start first "${named[@]}" -device loader,addr=0x100000,data=0x1122334455667788,data-len=8
started 'QEMU starts with a named file' $?
# word NAME: print the eight bytes of guest memory at 1 MiB.
word() { hmp "$1" 'xp /1gx 0x100000' | sed 's/^[0-9a-f]*: *//'; }
is 'the guest has data' "$(word first)" 0x1122334455667788
is 'read(2) has the same' \
	"$(od -An -tx8 -j 1048576 -N 8 "$mnt/ram" | tr -d ' ')" 1122334455667788
stop first
start second "${named[@]}"
started 'QEMU starts with the same file' $?
is 'its guest has the data' "$(word second)" 0x1122334455667788
stop second
rm "$mnt/ram"

section 'a guest that continues in another QEMU'

if [ ! -e /dev/kvm ] || [ ! -r "${VPOOL_KERNEL_IMAGE:-}" ]; then
	tap_result yes 'x-ignore-shared # SKIP no /dev/kvm or no VPOOL_KERNEL_IMAGE here'
	tap_end
fi
# shellcheck disable=SC2119 # it needs no more modules
make_initrd
guest=(-m 144M -machine 'q35,memory-backend=r,accel=kvm' -cpu host
	-object "$(backend r 144 "$mnt/guest" ,align=2M)"
	-kernel "$VPOOL_KERNEL_IMAGE" -initrd "$dir/guest.cpio"
	-append 'console=ttyS0 quiet MB=16')
is_done() { hmp source 'info migrate' | grep -q 'status: \(completed\|failed\)'; }
has_state() { hmp target 'info status' | grep -q 'status: paused$'; }

start source "${guest[@]}" -serial "file:$dir/before"
started 'QEMU starts' $?
hmp source cont
until_true 240 is_up before
like 'the guest is up' "$(last_iteration before)" '[0-9]*'
# The target starts with the devices as the source saved them, and with the memory as the
# source left it.
hmp source stop 'migrate_set_capability x-ignore-shared on' "migrate -d exec:cat>$dir/state"
until_true 120 is_done
like 'the source saves its state' "$(hmp source 'info migrate')" '*status: completed*'
is 'the state has less than a tenth of the memory' \
	"$(($(stat -c %s "$dir/state") < 14 << 20))" 1
echo "# the state has $(stat -c %s "$dir/state") bytes"
stop source
is 'the memory stays in the file' "$(used $pool)" $((144 << 20))
at=$(last_iteration before)
start target "${guest[@]}" -serial "file:$dir/after" -incoming defer
started 'QEMU starts again and waits for the state' $?
hmp target 'migrate_set_capability x-ignore-shared on' "migrate_incoming exec:cat<$dir/state"
until_true 60 has_state
hmp target cont
until_true 120 is_beyond after "$at"
is 'the guest continues' "$?" 0
is 'the guest finds no corrupt memory' "$(cat "$dir/before" "$dir/after" | grep -c WRONG)" 0
stop target
rm "$mnt/guest"
until_true 60 all_back $pool
is 'the pool has everything back' "$(used $pool)" 0
umount "$mnt"
try 0 destroy $pool

tap_end
