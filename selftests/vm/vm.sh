#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Virtual machines on pools, by vpoolctl vm: real guests under KVM, which write
# memory all the time and check it. Needs root, KVM, four CPUs and 512 MiB free.
#
# VPOOL_KERNEL_IMAGE is the kernel that the guests boot, the one that runs here:
# its modules are in /lib/modules. VPOOL_VM_ROUNDS is how often one is started and
# stopped, 5 unless told.

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
export VPOOL_RUN_DIR=$dir/run
kvm=/sys/kernel/debug/kvm
rounds=${VPOOL_VM_ROUNDS:-5}
out='' err=''

# shellcheck disable=SC2317 # the trap calls it
clean_up() {
	local vm

	for vm in "$dir"/run/vm/*/; do
		[ -d "$vm" ] && vpoolctl vm stop --force "$(basename "$vm")"
	done
	vpoolctl destroy --force vm-a vm-b vm-mem
	[ ! -e /dev/kvm.away ] || mv /dev/kvm.away /dev/kvm
	put_hints_back
	rm -r "$dir"
} > /dev/null 2>&1
trap clean_up EXIT

# refused NAME PATTERN ARGUMENT...: vm start says so, and leaves nothing
refused() {
	local name=$1 pattern=$2

	shift 2
	vpoolctl vm start "$@" > "$dir/out" 2> "$dir/err"
	is "$name: refused" "$?" 1
	err=$(cat "$dir/err")
	says_next "$name"
	like "$name: message" "$err" "vpoolctl: vm start $pattern*"
}

# One that does not answer soon, as on a host that stood still, is asked again.
listed() {
	local i list

	for ((i = 0; i < 30; i++)); do
		list=$(vpoolctl vm list --noheadings -o "$1")
		[[ $list == *busy* ]] || break
	done
	[ -z "$list" ] || echo "$list" | tr -s ' ' ' ' | sed 's/ *$//'
}
pid_of() { listed NAME,PID | sed -n "s/^ *$1 //p"; }
is_listed() { [ "$(listed NAME | grep -cx "$1")" = "$2" ]; }

# A disk in a process of its own: QEMU passes it the memory, and it maps it.
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

# What the host has free, in KiB: MemFree without what caches hold, and with what
# the kernel keeps at hand for each CPU, which may be all that a pool just gave back.
mem_free() {
	sync
	echo 3 > /proc/sys/vm/drop_caches
	awk '/^MemFree:/ { kib += $2 } $1 == "count:" { kib += $2 * 4 } END { print kib }' \
		/proc/meminfo /proc/zoneinfo
}

kernel=(--kernel "$VPOOL_KERNEL_IMAGE" --initrd "$dir/guest.cpio"
	--append 'console=ttyS0 quiet MB=16')
boot=(--mem 144M "${kernel[@]}")

section() { echo "# $SECONDS s: $*"; }

stop_hints
make_initrd
before=$(mem_free)

# In short: on the checking kernel a guest would take too long to boot, and on 6.1 all
# is done only where there is time.

case ${VPOOL_KERNEL:-}-${VPOOL_LONG:+long} in
debug-* | 6.1-)
	try 0 create vm-a --cpus 2-3 --mem 160M
	try 0 create vm-b --cpus 1 --mem 160M
	try 0 vm start one --pool vm-a "${boot[@]}"
	try 0 vm migrate one --to vm-b --timeout 600 --downtime 5
	is 'it is in the new pool' "$(listed NAME,POOL,STATE)" 'one vm-b running'
	is 'the old one has all back' "$(used vm-a)" 0
	kill -9 "$(pid_of one)"
	until_true 60 all_back vm-b
	is 'a killed one leaves nothing in use' "$(used vm-b)" 0
	try 0 vm start two --pool vm-a "${boot[@]}"
	try 0 vm stop two --force
	is 'nor does one that is stopped' "$(used vm-a) $(dedicated vm-a)" '0 '
	try 0 destroy vm-a vm-b
	tap_end
	;;
esac

section 'the first steps that vpoolctl prints'

# What it prints without arguments, with what this machine has of memory and images.
# shellcheck disable=SC2312
step() {
	local words

	read -ra words <<< "$1"
	words=("${words[@]/#1G/160M}")
	if [ "${words[0]}" = vm ] && [ "${words[1]}" = start ]; then
		words=("${words[@]:0:5}" "${boot[@]}")
	fi
	[ -n "$cpusets" ] || words=("${words[@]/--isolate/}")
	# A guest that does not know a power button.
	[ "${words[1]}" != stop ] || words+=(--force)
	try 0 "${words[@]}"
}
cpusets=$(grep -rsw cpuset "$(awk '$3 == "cgroup2" { print $2; exit }' \
	/proc/self/mounts)/cgroup.controllers")
mapfile -t steps < <(vpoolctl 2>&1 | sed -n 's/^    vpoolctl \(.*[^ ]\) *# .*/\1/p')
is 'there are some' "$((${#steps[@]} > 5))" 1
for line in "${steps[@]}"; do
	step "$line"
	case $line in
	'vm list') like 'the machine is on the pool' "$out" '*shop*web*running*' ;;
	audit*) like 'its CPUs are looked at' "$out" 'KIND *' ;;
	esac
done
is 'and nothing is left' "$(vpoolctl list)$(vpoolctl vm list)" ''

section 'two at once, in two pools'

try 0 create vm-a --cpus 2-3 --mem 160M
try 0 create vm-b --cpus 1 --mem 160M
try 0 vm start one --pool vm-a "${boot[@]}" --console "$dir/one"
like 'it says where, and how long it took' "$out" \
	'started one on pool vm-a: 144M of memory, 1 vCPU with CPU [23] to itself; process [0-9]*QEMU * ms, memory * ms, devices * ms, first instruction * ms'
echo "# $out" | tail -n 1
start_backend
try 0 vm start two --pool vm-b "${boot[@]}" --console "$dir/two" -- \
	-chardev "socket,id=disk,path=$dir/disk.socket" \
	-device vhost-user-blk-pci,chardev=disk
like 'a pool of one CPU is shared' "$out" '*1 vCPU, one that shares; *'
is 'its memory is the pool'\''s' "$(used vm-a)" $((144 << 20))
like 'its vCPU has a CPU to itself' "$(dedicated vm-a)" '[23]'
is 'QEMU has it by huge pages only' "$(huge_and_size "$(pid_of one)")" \
	"$((144 << 10)) of $((144 << 10)) kB"
is 'both are listed' "$(listed NAME,POOL,STATE,VCPUS,MEMORY)" \
	"one vm-a running 1 144M
two vm-b running 1 144M"
is 'with where the vCPU sits' "$(listed NAME,CPUS | head -n 1)" \
	"one $(dedicated vm-a)"
try 0 vm list -J
VALIDATE=$here/../userspace/tests/validate.py schema vm_list
try 1 vm start one --pool vm-b "${boot[@]}"
like 'a name is taken once' "$err" '*there is a virtual machine of that name already*'
if [ "$(listed NAME | wc -l)" -ne 2 ]; then
	echo '# without them nothing of the rest can be'
	tap_end
fi
section 'waiting for the guests'
until_true 240 is_up one
like 'the first guest is up' "$(round one)" '[0-9]*'
until_true 120 is_up two
like 'the second guest is up' "$(round two)" '[0-9]*'
like 'KVM maps them by pages of 2 MiB' "$(cat "$kvm/pages_2m")" '[1-9]*'
echo "# KVM has $(cat "$kvm/pages_2m") of 2 MiB and $(cat "$kvm/pages_4k") of 4 KiB"

is 'a vhost-user disk reaches the memory' \
	"$(sed -n 's/^guest: disk \([0-9]*\).$/\1/p' "$dir/two")" 4711
like 'and has it mapped' "$(grep -c /dev/vpool/vm-b "/proc/$backend/maps")" '[1-9]*'

section 'pause, resume, kill'

try 0 vm pause two
is 'it is paused' "$(listed NAME,STATE | tail -n 1)" 'two paused'
sleep 1
at=$(round two)
sleep 2
is 'and does nothing' "$(round two)" "$at"
try 0 vm resume two
until_true 60 is_beyond two "$at"
is 'it runs on' "$?" 0
kill -9 "$(pid_of two)"
until_true 60 all_back vm-b
is 'a killed one leaves nothing in use' "$(used vm-b)" 0
is 'and is not listed' "$(listed NAME)" one
is 'nor has it a directory' "$(ls "$dir/run/vm")" one
kill "$backend"
wait "$backend"

section console

console_is_up() { [ -s "$dir/console.up" ]; }
(vpoolctl vm console one < /dev/null > "$dir/console.up") &
console=$!
until_true 60 console_is_up
try 1 vm console one
like 'a second one is told' "$err" \
	'vpoolctl: vm console one: another program has its console*'
kill "$(pgrep -P $console || echo $console)" 2> /dev/null
wait "$console"

section migrate

at=$(round one)
try 0 vm migrate one --to vm-b --downtime 1
like 'it says how long' "$out" \
	'migrated one to pool vm-b: stood still for *[0-9] ms, took *[0-9] ms in all; 144M back and zeroed in pool vm-a'
echo "# $out"
is 'the old pool has all back' \
	"$(cd $pools/vm-a && cat memory/used_bytes memory/scrubbing_bytes cpus/members cpus/dedicated)" \
	"$(printf '0\n0\n0\n')"
is 'it is in the new one' "$(listed NAME,POOL,STATE)" 'one vm-b running'
until_true 60 is_beyond one "$at"
is 'it runs on, and its memory is right' "$?" 0
try 1 vm migrate one --to vm-b
like 'not to where it is' "$err" "*it is on pool 'vm-b' already*"
try 1 vm migrate one --to vm-none
like 'not to what is not there' "$err" "*there is no pool 'vm-none'*"
try 0 create vm-mem --mem 4M
try 1 vm migrate one --to vm-mem
like 'not to where no CPU is' "$err" "*pool 'vm-mem' has no CPUs*"
try 0 destroy vm-mem

section 'a migration that fails in the middle'

# What it copies of the 16 MiB that the guest writes all the time keeps it busy for
# longer than any of this takes.
slowly=(--bandwidth 2M --downtime 0.001)

target_pid() { cat "$pools/vm-a/cpus/members" 2> /dev/null; }
has_target() { [ "$(target_pid)" -gt 0 ] 2> /dev/null; }
kill_target() {
	until_true 60 has_target
	sleep "$1"
	vpoolctl destroy --force vm-a
} > /dev/null 2>&1

kill_target 3 &
killer=$!
try 1 vm migrate one --to vm-a --timeout 60 "${slowly[@]}"
wait "$killer"
is 'its pool is gone' "$([ -e $pools/vm-a ] && echo there)" ''
is 'it is where it was' "$(listed NAME,POOL,STATE)" 'one vm-b running'
at=$(round one)
until_true 60 is_beyond one "$at"
is 'and runs on' "$?" 0
try 0 create vm-a --cpus 2-3 --mem 160M
try 1 vm migrate one --to vm-a --timeout 0.1 "${slowly[@]}"
like 'one that takes too long is called off' "$err" \
	"*not migrated, it runs on in pool 'vm-b': not done after 0.1 s*"
is 'and leaves nothing' "$(used vm-a) $(listed NAME,POOL,STATE)" \
	'0 one vm-b running'
vpoolctl vm migrate one --to vm-a --timeout 60 "${slowly[@]}" > /dev/null 2>&1 &
migration=$!
until_true 60 has_target
sleep 2
kill -9 "$migration"
wait "$migration" 2> /dev/null
until_true 60 is_listed one 1
is 'without its vpoolctl it is there once' "$(listed NAME,STATE)" 'one running'
is 'on one pool' "$(($(used vm-a) + $(used vm-b)))" $((144 << 20))
at=$(round one)
until_true 60 is_beyond one "$at"
is 'and still runs' "$?" 0

section stop

is 'its memory was right all the time' "$(grep -c WRONG "$dir/one")" 0
# A guest that stands still hears no power button.
try 0 vm pause one
try 0 vm stop one --timeout 120
like 'the guest shuts down' "$out" "one shut down; 144M back in pool vm-?"
is 'all is back' "$(used vm-a) $(used vm-b) $(dedicated vm-a)" '0 0 '
is 'nothing is left' "$(ls "$dir/run/vm")" ''
try 1 vm stop one
like 'it is no more' "$err" '*there is no such virtual machine*'

section "QEMU's arguments"

# All that is relative is so to where it was started, and a word is what it stands for.
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
is 'it migrates from another folder' "$(listed NAME,POOL,STATE)" 'args vm-b running'
is 'with the same words' \
	"$(words | sed "s,/args/1/,/args/0/,; s/^-incoming$/-S/" | sed '3{/^defer$/d}')" \
	"$(cat "$dir/words")"
is 'and the same folder' "$(readlink "/proc/$(pid_of args)/cwd")" "$dir/here"

section "QEMU's log"

pid=$(pid_of args)
kill -TERM "$pid"
until_true 60 all_back vm-b
is 'one that has ended is not listed' "$(listed NAME 2> "$dir/err")" ''
like 'where its log is' "$(cat "$dir/err")" "*args has ended by itself*$dir/run/log/args.log"
like 'it is there' "$(cat "$dir/run/log/args.log")" '*signal 15*'
try 1 vm stop args
like 'and a verb tells it, too' "$err" "*what its QEMU said is in $dir/run/log/args.log*"

section 'a QEMU that forks'

printf '#!/bin/sh\nqemu-system-x86_64 "$@"\n' > "$dir/forks"
chmod +x "$dir/forks"
# The child of a shell that becomes vpoolctl is not QEMU's.
# shellcheck disable=SC2016 # for the shell there
VPOOL_QEMU=$dir/forks bash -c 'sleep infinity & echo $! > "$1"; exec vpoolctl "${@:2}"' \
	bash "$dir/sleeper" vm start x --pool vm-a "${boot[@]}" > "$dir/out" 2> "$dir/err"
is 'it is refused' "$?" 1
like 'as it is in another process' "$(cat "$dir/err")" \
	'vpoolctl: vm start x: QEMU does not run in process *must exec it*'
until_true 60 all_back vm-a
is 'and it is gone' "$(used vm-a) $(cat $pools/vm-a/cpus/members)" '0 0'
kill "$(cat "$dir/sleeper")"
is 'but not what else the shell had started' "$?" 0
printf '#!/bin/sh\nexec qemu-system-x86_64 "$@" -daemonize\n' > "$dir/forks"
VPOOL_QEMU=$dir/forks refused 'a daemon' 'x: QEMU *' x --pool vm-a "${boot[@]}"
until_true 60 all_back vm-a
is 'and it is gone, too' "$(used vm-a) $(cat $pools/vm-a/cpus/members)" '0 0'

section 'a stop by force'

try 0 vm start deaf --pool vm-a "${boot[@]}"
try 1 vm stop deaf --timeout 0.1
like 'is told from one that was asked for' "$err" \
	'*deaf: it did not shut down in time and was stopped; 144M back in pool vm-a*'

section 'bad input'

refused 'no such pool' "x: there is no pool 'vm-none'" x --pool vm-none "${boot[@]}"
refused 'a pool too small' "x: pool 'vm-a' has 160M free, 1G was asked for*" \
	x --pool vm-a "${kernel[@]}" --mem 1G
refused 'too few CPUs' "x: 3 vCPUs were asked for, pool 'vm-a' has 2 CPUs" \
	x --pool vm-a --vcpus 3 "${boot[@]}"
vpoolctl create vm-mem --mem 4M > /dev/null
refused 'no CPUs' "x: pool 'vm-mem' has no CPUs*" x --pool vm-mem --mem 4M --kernel "$VPOOL_KERNEL_IMAGE"
vpoolctl destroy vm-mem
refused 'no kernel' 'x: the kernel /nowhere: No such file*' x --pool vm-a --kernel /nowhere
refused 'what is no kernel' 'x: the kernel /etc/passwd: is no kernel*' x --pool vm-a --kernel /etc/passwd
refused 'a folder' 'x: the kernel /etc: is no file' x --pool vm-a --kernel /etc
refused 'no disk' 'x: the disk /nowhere: No such file*' x --pool vm-a --disk /nowhere
refused 'what is no qcow2' 'x: the disk /etc/passwd: is no qcow2 image' \
	x --pool vm-a --disk /etc/passwd,format=qcow2
refused 'what QEMU refuses' "x: QEMU has ended; it said:*nonsense*" \
	x --pool vm-a "${boot[@]}" -- -device nonsense
VPOOL_QEMU=/nowhere refused 'no QEMU' 'x: /nowhere is not there*install QEMU*' \
	x --pool vm-a "${boot[@]}"
printf '#!/bin/sh\necho QEMU emulator version 5.2.0\n' > "$dir/old"
chmod +x "$dir/old"
VPOOL_QEMU=$dir/old refused 'an old QEMU' 'x: * is QEMU 5.2; it takes 7.2 or newer' \
	x --pool vm-a "${boot[@]}"
mv /dev/kvm /dev/kvm.away
refused 'no KVM' 'x: there is no KVM here*--accel tcg*' x --pool vm-a "${boot[@]}"
try 0 vm start soft --pool vm-a --accel tcg "${boot[@]}"
mv /dev/kvm.away /dev/kvm
try 0 vm stop soft --force
is 'nothing is left of all that' "$(ls "$dir/run/vm"; used vm-a; listed NAME)" 0

section 'a vpoolctl that dies'

# Its disk does not answer: QEMU has its memory by then, and gets no further.
start_backend
kill -STOP "$backend"
vpoolctl vm start half --pool vm-a "${boot[@]}" -- \
	-chardev "socket,id=disk,path=$dir/disk.socket" \
	-device vhost-user-blk-pci,chardev=disk > /dev/null 2>&1 &
half=$!
has_memory() { [ "$(used vm-a)" -gt 0 ]; }
until_true 60 has_memory
is 'it has begun' "$?" 0
kill -9 "$half"
wait "$half" 2> /dev/null
until_true 60 all_back vm-a
is 'one that was half started has nothing' "$(used vm-a)" 0
is 'nor is it listed' "$(listed NAME; ls "$dir/run/vm")" ''
kill -9 "$backend"
wait "$backend" 2> /dev/null

section 'NUMA nodes'

if [ -e /sys/devices/system/node/node1 ]; then
	try 0 destroy vm-a vm-b
	try 0 create vm-a --cpus 1-2 --mem 80M@0,80M@1
	try 0 vm start both --pool vm-a --vcpus 2 "${boot[@]}"
	is 'its memory is half on each node' \
		"$(cat $pools/vm-a/memory/node[01]/used_bytes)" \
		"$(printf '%s\n' $((72 << 20)) $((72 << 20)))"
	try 0 vm stop both --force
fi

section 'QEMU by hand'

vpoolctl run vm-a -- qemu-system-x86_64 -accel kvm -m 64M -S -nodefaults -display none \
	-object memory-backend-file,id=ram,size=64M,mem-path=/dev/vpool/vm-a,share=on,align=2M,prealloc=on \
	-machine q35,memory-backend=ram > /dev/null &
qemu=$!
maps_all() { [ "$(huge_and_size "$qemu")" = '65536 of 65536 kB' ]; }
until_true 60 maps_all
is 'QEMU by hand has it by huge pages only' "$(huge_and_size "$qemu")" '65536 of 65536 kB'
kill "$qemu"
wait "$qemu"
until_true 60 all_back vm-a
is 'and gives it back' "$(used vm-a)" 0

section 'over and over'

bad=0
flat=$(mem_free)
for ((i = 0; i < rounds; i++)); do
	vpoolctl vm start again --pool vm-a "${boot[@]}" > /dev/null || bad=1
	vpoolctl vm stop --force again > /dev/null || bad=1
	all_back vm-a || bad=1
done
is "$rounds times started and stopped" "$bad" 0
after=$(mem_free)
echo "# free: $flat kB before them, $after kB after"
is 'the host has as much free as before them' "$((after > flat - (4 << 10)))" 1
vpoolctl destroy vm-b > /dev/null 2>&1
try 0 destroy vm-a
after=$(mem_free)
# The first guest that a host runs leaves some 28 MiB with KVM.
echo "# free: $before kB at the start, $after kB at the end"
is 'and its pools'\'' memory back' "$((after > before - (40 << 10)))" 1

tap_end
