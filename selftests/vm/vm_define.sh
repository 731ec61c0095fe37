#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Test machines that are defined: their start, alone and at boot, their logs, and the reason
# for their end, with Linux guests under KVM. Needs root, KVM, four CPUs and 512 MiB free.
#
# VPOOL_KERNEL_IMAGE is the kernel for the guests, as in vm.sh.

here=$(dirname "$(readlink -f "$0")")
build=${OUTPUT:-$(readlink -f "$here/../../build/selftests")}
# shellcheck source=selftests/lib/require.sh
. "$here/../lib/require.sh"
# shellcheck source=/dev/null
. "$here/../../userspace/tests/tap.sh"
# shellcheck source=selftests/vm/guest.sh
. "$here/guest.sh"

need_guest
command -v python3 > /dev/null || skip 'no python3 here'

export LC_ALL=C
dir=$(mktemp -d) || exit 1
export VPOOL_RUN_DIR=$dir/run VPOOL_ETC_DIR=$dir/etc VPOOL_LOG_DIR=$dir/log
export VPOOL_JOURNAL_SOCKET=$dir/journal
out='' err=''

# shellcheck disable=SC2317 # the trap calls it
clean_up() {
	stop_machines
	[ -z "${journal:-}" ] || kill "$journal"
	umount "$dir/full"
	vpoolctl destroy --force def
	restore_balancing
	rm -r "$dir"
} > /dev/null 2>&1
trap clean_up EXIT

reason() { listed NAME,REASON -a | sed -n "s/^ *$1 //p" | sed 's/^-$//'; }
has_reason() { [ -n "$(reason "$1")" ]; }
last_log() { sed 's/^[^ ]* //' "$dir/log/$1.log" | tail -n "${2:-1}"; }
no_keeper() { ! pgrep -x vpool-keeper > /dev/null; }

# Receive what the journal would.
python3 - "$dir/journal" > "$dir/entries" <<-'END' &
	import os
	import socket
	import sys

	receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
	receiver.bind(sys.argv[1])
	while True:
	    os.write(1, receiver.recv(65536))
END
journal=$!
until_true 60 test -S "$dir/journal"

stop_balancing
make_initrd
try 0 create def --cpus 1-3 --mem 320M

section 'a defined machine'

options=(--pool def --mem 144M --kernel "$VPOOL_KERNEL_IMAGE" --initrd "$dir/guest.cpio"
	--append 'console=ttyS0 MB=16' --vcpus 1)
try 0 vm define shop "${options[@]}" --console "$dir/shop"
is 'it does not run yet' "$(listed NAME,POOL,STATE -a)" 'shop def off'
is 'the list without --all does not have it' "$(listed NAME)" ''
try 0 vm start shop
until_true 300 is_up shop
is 'its guest runs' "$?" 0
is 'it is listed once' "$(listed NAME,POOL,STATE -a)" 'shop def running'
like 'the log has the start' "$(cat "$dir/log/shop.log")" "*Z started: process $(pid_of shop)*"
pid=$(pid_of shop)
is 'a keeper watches it' "$(ps -o comm= -p "$(awk '$1 == "PPid:" { print $2 }' "/proc/$pid/status")")" \
	vpool-keeper
is 'the keeper is no member of the pool' "$(cat $pools/def/cpus/members)" \
	"$(find "/proc/$pid/task" -maxdepth 1 -mindepth 1 | wc -l)"
try 1 vm start shop
like 'it cannot start twice' "$err" '*a virtual machine with this name exists*'

section 'reset'

try 0 vm reset shop -n
try 0 vm reset shop
# What the guest wrote before the reset must be in the file by then.
sleep 1
: > "$dir/shop"
until_true 60 grep -q 'Linux version' "$dir/shop"
is 'the guest boots again' "$?" 0
is 'in the same QEMU' "$(pid_of shop)" "$pid"
try 0 vm stop shop --force
is 'vm stop --force is the reason' "$(reason shop)" 'vm stop: it was stopped'
# Without a message in the file, the guest is not ready for the power button.
: > "$dir/shop"
try 0 vm start shop
until_true 300 is_up shop

section 'ends'

try 0 vm stop shop --timeout 120
is 'vm stop is the reason' "$(reason shop)" 'vm stop: it shut down'
is 'the log has the reason that QEMU gave' "$(last_log shop)" 'ended: the guest shut down'
until_true 10 no_keeper
is 'the keeper has ended' "$?" 0
try 0 vm start shop
is 'a new start forgets the reason' "$(reason shop)" ''
kill -SEGV "$(pid_of shop)"
until_true 60 has_reason shop
is 'a crash is the reason' "$(reason shop)" 'QEMU was ended by signal 11 (Segmentation fault)'
is 'it is off' "$(listed NAME,STATE -a)" 'shop off'
is 'the log survives the crash' "$(last_log shop)" \
	'ended: QEMU was ended by signal 11 (Segmentation fault)'
try 1 vm stop shop
like 'a verb names the reason and the log' "$err" \
	"*it does not run: QEMU was ended by signal 11*$dir/log/shop.log*"
try 0 vm start shop --mem 160M
is 'an option replaces a property' "$(listed NAME,MEMORY)" 'shop 160M'
kill -TERM "$(pid_of shop)"
until_true 60 has_reason shop
is 'a signal is the reason' "$(reason shop)" 'QEMU was requested to end by a signal'
like "the log has QEMU's words" "$(cat "$dir/log/shop.log")" '*terminating on signal 15*'
like 'the journal has the same' "$(cat "$dir/entries")" \
	'*MESSAGE=shop: ended: QEMU was ended by signal 11*SYSLOG_IDENTIFIER=vpool-vm*VPOOL_VM=shop*terminating on signal 15*'
try 0 vm start shop
pid=$(pid_of shop)
kill -9 "$(awk '$1 == "PPid:" { print $2 }' "/proc/$pid/status")"
sleep 1
is 'a machine runs on without its keeper' "$(pid_of shop)" "$pid"
kill -9 "$pid"
until_true 60 has_reason shop
is 'the loss of both is the reason' "$(reason shop)" \
	'the QEMU and the vpoolctl that watches it were killed'
VPOOL_QEMU=$dir/none try 1 vm start shop
until_true 10 no_keeper
is 'a start that fails leaves no keeper' "$?" 0

section 'a full disk'

mkdir "$dir/full"
mount -t tmpfs -o size=64k none "$dir/full"
dd if=/dev/zero of="$dir/full/x" bs=4k 2> /dev/null
VPOOL_LOG_DIR=$dir/full try 0 vm start shop
like 'the log cannot be written' "$err" \
	"*its log $dir/full/shop.log cannot be written: No space left on device*"
is 'the machine runs' "$(listed NAME,STATE)" 'shop running'
kill -TERM "$(pid_of shop)"
until_true 60 has_reason shop
is 'the reason is known' "$(reason shop)" 'QEMU was requested to end by a signal'
like 'the journal knows of the full disk' "$(cat "$dir/entries")" \
	"*cannot write $dir/full/shop.log: No space left on device*"
is 'nothing is left on the disk' "$(cat "$dir/full/shop.log" 2> /dev/null)" ''
umount "$dir/full"

section 'autostart'

try 0 vm define early "${options[@]}" --autostart 3 --console "$dir/early"
try 0 vm define broken --pool missing --kernel /nowhere --autostart 2
try 0 vm autostart shop
: > "$dir/shop"
try 1 vm start --autostart
like 'the order is that of the places' "$(echo "$out" | grep -o '^started [a-z]*' | tr '\n' ' ')" \
	'started early started shop *'
like 'a machine that cannot start does not prevent the others' "$err" \
	'*vm start broken: the kernel /nowhere: No such file*'
try 0 vm undefine broken
try 0 vm start --autostart
is 'machines that run are left alone' "$out" ''
is 'the list has the places' "$(listed NAME,AUTOSTART | tr '\n' ' ')" 'early 3 shop 1000 '
until_true 300 is_up early
until_true 300 is_up shop
try 0 vm stop --all --timeout 120
is 'vm stop --all stops the last one first' "$(echo "$out" | cut -d ' ' -f 1 | tr '\n' ' ')" \
	'shop early '
is 'all machines are off' "$(listed NAME,STATE -a | tr '\n' ' ')" 'early off shop off '
is 'all memory is back' "$(used def)" 0
try 0 vm undefine early
is 'an undefined machine is not listed' "$(listed NAME -a)" 'shop'

tap_end
