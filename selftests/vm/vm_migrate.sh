#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Test vpoolctl vm migrate between hosts, on one host: the other host is a process with
# another directory for its machines and another folder for its disks. Needs root, KVM,
# four CPUs and 512 MiB free. The suite hosts_migrate does the same with two hosts.
#
# VPOOL_KERNEL_IMAGE is the kernel for the guests. It must be the running kernel,
# whose modules are in /lib/modules.

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
export VPOOL_RUN_DIR=$dir/run VPOOL_SSH=$dir/ssh
out='' err=''

# shellcheck disable=SC2317 # the trap calls it
clean_up() {
	local run vm

	for run in run other; do
		for vm in "$dir/$run"/vm/*/; do
			[ -d "$vm" ] && VPOOL_RUN_DIR=$dir/$run vpoolctl vm stop --force "$(basename "$vm")"
		done
	done
	vpoolctl destroy --force vm-a vm-b
	restore_balancing
	rm -r "$dir"
} > /dev/null 2>&1
trap clean_up EXIT

section() { echo "# $SECONDS s: $*"; }

# The other host has the folder $dir/there where this host has $dir/disks. Its output passes
# through a process that the test can stop, as a cut link would.
mkdir "$dir/disks" "$dir/there"
cat > "$dir/ssh" <<END
#!/bin/bash
export VPOOL_RUN_DIR=$dir/other SSH_CONNECTION='127.0.0.1 1 127.0.0.1 22'
[ ! -e $dir/abi ] || export VPOOL_SYSFS_DIR=$dir/abi
ulimit -c 0
cat | unshare -m bash -c "mount --bind $dir/there $dir/disks; \${*: -1}" | cat
END
chmod +x "$dir/ssh"

there() { VPOOL_RUN_DIR=$dir/other vpoolctl "$@"; }
listed_here() { vpoolctl vm list --noheadings -o NAME,POOL,STATE | tr -s ' ' ' ' | sed 's/ *$//'; }
listed_there() { VPOOL_RUN_DIR=$dir/other listed_here; }
# Print the answer of the guest over the network. Port 7007 is forwarded to it.
answer() { (exec 3<> /dev/tcp/127.0.0.1/7007 && timeout 10 head -n 1 <&3) 2> /dev/null; }
answers() { [[ $(answer) == 'right in iteration '* ]]; }
iteration() { answer | tr -dc 0-9; }
goes_on() { [ "$(iteration)" -gt "$1" ] 2> /dev/null; }
is_gone() { [ ! -e "$dir/other/vm/$1" ]; }

stop_balancing
make_initrd virtio_net
head -c 16M /dev/urandom > "$dir/disks/one.img"
# shellcheck disable=SC2054 # the commas belong to QEMU's options
boot=(--mem 144M --kernel "$VPOOL_KERNEL_IMAGE" --initrd "$dir/guest.cpio"
	--append 'console=ttyS0 quiet MB=16 ANSWER=10.0.2.15 WRITE=1'
	--disk "$dir/disks/one.img" --console "$dir/one" --
	-netdev 'user,id=net,hostfwd=tcp:127.0.0.1:7007-:7' -device virtio-net-pci,netdev=net)
try 0 create vm-a --cpus 2-3 --mem 160M
try 0 create vm-b --cpus 1 --mem 160M
section 'start a guest'
try 0 vm start one --pool vm-a "${boot[@]}"

section 'hosts that cannot receive it'

refused() {
	local name=$1 pattern=$2

	shift 2
	try 1 vm migrate one "$@"
	like "$name" "$err" "vpoolctl: vm migrate one: $pattern"
}
refused 'no such pool' "host other: there is no pool 'vm-none'*" --to other:vm-none
try 0 resize vm-b --mem 128M
refused 'a pool that is too small' \
	"host other: pool 'vm-b' has 128M free, but 144M is requested*" --to other:vm-b
try 0 resize vm-b --mem 160M
refused 'a disk that is not shared' \
	"host other: the disk $dir/disks/one.img is not on storage that both hosts share*" \
	--to other:vm-b
touch "$dir/there/one.img"
refused 'a disk that exists' \
	"host other: the disk $dir/disks/one.img exists already; --overwrite-disks*" \
	--to other:vm-b --copy-disks
rm "$dir/there/one.img"
mkdir "$dir/abi"
echo 99 > "$dir/abi/abi_version"
refused 'another ABI version' \
	'host other: the ABI version of its vpool module is 99, and that of this host is *' \
	--to other:vm-b
rm "$dir/abi/abi_version"
refused 'no module' 'host other: the vpool module is not loaded*' --to other:vm-b
rmdir "$dir/abi"
printf '#!/bin/sh\necho "Host key verification failed." >&2; exit 255\n' > "$dir/ssh-255"
chmod +x "$dir/ssh-255"
VPOOL_SSH=$dir/ssh-255 refused 'an unknown host key' \
	'cannot connect to host other: Host key verification failed.*' --to other:vm-b
is 'the refusals leave nothing' "$(used vm-b) $(dedicated vm-b) $(ls "$dir/other/vm" "$dir/there")" \
	"0  $(printf '%s\n' "$dir/other/vm:" '' "$dir/there:")"

section 'waiting for the guest'
until_true 240 answers
is 'the guest answers over the network' "$?" 0

section 'there'
at=$(iteration)
try 0 vm migrate one --to other:vm-b --copy-disks --timeout 300 --downtime 2
like 'migrate reports the durations' "$out" \
	'migrated one to pool vm-b of host other: downtime *[0-9] ms, total time *[0-9] ms; 144M back in pool vm-a'
echo "# $out"
is 'the machine is there' "$(listed_there)" 'one vm-b running'
is 'nothing is here' "$(listed_here)$(ls "$dir/run/vm") $(used vm-a) $(dedicated vm-a)" ' 0 '
is 'no note is left' "$(ls "$dir/other/taken")" ''
until_true 60 goes_on "$at"
is 'the guest continues and answers' "$?" 0
is 'the part of the disk that the guest did not write is the same' \
	"$(tail -c 8M "$dir/there/one.img" | md5sum)" "$(tail -c 8M "$dir/disks/one.img" | md5sum)"


section 'a link that is cut half-way'

# From here on, the other host is the source: it sees $dir/there as its disks.
cat > "$dir/back" <<END
#!/bin/bash
export VPOOL_RUN_DIR=$dir/run SSH_CONNECTION='127.0.0.1 1 127.0.0.1 22'
# Leave the disks of the other host.
cat | nsenter --mount=/proc/$$/ns/mnt --root=/proc/$$/root --wd=/ bash -c "cd /; export PATH='$PATH' OUTPUT; \${*: -1}" | cat
END
chmod +x "$dir/back"
from_there() {
	unshare -m bash -c "mount --bind $dir/there $dir/disks; VPOOL_RUN_DIR=$dir/other VPOOL_SSH=$dir/back exec vpoolctl \"\$@\"" \
		bash "$@" > "$dir/out" 2> "$dir/err"
}
has_target() { [ "$(cat "$pools/vm-a/cpus/members")" -gt 0 ] 2> /dev/null; }
target_gone() { ! has_target && all_back vm-a && [ ! -e "$dir/run/vm/one" ]; }
# Stop both relays of the connection.
relays() { pgrep -x cat -P "$(pgrep -f "bash $dir/back" | head -n 1)"; }

from_there vm migrate one --to other:vm-a --copy-disks --overwrite-disks --bandwidth 2M --downtime 0.001 &
migration=$!
until_true 60 has_target
sleep 3
# shellcheck disable=SC2046 # several processes
kill -STOP $(relays)
begin=$SECONDS
until_true 30 target_gone
is 'the target notices the silence, and its pool is whole' "$? $((SECONDS - begin <= 14))" '0 1'
wait "$migration"
is 'the migration fails' "$?" 1
like 'the source says why' "$(cat "$dir/err")" \
	"vpoolctl: vm migrate one: not migrated, it still runs on pool 'vm-b': host other does not answer*"
echo "# noticed within $((SECONDS - begin)) s"
is 'the machine is still there' "$(listed_there)" 'one vm-b running'
at=$(iteration)
until_true 60 goes_on "$at"
is 'the guest continues' "$?" 0

section 'a target that is killed'

from_there vm migrate one --to other:vm-a --copy-disks --overwrite-disks --bandwidth 2M --downtime 0.001 &
migration=$!
until_true 60 has_target
sleep 3
kill -9 "$(pgrep -f "$dir/run/vm/one/0/qmp" | head -n 1)"
wait "$migration"
is 'the migration fails' "$?" 1
like 'the source says why' "$(cat "$dir/err")" \
	"vpoolctl: vm migrate one: not migrated, it still runs on pool 'vm-b': host other: QEMU has ended*"
until_true 20 target_gone
is 'the pool of the target is whole' "$?" 0
at=$(iteration)
until_true 60 goes_on "$at"
is 'the guest continues' "$?" 0

section back
from_there vm migrate one --to other:vm-a --copy-disks --overwrite-disks --downtime 2
is 'the machine migrates back' "$? $(cat "$dir/err")" '0 '
echo "# $(cat "$dir/out")"
is 'the machine is here' "$(listed_here)" 'one vm-a running'
is 'nothing is there' "$(listed_there)$(ls "$dir/other/vm") $(used vm-b)" ' 0'
at=$(iteration)
until_true 60 goes_on "$at"
is 'the guest continues' "$?" 0
is 'the guest found no corrupt memory and no wrong disk' "$(grep -c WRONG "$dir/one")" 0

section stop
try 0 vm stop one --timeout 120
tap_end
