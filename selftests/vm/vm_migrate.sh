#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Test vpoolctl vm migrate between hosts, on one host: the other host is a network namespace
# with another directory for its machines and another folder for its disks. Needs root, KVM,
# four CPUs and 512 MiB free. The suite hosts_migrate tests failures, with two hosts.
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
	ip netns del vpool-there
	restore_balancing
	rm -r "$dir"
} > /dev/null 2>&1
trap clean_up EXIT

# The other host has the folder $dir/there where this host has $dir/disks.
mkdir "$dir/disks" "$dir/there"
cat > "$dir/ssh" <<END
#!/bin/bash
export VPOOL_RUN_DIR=$dir/other SSH_CONNECTION='10.9.0.1 1 10.9.0.2 22'
exec nsenter --net=/run/netns/vpool-there unshare -m bash -c \
	"mount --bind $dir/there $dir/disks; exec \${*: -1}"
END
chmod +x "$dir/ssh"
ip netns add vpool-there
ip link add vpool-a type veth peer name vpool-b netns vpool-there
ip addr add 10.9.0.1/24 dev vpool-a
ip link set vpool-a up
ip -n vpool-there addr add 10.9.0.2/24 dev vpool-b
ip -n vpool-there link set vpool-b up

listed_here() { vpoolctl vm list --noheadings -o NAME,POOL,STATE | tr -s ' ' ' ' | sed 's/ *$//'; }
listed_there() { VPOOL_RUN_DIR=$dir/other listed_here; }
# Print the answer of the guest: port 7007 of its host is forwarded to it.
iteration() {
	(exec 3<> "/dev/tcp/$1/7007" && timeout 10 head -n 1 <&3) 2> /dev/null |
		sed -n 's/^right in iteration //p'
}
answers() { [ -n "$(iteration "$1")" ]; }
goes_on() { [ "$(iteration "$1")" -gt "$2" ] 2> /dev/null; }

stop_balancing
make_initrd virtio_net
head -c 16M /dev/urandom > "$dir/disks/one.img"
# shellcheck disable=SC2054 # the commas belong to QEMU's options
boot=(--mem 144M --kernel "$VPOOL_KERNEL_IMAGE" --initrd "$dir/guest.cpio"
	--append 'console=ttyS0 quiet MB=16 ANSWER=10.0.2.15 WRITE=1' --user root
	--disk "$dir/disks/one.img" --console "$dir/one" --
	-netdev 'user,id=net,hostfwd=tcp::7007-:7' -device virtio-net-pci,netdev=net)
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
try 0 resize vm-b --mem 128M
refused 'a pool that is too small' \
	"host other: pool 'vm-b' has 128M free, but 144M is requested*" --to other:vm-b
try 0 resize vm-b --mem 160M
refused 'a disk that is not shared' \
	"host other: the disk $dir/disks/one.img is not on storage that both hosts share*" \
	--to other:vm-b
is 'the refusals leave nothing' "$(used vm-b) $(dedicated vm-b)$(ls "$dir/other/vm" "$dir/there")" \
	"0 $(printf '%s\n' "$dir/other/vm:" '' "$dir/there:")"

section 'waiting for the guest'
until_true 240 answers 10.9.0.1
is 'the guest answers over the network' "$?" 0

section 'there'
at=$(iteration 10.9.0.1)
try 0 vm migrate one --to other:vm-b --copy-disks --timeout 300 --downtime 2
like 'migrate reports the durations' "$out" \
	'migrated one to pool vm-b of host other: downtime *[0-9] ms, total time *[0-9] ms; 144M back in pool vm-a'
echo "# $out"
is 'the machine is there' "$(listed_there)" 'one vm-b running'
is 'nothing is here' "$(listed_here)$(ls "$dir/run/vm") $(used vm-a) $(dedicated vm-a)" ' 0 '
is 'no note is left' "$(ls "$dir/other/taken")" ''
until_true 60 goes_on 10.9.0.2 "$at"
is 'the guest continues and answers' "$?" 0
is 'the part of the disk that the guest did not write is the same' \
	"$(tail -c 8M "$dir/there/one.img" | md5sum)" "$(tail -c 8M "$dir/disks/one.img" | md5sum)"

is 'the guest found no corrupt memory and no wrong disk' "$(grep -c WRONG "$dir/one")" 0
VPOOL_RUN_DIR=$dir/other try 0 vm stop one --timeout 120
is 'a machine that came from another host stops' "$(used vm-b) $(dedicated vm-b)$(ls "$dir/other/vm")" '0 '

section 'a QEMU of another user'

# uids PID: print the user of a process, and its mode of seccomp
uids() { awk '/^Uid:/ { uid = $2 } /^Seccomp:/ { print uid, $2 }' "/proc/$1/status"; }
chmod 755 "$dir" "$dir/there"
chmod 666 /dev/kvm
cp "$VPOOL_KERNEL_IMAGE" "$dir/kernel"
chmod 644 "$dir/kernel" "$dir/guest.cpio"
truncate -s 8M "$dir/disks/two.img"
chown nobody "$dir/disks/two.img"
try 0 vm start two --pool vm-a --mem 144M --kernel "$dir/kernel" --initrd "$dir/guest.cpio" \
	--append 'console=ttyS0 quiet MB=16' --disk "$dir/disks/two.img" --console "$dir/two" \
	--user nobody
until_true 240 is_up two
chmod 700 "$dir/there"
try 1 vm migrate two --to other:vm-b --copy-disks
like 'a folder of the other host that the user cannot reach' "$err" \
	"*host other: the disk $dir/disks/two.img: the directory $dir/disks is closed to user 'nobody'*"
is 'the refusal leaves no disk' "$(ls "$dir/there")" one.img
chmod 755 "$dir/there"
try 0 vm migrate two --to other:vm-b --copy-disks --timeout 300 --downtime 2
is 'the machine is there' "$(listed_there)" 'two vm-b running'
pid=$(VPOOL_RUN_DIR=$dir/other vpoolctl vm list --noheadings -o PID | tr -d ' ')
is 'its QEMU is of the user, with seccomp' "$(uids "$pid")" "$(id -u nobody) 2"
is 'the user owns the copy of the disk' "$(stat -c %U "$dir/there/two.img")" nobody
at=$(last_iteration two)
until_true 60 is_beyond two "$at"
is 'the guest continues' "$?" 0
VPOOL_RUN_DIR=$dir/other try 0 vm stop two --timeout 120
is 'nothing is left' "$(used vm-b) $(ls "$dir/other/vm" "$dir/other/taken" "$dir/run/vm")" \
	"0 $(printf '%s\n' "$dir/other/taken:" '' "$dir/other/vm:" '' "$dir/run/vm:")"
tap_end
