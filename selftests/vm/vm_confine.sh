#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Test that QEMU runs in an AppArmor profile that allows the files of its machine alone.
# Needs root, KVM, AppArmor, four CPUs and 700 MiB free. VPOOL_TOOLS is the directory of
# programs that are not installed, such as apparmor_parser.
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

security=/sys/kernel/security
need_guest
[ "$(cat /sys/module/apparmor/parameters/enabled 2> /dev/null)" = Y ] ||
	skip 'AppArmor is not enabled'
tools=${VPOOL_TOOLS:-}
tools=${tools%/usr/bin}
[ -x "$tools/sbin/apparmor_parser" ] || skip "no apparmor_parser in $tools/sbin"
mountpoint -q $security || mount -t securityfs securityfs $security

export LC_ALL=C
dir=$(mktemp -d) || exit 1
export VPOOL_RUN_DIR=$dir/run VPOOL_ETC_DIR=$dir/etc VPOOL_LOG_DIR=$dir/log
export VPOOL_STATE_DIR=$dir/state
err=''

# shellcheck disable=SC2317 # the trap calls it
clean_up() {
	stop_machines
	vpoolctl destroy --force con-a con-b
	restore_host
	restore_balancing
	rm -r "$dir"
} > /dev/null 2>&1
trap clean_up EXIT

profile_of() { cat "/proc/$(pid_of "$1")/attr/apparmor/current"; }
profiles() { sed -n 's/^\(vpool-vm\..*\) (.*/\1/p' $security/apparmor/profiles | sort | xargs; }
# The log of the kernel has the records if no auditd runs.
records() { cat /var/log/audit/audit.log 2> /dev/null; dmesg; }
denied() { records | grep 'apparmor="DENIED".*profile="vpool-vm\.'; }

# refused NAME PATTERN ARGUMENT...: vm start must fail with a message like PATTERN
refused() {
	try 1 vm start "${@:3}"
	like "$1" "$err" "$2"
	is "$1: nothing is left" "$(ls "$dir/run/vm" 2> /dev/null)$(profiles)" ''
}

# A parser that is not installed, with the abstractions that are not installed.
parser() {
	cat > "$dir/$1" <<-END
		#!/bin/bash
		export LD_LIBRARY_PATH=$tools/usr/lib/x86_64-linux-gnu:$tools/lib/x86_64-linux-gnu
		"$tools/sbin/apparmor_parser" -I "$tools/etc/apparmor.d" "\$@" || exit
		$2
	END
	chmod +x "$dir/$1"
}

chmod 755 "$dir"
save_host
systemd-sysusers "$here/../../packaging/sysusers.d/vpool.conf"
chmod 666 /dev/kvm
cp "$VPOOL_KERNEL_IMAGE" "$dir/kernel"
chmod 644 "$dir/kernel"
stop_balancing
# shellcheck disable=SC2119 # it needs no more modules
make_initrd
chmod 644 "$dir/guest.cpio"
parser load
export VPOOL_APPARMOR_PARSER=$dir/load
for disk in one two 'a [b] {c},d'; do
	truncate -s 1M "$dir/$disk"
	printf '%-512s' 4711 | dd of="$dir/$disk" conv=notrunc 2> /dev/null
	chown vpool-vm: "$dir/$disk"
done
try 0 create con-a --cpus 2-3 --mem 320M
try 0 create con-b --cpus 1 --mem 160M
boot=(--pool con-a --mem 144M --vcpus 1 --initrd "$dir/guest.cpio" --kernel "$dir/kernel"
	--append 'console=ttyS0 quiet MB=16')
small=(--pool con-a --mem 32M --vcpus 1 --kernel "$dir/kernel")

section 'two machines of one user'

: > "$dir/out"
chown vpool-vm: "$dir/out"
try 0 vm start one "${boot[@]}" --disk "$dir/one" --console "$dir/out"
is 'no warning' "$err" ''
try 0 vm start two "${small[@]}" --disk "$dir/two" --disk "$dir/a [b] {c},d"
is 'QEMU runs in a profile of its machine' "$(profile_of one)" 'vpool-vm.one.0 (enforce)'
is 'another machine has another profile' "$(profile_of two)" 'vpool-vm.two.0 (enforce)'
is 'both have one user' "$(stat -c %U "/proc/$(pid_of one)" "/proc/$(pid_of two)" | xargs)" \
	'vpool-vm vpool-vm'
until_true 300 is_up out
is 'the guest runs' "$?" 0
like 'a disk with special characters is open' "$(ls -l "/proc/$(pid_of two)/fd")" \
	"*/a \[b\] {c},d*"
is 'AppArmor has denied nothing so far' "$(denied)" ''
is 'the user can open the disk of the other machine' \
	"$(setpriv --reuid vpool-vm --regid vpool-vm --clear-groups head -c 4 "$dir/two")" 4711
like 'but QEMU cannot' "$("$here/hmp.py" "$dir/run/vm/one/0/qmp" \
	"drive_add 0 if=none,id=x,format=raw,file=$dir/two" 2>&1)" '*Permission denied*'
like 'nor a file that all users can read' "$("$here/hmp.py" "$dir/run/vm/one/0/qmp" \
	"drive_add 0 if=none,id=z,format=raw,readonly=on,file=$dir/etc/passwd" 2>&1)" \
	'*Permission denied*'
like 'the denial is in the log of audit' "$(denied)" \
	"*operation=\"open\"*profile=\"vpool-vm.one.0\"*name=\"$dir/two\"*"
like 'it still opens its own disk' "$("$here/hmp.py" "$dir/run/vm/one/0/qmp" \
	"drive_add 0 if=none,id=w,format=raw,readonly=on,file.locking=off,file.filename=$dir/one" 2>&1)" \
	'OK*'

section 'the end'

try 0 vm stop two --force
is 'vm stop removes the profile' "$(profiles)" vpool-vm.one.0
at=$(last_iteration out)
try 0 vm migrate one --to con-b --downtime 5 --timeout 500
is 'the QEMU of a migration has a profile' "$(profile_of one)" 'vpool-vm.one.1 (enforce)'
is 'the one of the old QEMU is gone' "$(profiles)" vpool-vm.one.1
until_true 60 is_beyond out "$at"
is 'the guest continues' "$?" 0
kill -9 "$(pid_of one)"
until_true 60 all_back con-b
vpoolctl vm list > /dev/null
is 'a killed QEMU leaves no profile' "$(profiles)" ''
# shellcheck disable=SC2016 # for that shell
parser killing 'kill -9 $PPID'
VPOOL_APPARMOR_PARSER=$dir/killing vpoolctl vm start one "${small[@]}" > /dev/null 2>&1
is 'vpoolctl was killed after it loaded a profile' "$? $(profiles)" '137 vpool-vm.one.0'
vpoolctl vm list > /dev/null
is 'the next vpoolctl removes the profile' "$(profiles)$(ls "$dir/run/vm")" ''

section choices

try 0 vm start one "${small[@]}" --confine no
is 'no profile' "$(profile_of one)$err" unconfined
try 0 vm stop one --force
try 0 vm start one "${small[@]}" --user root --confine yes --disk "$dir/one"
is 'a QEMU of root' "$(profile_of one)" 'vpool-vm.one.0 (enforce)'
try 0 vm stop one --force
VPOOL_APPARMOR_PARSER=/nowhere try 0 vm start one "${small[@]}"
is 'no parser: no profile' "$(profile_of one)$err" unconfined
try 0 vm stop one --force
VPOOL_APPARMOR_PARSER=/nowhere refused 'no parser: refused' \
	'*QEMU cannot have an AppArmor profile: apparmor_parser is not installed*' one "${small[@]}" \
	--confine yes
VPOOL_APPARMOR_PARSER=/bin/false refused 'a parser that fails' \
	'*cannot load the AppArmor profile of QEMU*' one "${small[@]}"
printf '#!/bin/sh\nexec qemu-system-x86_64 "$@"\n' > "$dir/script"
chmod +x "$dir/script"
VPOOL_QEMU=$dir/script refused 'a script' '*the program of QEMU is a script*' one "${small[@]}" \
	--confine yes
VPOOL_QEMU=$dir/script try 0 vm start one "${small[@]}"
like 'a script: a warning' "$err" \
	'*vm start one: QEMU runs without an AppArmor profile: the program of QEMU is a script*'
try 0 vm stop one --force
setpriv --reuid vpool-vm --regid vpool-vm --clear-groups env HOME="$dir/nowhere" \
	XDG_RUNTIME_DIR="$dir/nowhere" vpoolctl vm start one "${small[@]}" --confine yes 2> "$dir/err"
is 'another user than root: refused' "$?" 1
like 'another user than root: message' "$(cat "$dir/err")" '*only root can load one*'

section parts

printf '#cloud-config\n' > "$dir/user-data"
try 0 vm start one "${small[@]}" --disk "$dir/one" --seed "$dir/user-data" --firmware uefi \
	--vnc socket --accel tcg --tpm
is 'a machine with parts' "$(profile_of one)" 'vpool-vm.one.0 (enforce)'
sleep 5
try 0 vm stop one --force
is 'AppArmor has denied QEMUs nothing else' \
	"$(denied | grep -v -e "name=\"$dir/two\"" -e "name=\"$dir/etc/passwd\"")" ''

tap_end
