#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Test vpoolctl vm with Linux guests under KVM, which continuously write their memory and
# check it. Needs root, KVM, four CPUs and 512 MiB free.
#
# VPOOL_KERNEL_IMAGE is the kernel for the guests. It must be the running kernel,
# whose modules are in /lib/modules. VPOOL_VM_ITERATIONS is the number of virtual machines
# to start and stop at the end (default 2).

here=$(dirname "$(readlink -f "$0")")
build=${OUTPUT:-$(readlink -f "$here/../../build/selftests")}
# shellcheck source=selftests/lib/require.sh
. "$here/../lib/require.sh"
# shellcheck source=/dev/null
. "$here/../../userspace/tests/tap.sh"
# shellcheck source=selftests/vm/guest.sh
. "$here/guest.sh"

need_guest

export LC_ALL=C
dir=$(mktemp -d) || exit 1
export VALIDATE=$here/../../userspace/tests/validate.py
export VPOOL_RUN_DIR=$dir/run VPOOL_LOG_DIR=$dir/log
kvm=/sys/kernel/debug/kvm
iterations=${VPOOL_VM_ITERATIONS:-2}
out='' err=''

# shellcheck disable=SC2317 # the trap calls it
clean_up() {
	stop_machines
	vpoolctl destroy --force vm-a vm-b vm-mem
	[ ! -e /dev/kvm.away ] || mv /dev/kvm.away /dev/kvm
	restore_balancing
	rm -r "$dir"
} > /dev/null 2>&1
trap clean_up EXIT

# refused NAME PATTERN ARGUMENT...: vm start must fail with a message like PATTERN
refused() {
	local name=$1 pattern=$2

	shift 2
	vpoolctl vm start "$@" > "$dir/out" 2> "$dir/err"
	is "$name: refused" "$?" 1
	err=$(cat "$dir/err")
	says_next "$name"
	like "$name: message" "$err" "vpoolctl: vm start $pattern*"
}

is_listed() { [ "$(listed NAME | grep -cx "$1")" = "$2" ]; }

# Start a vhost-user disk: a process that maps the guest's memory through a descriptor
# from QEMU.
start_backend() {
	rm -f "$dir/disk.socket"
	printf '%-512s' 4711 > "$dir/disk"
	truncate -s 1M "$dir/disk"
	qemu-storage-daemon \
		--blockdev "driver=file,node-name=file,filename=$dir/disk" \
		--export "type=vhost-user-blk,id=disk,node-name=file,addr.type=unix,addr.path=$dir/disk.socket" &
	backend=$!
	until_true 60 test -S "$dir/disk.socket"
}

# Drop the caches and print the host's free memory in KiB, including the per-CPU page
# lists, which may hold all memory that a pool has just freed.
mem_free() {
	sync
	echo 3 > /proc/sys/vm/drop_caches
	awk '/^MemFree:/ { kib += $2 } $1 == "count:" { kib += $2 * 4 } END { print kib }' \
		/proc/meminfo /proc/zoneinfo
}

kernel=(--kernel "$VPOOL_KERNEL_IMAGE" --initrd "$dir/guest.cpio"
	--append 'console=ttyS0 quiet MB=16' --user root)
boot=(--mem 144M "${kernel[@]}")

stop_balancing
# shellcheck disable=SC2119 # it needs no more modules
make_initrd
before=$(mem_free)

# A short version: a guest boots too slowly on the debug kernel, and Linux 6.1 and 7.3 run
# the complete test only with VPOOL_LONG.

case ${VPOOL_KERNEL:-}-${VPOOL_LONG:+long} in
debug-* | 6.1- | 7.3-)
	try 0 create vm-a --cpus 2-3 --mem 160M
	try 0 create vm-b --cpus 1 --mem 160M
	try 0 vm start one --pool vm-a "${boot[@]}"
	try 0 vm migrate one --to vm-b --timeout 600 --downtime 5
	is 'the machine is in the new pool' "$(listed NAME,POOL,STATE)" 'one vm-b running'
	is 'the machine left no memory in the old pool' "$(used vm-a)" 0
	kill -9 "$(pid_of one)"
	until_true 60 all_back vm-b
	is 'a killed machine leaves no memory in use' "$(used vm-b)" 0
	try 0 vm start two --pool vm-a "${boot[@]}"
	try 0 vm stop two --force
	is 'a stopped machine leaves no memory in use' "$(used vm-a) $(dedicated vm-a)" '0 '
	try 0 destroy vm-a vm-b
	tap_end
	;;
esac

section 'the steps in the help of vpoolctl'

# step LINE: run a line of the help, with memory and images that exist here.
# shellcheck disable=SC2312
step() {
	local words

	read -ra words <<< "$1"
	words=("${words[@]/#1G/160M}")
	if [ "${words[0]}" = vm ] && [ "${words[1]}" = start ]; then
		words=("${words[@]:0:5}" "${boot[@]}")
	fi
	[ -n "$cpusets" ] || words=("${words[@]/--isolate/}")
	# The guest of that line ignores the power button.
	[ "${words[1]}" != stop ] || words+=(--force)
	try 0 "${words[@]}"
}
cpusets=$(grep -rsw cpuset "$(awk '$3 == "cgroup2" { print $2; exit }' \
	/proc/self/mounts)/cgroup.controllers")
mapfile -t steps < <(vpoolctl 2>&1 | sed -n 's/^    vpoolctl \(.*[^ ]\) *# .*/\1/p')
is 'the help has steps' "$((${#steps[@]} > 5))" 1
for line in "${steps[@]}"; do
	step "$line"
	case $line in
	'vm list') like 'the machine is on the pool' "$out" '*shop*web*running*' ;;
	audit*) like 'audit prints a table' "$out" 'KIND *' ;;
	esac
done
is 'the steps leave no pool and no machine' "$(vpoolctl list)$(vpoolctl vm list)" ''

section 'two machines in two pools'

try 0 create vm-a --cpus 2-3 --mem 160M
try 0 create vm-b --cpus 1 --mem 160M
try 0 vm start one --pool vm-a "${boot[@]}" --console "$dir/one"
like 'start reports the CPUs and the durations' "$out" \
	'started one on pool vm-a: 144M of memory, 1 vCPU with CPU [23] to itself; process [0-9]*QEMU * ms, memory * ms, devices * ms, first instruction * ms'
echo "# $out" | tail -n 1
start_backend
try 0 vm start two --pool vm-b "${boot[@]}" --console "$dir/two" -- \
	-chardev "socket,id=disk,path=$dir/disk.socket" \
	-device vhost-user-blk-pci,chardev=disk
like 'the vCPU of a pool of one CPU shares it' "$out" '*1 vCPU on a shared CPU; *'
is 'the machine'\''s memory is the pool'\''s' "$(used vm-a)" $((144 << 20))
like 'its vCPU has a dedicated CPU' "$(dedicated vm-a)" '[23]'
is 'QEMU maps the memory only with huge pages' "$(huge_and_size "$(pid_of one)")" \
	"$((144 << 10)) of $((144 << 10)) kB"
is 'both machines are listed' "$(listed NAME,POOL,STATE,VCPUS,MEMORY)" \
	"one vm-a running 1 144M
two vm-b running 1 144M"
is 'the list has the CPU of the vCPU' "$(listed NAME,CPUS | head -n 1)" \
	"one $(dedicated vm-a)"
try 0 vm list -J
schema vm_list
try 1 vm start one --pool vm-b "${boot[@]}"
like 'a second machine of the same name is refused' "$err" '*a virtual machine with this name exists*'
if [ "$(listed NAME | wc -l)" -ne 2 ]; then
	echo '# the remaining tests need both machines'
	tap_end
fi
section 'waiting for the guests'
until_true 240 is_up one
like 'the first guest is up' "$(last_iteration one)" '[0-9]*'
until_true 120 is_up two
like 'the second guest is up' "$(last_iteration two)" '[0-9]*'
like 'KVM maps the guests with pages of 2 MiB' "$(cat "$kvm/pages_2m")" '[1-9]*'
echo "# KVM has $(cat "$kvm/pages_2m") of 2 MiB and $(cat "$kvm/pages_4k") of 4 KiB"

is 'a vhost-user disk reaches the memory' \
	"$(sed -n 's/^guest: disk \([0-9]*\).$/\1/p' "$dir/two")" 4711
like 'the disk maps the pool' "$(grep -c /dev/vpool/vm-b "/proc/$backend/maps")" '[1-9]*'

section 'pause, resume, kill'

try 0 vm pause two
is 'the machine is paused' "$(listed NAME,STATE | tail -n 1)" 'two paused'
sleep 1
at=$(last_iteration two)
sleep 2
is 'a paused guest does nothing' "$(last_iteration two)" "$at"
try 0 vm resume two
until_true 60 is_beyond two "$at"
is 'the resumed guest continues' "$?" 0
kill -9 "$(pid_of two)"
until_true 60 all_back vm-b
is 'a killed machine leaves no memory in use' "$(used vm-b)" 0
is 'a killed machine is not listed' "$(listed NAME)" one
is 'a killed machine has no directory' "$(ls "$dir/run/vm")" one
kill "$backend"
wait "$backend"

section console

console_is_up() { [ -s "$dir/console.up" ]; }
(vpoolctl vm console one < /dev/null > "$dir/console.up") &
console=$!
until_true 60 console_is_up
try 1 vm console one
like 'a second console is refused' "$err" \
	'vpoolctl: vm console one: another program is connected to its console*'
kill "$(pgrep -P $console || echo $console)" 2> /dev/null
wait "$console"

section migrate

at=$(last_iteration one)
try 0 vm migrate one --to vm-b --downtime 5
like 'migrate reports the durations' "$out" \
	'migrated one to pool vm-b: downtime *[0-9] ms, total time *[0-9] ms; 144M back and zeroed in pool vm-a'
echo "# $out"
is 'the machine left nothing in the old pool' \
	"$(cd $pools/vm-a && cat memory/used_bytes memory/scrubbing_bytes cpus/members cpus/dedicated)" \
	"$(printf '0\n0\n0\n')"
is 'the machine runs in the new pool' "$(listed NAME,POOL,STATE)" 'one vm-b running'
until_true 60 is_beyond one "$at"
is 'the migrated guest continues with correct memory' "$?" 0
try 1 vm migrate one --to vm-b
like 'no migration to the same pool' "$err" "*it already runs on pool 'vm-b'*"
try 1 vm migrate one --to vm-none
like 'no migration to a missing pool' "$err" "*there is no pool 'vm-none'*"
try 0 create vm-mem --mem 4M
try 1 vm migrate one --to vm-mem
like 'no migration to a pool without CPUs' "$err" "*pool 'vm-mem' has no CPUs*"
try 0 destroy vm-mem

section 'a migration that fails in the middle'

# The guest writes 16 MiB all the time. Copying them keeps the migration busy for longer
# than these steps take.
slowly=(--bandwidth 2M --downtime 0.001)

target_pid() { cat "$pools/vm-a/cpus/members" 2> /dev/null; }
has_target() { [ "$(target_pid)" -gt 0 ] 2> /dev/null; }
destroy_target() {
	until_true 60 has_target
	sleep "$1"
	vpoolctl destroy --force vm-a
} > /dev/null 2>&1

destroy_target 3 &
killer=$!
try 1 vm migrate one --to vm-a --timeout 60 "${slowly[@]}"
wait "$killer"
is 'the target pool is gone' "$([ -e $pools/vm-a ] && echo there)" ''
is 'the machine is still in the old pool' "$(listed NAME,POOL,STATE)" 'one vm-b running'
at=$(last_iteration one)
until_true 60 is_beyond one "$at"
is 'the guest continues after the failure' "$?" 0
try 0 create vm-a --cpus 2-3 --mem 160M
try 1 vm migrate one --to vm-a --timeout 0.1 "${slowly[@]}"
like 'a migration that takes too long is cancelled' "$err" \
	"*not migrated, it still runs on pool 'vm-b': not done after 0.1 s*"
is 'the cancelled migration leaves no memory in use' "$(used vm-a) $(listed NAME,POOL,STATE)" \
	'0 one vm-b running'
vpoolctl vm migrate one --to vm-a --timeout 60 "${slowly[@]}" > /dev/null 2>&1 &
migration=$!
until_true 60 has_target
sleep 2
kill -9 "$migration"
wait "$migration" 2> /dev/null
until_true 60 is_listed one 1
is 'a killed vpoolctl leaves one machine' "$(listed NAME,STATE)" 'one running'
is 'the machine uses the memory of one pool' "$(($(used vm-a) + $(used vm-b)))" $((144 << 20))
at=$(last_iteration one)
until_true 60 is_beyond one "$at"
is 'the guest continues without vpoolctl' "$?" 0

section stop

is 'the guest found no corrupt memory' "$(grep -c WRONG "$dir/one")" 0
# A paused guest cannot see the power button: vm stop must resume it.
try 0 vm pause one
try 0 vm stop one --timeout 120
like 'the guest shuts down' "$out" "one shut down; 144M back in pool vm-?"
is 'the machine returned all memory and CPUs to the pools' "$(used vm-a) $(used vm-b) $(dedicated vm-a)" '0 0 '
is 'no directory is left' "$(ls "$dir/run/vm")" ''
try 1 vm stop one
like 'a stopped machine cannot be stopped again' "$err" 'vpoolctl: vm stop one: it does not run: vm stop: it shut down*'

section "QEMU's arguments"

# Relative paths start at the directory of vm start, and each argument reaches QEMU
# unchanged.
mkdir "$dir/here"
cd "$dir/here" || exit 1
ln -s "$VPOOL_KERNEL_IMAGE" kernel
truncate -s 1M vm:1.img other.img
try 0 vm start args --pool vm-a --mem 144M --kernel kernel --initrd ../guest.cpio \
	--append "${kernel[5]}" --disk vm:1.img -- -D defer \
	-drive if=none,id=other,file=other.img,format=raw -device virtio-blk-pci,drive=other
words() { tr '\0' '\n' < "/proc/$(pid_of args)/cmdline"; }
words > "$dir/words"
cd / || exit 1
try 0 vm migrate args --to vm-b --timeout 600 --downtime 5
is 'migration works from another folder' "$(listed NAME,POOL,STATE)" 'args vm-b running'
is 'QEMU has the same arguments' \
	"$(words | sed "s,/args/1/,/args/0/,; s/^-incoming$/-S/" | sed '3{/^defer$/d}')" \
	"$(cat "$dir/words")"
is 'QEMU has the same working folder' "$(readlink "/proc/$(pid_of args)/cwd")" "$dir/here"

section "QEMU's log"

pid=$(pid_of args)
kill -TERM "$pid"
until_true 60 all_back vm-b
is 'a machine that has ended is not listed' "$(listed NAME 2> "$dir/err")" ''
like 'the list names the log' "$(cat "$dir/err")" "*args ended unexpectedly*$dir/log/args.log"
like 'the log has the signal' "$(cat "$dir/log/args.log")" '*signal 15*'
try 1 vm stop args
like 'a verb names the log, too' "$err" "*its output is in $dir/log/args.log*"

section 'a QEMU that forks'

printf '#!/bin/sh\nqemu-system-x86_64 "$@"\n' > "$dir/forks"
chmod +x "$dir/forks"
# A child of the shell that executes vpoolctl does not belong to QEMU.
# shellcheck disable=SC2016 # the inner shell expands it
VPOOL_QEMU=$dir/forks bash -c 'sleep infinity & echo $! > "$1"; exec vpoolctl "${@:2}"' \
	bash "$dir/sleeper" vm start x --pool vm-a "${boot[@]}" > "$dir/out" 2> "$dir/err"
is 'a QEMU that forks is refused' "$?" 1
like 'the message names the process' "$(cat "$dir/err")" \
	'vpoolctl: vm start x: QEMU does not run in process *must exec QEMU*'
until_true 60 all_back vm-a
is 'the forked QEMU is gone' "$(used vm-a) $(cat $pools/vm-a/cpus/members)" '0 0'
kill "$(cat "$dir/sleeper")"
is 'the other child of the shell still runs' "$?" 0
printf '#!/bin/sh\nexec qemu-system-x86_64 "$@" -daemonize\n' > "$dir/forks"
VPOOL_QEMU=$dir/forks refused 'a daemon' 'x: QEMU *' x --pool vm-a "${boot[@]}"
until_true 60 all_back vm-a
is 'the daemon is gone, too' "$(used vm-a) $(cat $pools/vm-a/cpus/members)" '0 0'

section 'a forced stop'

try 0 vm start deaf --pool vm-a "${boot[@]}"
try 1 vm stop deaf --timeout 0.1
like 'vm stop reports the timeout' "$err" \
	'*deaf: it did not shut down in time and was stopped; 144M back in pool vm-a*'

section 'invalid input'

refused 'no such pool' "x: there is no pool 'vm-none'" x --pool vm-none "${boot[@]}"
refused 'a pool too small' "x: pool 'vm-a' has 160M free, but 1G is requested*" \
	x --pool vm-a "${kernel[@]}" --mem 1G
refused 'too few CPUs' "x: 3 vCPUs are requested, but pool 'vm-a' has 2 CPUs" \
	x --pool vm-a --vcpus 3 "${boot[@]}"
vpoolctl create vm-mem --mem 4M > /dev/null
refused 'no CPUs' "x: pool 'vm-mem' has no CPUs*" x --pool vm-mem --mem 4M --kernel "$VPOOL_KERNEL_IMAGE"
vpoolctl destroy vm-mem
refused 'no kernel' 'x: the kernel /nowhere: No such file*' x --pool vm-a --kernel /nowhere
refused 'not a kernel' 'x: the kernel /etc/passwd: not an x86 kernel*' x --pool vm-a --kernel /etc/passwd
refused 'a folder instead of a kernel' 'x: the kernel /etc: it is a directory' x --pool vm-a --kernel /etc
refused 'no disk' 'x: the disk /nowhere: No such file*' x --pool vm-a --disk /nowhere
refused 'not a qcow2 image' 'x: the disk /etc/passwd: the file is not a qcow2 image' \
	x --pool vm-a --disk /etc/passwd,format=qcow2
refused 'an argument that QEMU refuses' "x: QEMU has ended; its output:*nonsense*" \
	x --pool vm-a "${boot[@]}" -- -device nonsense
VPOOL_QEMU=/nowhere refused 'no QEMU' 'x: /nowhere does not exist*install QEMU*' \
	x --pool vm-a "${boot[@]}"
printf '#!/bin/sh\necho QEMU emulator version 5.2.0\n' > "$dir/old"
chmod +x "$dir/old"
VPOOL_QEMU=$dir/old refused 'an old QEMU' 'x: * is QEMU 5.2; 7.2 or newer is needed' \
	x --pool vm-a "${boot[@]}"
mv /dev/kvm /dev/kvm.away
refused 'no KVM' 'x: there is no KVM here*--accel tcg*' x --pool vm-a "${boot[@]}"
try 0 vm start soft --pool vm-a --accel tcg "${boot[@]}"
mv /dev/kvm.away /dev/kvm
try 0 vm stop soft --force
is 'the failed starts leave no machine and no memory in use' "$(ls "$dir/run/vm"; used vm-a; listed NAME)" 0

section 'a vpoolctl that is killed'

# The disk does not answer, so QEMU has its memory but does not start.
start_backend
kill -STOP "$backend"
vpoolctl vm start half --pool vm-a "${boot[@]}" -- \
	-chardev "socket,id=disk,path=$dir/disk.socket" \
	-device vhost-user-blk-pci,chardev=disk > /dev/null 2>&1 &
half=$!
has_memory() { [ "$(used vm-a)" -gt 0 ]; }
until_true 60 has_memory
is 'the start has begun' "$?" 0
kill -9 "$half"
wait "$half" 2> /dev/null
until_true 60 all_back vm-a
is 'an unfinished start leaves no memory in use' "$(used vm-a)" 0
is 'an unfinished start is not listed' "$(listed NAME; ls "$dir/run/vm")" ''
kill -9 "$backend"
wait "$backend" 2> /dev/null

section 'NUMA nodes'

if [ -e /sys/devices/system/node/node1 ]; then
	try 0 destroy vm-a vm-b
	try 0 create vm-a --cpus 1-2 --mem 80M@0,80M@1
	try 0 vm start both --pool vm-a --vcpus 2 "${boot[@]}"
	is 'half of the memory is on each node' \
		"$(cat $pools/vm-a/memory/node[01]/used_bytes)" \
		"$(printf '%s\n' $((72 << 20)) $((72 << 20)))"
	try 0 vm stop both --force
fi

section 'QEMU without vpoolctl vm'

vpoolctl run vm-a -- qemu-system-x86_64 -accel kvm -m 64M -S -nodefaults -display none \
	-object memory-backend-file,id=ram,size=64M,mem-path=/dev/vpool/vm-a,share=on,align=2M,prealloc=on \
	-machine q35,memory-backend=ram > /dev/null &
qemu=$!
maps_all() { [ "$(huge_and_size "$qemu")" = '65536 of 65536 kB' ]; }
until_true 60 maps_all
is 'QEMU maps a pool given as -object only with huge pages' "$(huge_and_size "$qemu")" '65536 of 65536 kB'
kill "$qemu"
wait "$qemu"
until_true 60 all_back vm-a
is 'QEMU returns the memory when it exits' "$(used vm-a)" 0

section 'many starts'

bad=0
flat=$(mem_free)
for ((i = 0; i < iterations; i++)); do
	vpoolctl vm start again --pool vm-a "${boot[@]}" > /dev/null || bad=1
	vpoolctl vm stop --force again > /dev/null || bad=1
	all_back vm-a || bad=1
done
is "$iterations times started and stopped" "$bad" 0
after=$(mem_free)
echo "# free: $flat kB before the starts, $after kB after"
is 'the host has as much free memory as before' "$((after > flat - (4 << 10)))" 1
vpoolctl destroy vm-b > /dev/null 2>&1
try 0 destroy vm-a
after=$(mem_free)
# KVM keeps about 28 MiB after the first guest of a host.
echo "# free: $before kB at the start, $after kB at the end"
is 'destroying the pools returned their memory to the host' "$((after > before - (40 << 10)))" 1

tap_end
