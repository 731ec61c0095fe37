#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Test that QEMU runs without privileges when root starts a machine, with Linux guests
# under KVM. Needs root, KVM, four CPUs and 700 MiB free.
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
command -v systemd-sysusers > /dev/null || skip 'no systemd-sysusers here'
command -v python3 > /dev/null || skip 'no python3 here'

export LC_ALL=C
dir=$(mktemp -d) || exit 1
export VPOOL_RUN_DIR=$dir/run VPOOL_ETC_DIR=$dir/etc VPOOL_LOG_DIR=$dir/log
export VPOOL_STATE_DIR=$dir/state
err=''

# shellcheck disable=SC2317 # the trap calls it
clean_up() {
	stop_machines
	vpoolctl destroy --force usr-a usr-b usr-c
	restore_host
	restore_balancing
	rm -r "$dir"
} > /dev/null 2>&1
trap clean_up EXIT

# status PID KEY: print a value of /proc/PID/status
status() { awk -v key="$2:" '$1 == key { $1 = ""; print substr($0, 2) }' "/proc/$1/status"; }
parent_of() { status "$1" PPid; }
no_process() { ! pgrep -x "$1" > /dev/null; }
no_keeper() { no_process vpool-keeper; }

# refused NAME PATTERN ARGUMENT...: vm start must fail with a message like PATTERN
refused() {
	try 1 vm start "${@:3}"
	like "$1" "$err" "$2"
	is "$1: nothing is left" "$(ls "$dir/run/vm" 2> /dev/null)" ''
}

chmod 755 "$dir"
save_host
cp "$VPOOL_KERNEL_IMAGE" "$dir/kernel"
chmod 644 "$dir/kernel"
stop_balancing
# shellcheck disable=SC2119 # it needs no more modules
make_initrd
chmod 644 "$dir/guest.cpio"
try 0 create usr-a --cpus 2-3 --mem 320M
try 0 create usr-b --cpus 1 --mem 160M
other=(--pool usr-a --mem 144M --vcpus 1 --initrd "$dir/guest.cpio"
	--append 'console=ttyS0 quiet MB=16')
boot=("${other[@]}" --kernel "$dir/kernel")

section 'a host without the user'

refused 'a user that does not exist' "*there is no user 'vpool-vm' here*" one "${boot[@]}" \
	--user vpool-vm
try 0 vm start one "${boot[@]}"
like 'QEMU runs as root, after a warning' "$err" \
	'*there is no user vpool-vm, so QEMU runs as root*--user root*'
is 'its user id is 0' "$(status "$(pid_of one)" Uid)" '0 0 0 0'
try 0 vm stop one --force
try 0 vm start one "${boot[@]}" --user root
is 'no warning if root was asked for' "$err" ''
try 0 vm stop one --force

section 'refusals'

systemd-sysusers "$here/../../packaging/sysusers.d/vpool.conf"
uid=$(id -u vpool-vm) gid=$(id -g vpool-vm)
is 'systemd-sysusers creates the user' "$?" 0
chmod 600 /dev/kvm
refused 'a closed /dev/kvm' "*user 'vpool-vm', as which QEMU runs, cannot open /dev/kvm*kvm*" \
	one "${boot[@]}"
getent group kvm > /dev/null || groupadd -r kvm
chown root:kvm /dev/kvm
chmod 660 /dev/kvm
truncate -s 1M "$dir/disk"
printf '%-512s' 4711 | dd of="$dir/disk" conv=notrunc 2> /dev/null
chmod 644 "$dir/disk"
refused 'a disk that the user may not write' \
	"*the disk $dir/disk: user 'vpool-vm', as which QEMU runs, may not write it; 'setfacl -m u:vpool-vm:rw $dir/disk'*" \
	one "${boot[@]}" --disk "$dir/disk"
mkdir -m 700 "$dir/closed"
cp -p "$dir/kernel" "$dir/closed"
refused 'a kernel in a closed directory' \
	"*the directory $dir/closed is closed to user 'vpool-vm'*'setfacl -m u:vpool-vm:x $dir/closed'*" \
	one "${other[@]}" --kernel "$dir/closed/kernel"
ln -s closed/kernel "$dir/link"
refused 'a link into a closed directory' "*the directory $dir/closed is closed to*" \
	one "${other[@]}" --kernel "$dir/link"
refused 'a console in a closed directory' "*the console's file $dir/closed/out: *" \
	one "${boot[@]}" --console "$dir/closed/out"
is 'no file for the console is left' "$(ls "$dir/closed")" kernel
mkdir -m 700 "$dir/share"
refused 'a share that is closed to the user' \
	"*the share $dir/share: user 'vpool-vm', as which QEMU runs, may not read it; 'setfacl -m u:vpool-vm:rx $dir/share'*" \
	one "${boot[@]}" --share "$dir/share"
VPOOL_APPARMOR_PARSER=/nowhere refused 'a profile without AppArmor' \
	'*QEMU cannot have an AppArmor profile: *' one "${boot[@]}" --confine yes
chmod 600 "$dir/guest.cpio"
refused 'an initrd that the user may not read' "*may not read it; *:r $dir/guest.cpio*" \
	one "${boot[@]}"
chmod 644 "$dir/guest.cpio"
[ -d /run/systemd/system ] ||
	refused 'a property without systemd' '*a scope with properties needs systemd*' one \
		"${boot[@]}" --property MemoryMax=1G
setpriv --reuid "$uid" --regid "$gid" --clear-groups env HOME="$dir/nowhere" \
	XDG_RUNTIME_DIR="$dir/nowhere" vpoolctl vm start one "${boot[@]}" --user nobody \
	2> "$dir/err"
is 'another user than root: refused' "$?" 1
like 'another user than root: message' "$(cat "$dir/err")" \
	"*only root can run QEMU as another user, such as 'nobody'*"

section 'the owner of a pool'

as_owner() {
	setpriv --reuid 65534 --regid 65534 --groups "$(getent group kvm | cut -d : -f 3)" \
		env VPOOL_RUN_DIR="$dir/owner" VPOOL_LOG_DIR="$dir/owner" \
		HOME="$dir/owner" vpoolctl "$@" \
		> "$dir/out" 2> "$dir/err"
}
mkdir "$dir/owner"
chown 65534 "$dir/owner"
try 0 resize usr-a --cpus 2
try 0 create usr-c --mem 64M --cpus 3 --owner 65534
owned=(--mem 32M --vcpus 1 --kernel "$dir/kernel")
as_owner vm start mine --pool usr-c "${owned[@]}"
is 'the owner starts a machine' "$? $(cat "$dir/err")" '0 '
as_owner vm list --raw --noheadings -o NAME,POOL,STATE
is 'and lists it' "$(cat "$dir/out")" 'mine usr-c running'
as_owner vm list --raw --noheadings -o PID
pid=$(cat "$dir/out")
is 'QEMU has the user id of the owner' "$(status "$pid" Uid)" '65534 65534 65534 65534'
is 'its memory is of the pool' "$(used usr-c)" $((32 << 20))
as_owner vm stop mine --force
is 'and stops it' "$? $(cat "$dir/err")" '0 '
is 'the memory is back' "$(used usr-c)" 0
as_owner vm start mine --pool usr-a "${owned[@]}"
is 'the pool of another user: refused' "$?" 1
try 0 destroy usr-c
try 0 resize usr-a --cpus 2-3

section 'a machine of root'

chown vpool-vm: "$dir/disk"
chmod 600 "$dir/disk"
try 0 vm define one "${boot[@]}" --disk "$dir/disk" --console "$dir/one"
try 0 vm start one
is 'no warning' "$err" ''
pid=$(pid_of one)
is 'QEMU has the user id of the user' "$(status "$pid" Uid)" "$uid $uid $uid $uid"
is 'and the group id' "$(status "$pid" Gid)" "$gid $gid $gid $gid"
is 'and the group of /dev/kvm' "$(status "$pid" Groups | xargs)" \
	"$(printf '%s\n' "$gid" "$(getent group kvm | cut -d : -f 3)" | sort -n | xargs)"
is 'it has no capabilities' "$(status "$pid" CapPrm) $(status "$pid" CapEff)" \
	'0000000000000000 0000000000000000'
is 'it cannot get new privileges' "$(status "$pid" NoNewPrivs)" 1
is 'seccomp filters its system calls' "$(status "$pid" Seccomp)" 2
is 'it has not opened the device of the pool' \
	"$(find "/proc/$pid/fd" -lname '/dev/vpool/*' | wc -l)" 0
is 'all of its memory is from the pool' "$(used usr-a)" $((144 << 20))
is 'in huge pages' "$(awk '/^[0-9a-f]+-[0-9a-f]+ / { ours = $6 ~ /^\/vpool:usr-a/ }
		ours && /^FilePmdMapped:/ { huge += $2 }
		END { print huge }' "/proc/$pid/smaps")" $((144 << 10))
like 'its vCPU has a dedicated CPU' "$(dedicated usr-a)" '[23]'
is 'it is a member of the pool' "$(cat $pools/usr-a/cpus/members)" \
	"$(find "/proc/$pid/task" -maxdepth 1 -mindepth 1 | wc -l)"
is 'its keeper is of root' "$(status "$(parent_of "$pid")" Uid)" '0 0 0 0'
is 'the directory of the machine' "$(stat -c '%u:%g %a' "$dir/run/vm/one")" "0:$gid 710"
is 'the directory of the QEMU' "$(stat -c '%u:%g %a' "$dir/run/vm/one/0")" "0:$gid 1770"
is 'the lock is of root' "$(stat -c '%u %a' "$dir/run/vm/one/0/alive")" '0 600'
is 'the log is of root' "$(stat -c '%u %a' "$dir/log/one.log")" '0 600'
is 'the console is of the user' "$(stat -c '%u %a' "$dir/one")" "$uid 600"
is 'only the user and root can connect' "$(stat -c '%u %a' "$dir/run/vm/one/0/qmp")" "$uid 755"
is 'another user cannot reach the sockets' \
	"$(setpriv --reuid 65534 --regid 65534 --clear-groups ls "$dir/run/vm/one/0" 2> /dev/null)" ''
is 'the list has it' "$(listed NAME,POOL,STATE,MEMORY)" 'one usr-a running 144M'
until_true 300 is_up one
is 'its guest runs' "$?" 0

section 'sockets and files that QEMU replaces'

as_user() { setpriv --reuid "$uid" --regid "$gid" --clear-groups "$@"; }
as_user rm -f "$dir/run/vm/one/0/alive" 2> /dev/null
is 'the user cannot remove the lock' "$(pid_of one)" "$pid"
as_user mv "$dir/run/vm/one/0/state" "$dir/run/vm/one/0/state.away"
# Not by the function, so that $! is python3's.
setpriv --reuid "$uid" --regid "$gid" --clear-groups python3 -c 'import socket, sys, time
server = socket.socket(socket.AF_UNIX)
server.bind(sys.argv[1])
server.listen(9)
time.sleep(600)' "$dir/run/vm/one/0/state" &
forger=$!
until_true 60 test -S "$dir/run/vm/one/0/state"
sleep 1
like 'vpoolctl does not talk to another process' "$(listed NAME,STATE)" 'one [!r]*'
kill "$forger"
wait "$forger" 2> /dev/null
as_user mv "$dir/run/vm/one/0/state.away" "$dir/run/vm/one/0/state"
is 'the list has it again' "$(listed NAME,STATE)" 'one running'
as_user touch "$dir/run/vm/one/0/more"

section migrate

at=$(last_iteration one)
try 0 vm migrate one --to usr-b --downtime 5 --timeout 500
pid=$(pid_of one)
is 'the machine is in the new pool' "$(listed NAME,POOL,STATE)" 'one usr-b running'
is 'its QEMU is of the user' "$(status "$pid" Uid) $(status "$pid" Gid)" \
	"$uid $uid $uid $uid $gid $gid $gid $gid"
is 'seccomp filters its system calls' "$(status "$pid" Seccomp)" 2
is 'the old pool has its memory back' "$(used usr-a)" 0
until_true 60 is_beyond one "$at"
is 'the guest continues' "$?" 0
is 'the old directory is gone, with the file of the user' "$(ls "$dir/run/vm/one")" 1

section 'parts and their helpers'

for program in busybox bsdtar swtpm; do
	command -v "$program" > /dev/null || break
done
if [ "$(command -v "$program")" ]; then
	make_reporter virtio_pci virtio_blk isofs tpm_crb tpm_tis virtiofs
	chmod 644 "$dir/parts.cpio"
	printf '#cloud-config\n' > "$dir/user-data"
	chmod 600 "$dir/user-data"
	echo shared > "$dir/share/hello"
	chown -R vpool-vm: "$dir/share"
	# The guest has a user other than root.
	echo 'vpool-vm:300000:65536' | tee /etc/subuid > /etc/subgid
	# UEFI needs many minutes to boot the guest here, so only QEMU opens its variables.
	try 0 vm start two --pool usr-a --mem 128M --vcpus 1 --kernel "$dir/kernel" \
		--initrd "$dir/parts.cpio" --append 'console=ttyS0 net.ifnames=0 quiet' \
		--console "$dir/two" --seed "$dir/user-data" --tpm --share "$dir/share,tag=data"
	is 'swtpm has the user id of the user' "$(status "$(pgrep -x swtpm)" Uid)" \
		"$uid $uid $uid $uid"
	is 'and no capabilities' "$(status "$(pgrep -x swtpm)" CapEff)" 0000000000000000
	is 'virtiofsd, too' "$(pgrep -x virtiofsd | while read -r pid; do
		status "$pid" Uid
	done | sort -u)" "$uid $uid $uid $uid"
	is 'virtiofsd has another user namespace' "$(readlink "/proc/$(pgrep -ox virtiofsd)/ns/user" \
		/proc/self/ns/user | sort -u | wc -l)" 2
	is 'in which it is root' "$(tr -s ' ' < "/proc/$(pgrep -ox virtiofsd)/uid_map" | xargs)" \
		"0 $uid 1 1 300000 65536"
	like 'both are members of the pool' "$(for pid in $(pgrep -x 'swtpm|virtiofsd'); do
		status "$pid" Cpus_allowed_list
	done | sort -u)" '[23]'
	until_true 400 has_report two
	is 'the guest reports' "$?" 0
	is 'a seed' "$(report two user-data)" '#cloud-config'
	is 'a TPM' "$(report two tpm)" 2
	is 'a share' "$(report two share-data)" shared
	is 'what root of the guest writes is of the user' \
		"$(cat "$dir/share/answer") $(stat -c %u "$dir/share/answer")" "from the guest $uid"
	is 'what another user of the guest writes is of its range' \
		"$(cat "$dir/share/other") $(stat -c %u "$dir/share/other")" 'from another user 300999'
	is 'the state of the TPM is of the user' \
		"$(stat -c '%u %a' "$dir/state/two/tpm" "$dir/state/two/tpm/tpm2-00.permall" | xargs)" \
		"$uid 700 $uid 600"
	is 'the seed is of the user' "$(stat -c '%u' "$dir/state/two/seed.iso")" "$uid"
	try 0 vm stop two --force
	is 'the helpers have ended' "$(pgrep -x 'swtpm|virtiofsd')" ''
	is 'all memory is back' "$(used usr-a)" 0
	try 0 vm start two --pool usr-a --mem 32M --vcpus 1 --kernel "$dir/kernel" --user root --tpm \
		--share "$dir/share"
	is 'with --user root, they are of root' "$(pgrep -x 'swtpm|virtiofsd' | while read -r pid; do
		status "$pid" Uid
	done | sort -u)" '0 0 0 0'
	is 'and so is the state of the TPM' "$(stat -c %u "$dir/state/two/tpm")" 0
	try 0 vm stop two --force
	try 0 vm start two --pool usr-a --mem 32M --vcpus 1 --kernel "$dir/kernel" --accel tcg \
		--firmware uefi --tpm --seed "$dir/user-data" --share "$dir/share"
	is 'the variables of UEFI are of the user' \
		"$(stat -c '%u %a' "$dir/state/two/uefi-variables")" "$uid 600"
	like 'QEMU has them open' "$(ls -l "/proc/$(pid_of two)/fd")" '*two/uefi-variables*'
	is 'the state of the TPM is of the user again' "$(stat -c %u "$dir/state/two/tpm")" "$uid"
	kill -9 "$(pid_of two)"
	until_true 10 no_process 'swtpm|virtiofsd'
	is 'the helpers end with a killed QEMU' "$?" 0
	is 'the machine is gone' "$(listed NAME)" one
else
	tap_result yes "parts # SKIP no $program here; tools/setup installs it"
fi

section 'the end'

try 0 vm pause one
try 0 vm resume one
try 0 vm stop one --timeout 200
until_true 10 no_keeper
is 'the keeper has ended' "$?" 0
is 'nothing is left of the machine' "$(ls "$dir/run/vm")" ''
is 'all memory is back' "$(used usr-a) $(used usr-b)" '0 0'
try 0 vm start one --max-mem 272M --accel kvm
is 'it starts again' "$(listed NAME,STATE)" 'one running'
kill -9 "$(pid_of one)"
until_true 60 all_back usr-a
is 'a killed machine leaves no memory in use' "$?" 0
until_true 10 no_keeper
is 'the list is empty' "$(listed NAME)" ''
is 'a killed machine leaves no directory' "$(ls "$dir/run/vm")" ''
try 0 vm start one -- -sandbox off
is '-sandbox of the caller replaces the rules' "$(status "$(pid_of one)" Seccomp)" 0
try 0 vm stop one --force
try 0 vm undefine one

tap_end
