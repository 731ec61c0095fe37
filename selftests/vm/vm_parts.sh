#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Test the parts of machines with a Linux guest under KVM, which reports what it finds:
# disks, CDs, a seed, networks, UEFI, a TPM, shares and a screen. Needs root, KVM, four CPUs
# and 512 MiB free, and the programs and files that tools/setup installs.
#
# VPOOL_KERNEL_IMAGE is the kernel for the guests. It must be the running kernel, whose
# modules are in /lib/modules.

here=$(dirname "$(readlink -f "$0")")
build=${OUTPUT:-$(readlink -f "$here/../../build/selftests")}
# shellcheck source=selftests/lib/require.sh
. "$here/../lib/require.sh"
# shellcheck source=/dev/null
. "$here/../../userspace/tests/tap.sh"
# shellcheck source=selftests/vm/guest.sh
. "$here/guest.sh"

need_guest
for program in bsdtar busybox ip qemu-img python3 swtpm; do
	command -v "$program" > /dev/null || skip "no $program here; tools/setup installs it"
done
for module in tun bridge macvtap dummy; do
	modprobe "$module" 2> /dev/null
done

export LC_ALL=C
dir=$(mktemp -d) || exit 1
export VPOOL_RUN_DIR=$dir/run VPOOL_ETC_DIR=$dir/etc VPOOL_LOG_DIR=$dir/log
export VPOOL_STATE_DIR=$dir/state
state=$VPOOL_STATE_DIR
err=''

# shellcheck disable=SC2317 # the trap calls it
clean_up() {
	stop_machines
	for link in vpbr0 vptap0 vpmac0 vpdummy0; do
		ip link delete "$link"
	done
	umount /etc/qemu/bridge.conf
	vpoolctl destroy --force parts
	vpoolctl destroy --force other
	restore_balancing
	rm -r "$dir"
} > /dev/null 2>&1
trap clean_up EXIT

helpers() { pgrep -c -x 'swtpm|virtiofsd' || true; }
no_helpers() { [ "$(helpers)" = 0 ]; }

# starts NAME OPTION...: start a machine, and wait for the report of its guest
starts() {
	local name=$1

	rm -f "$dir/$name"
	try 0 vm start "$name" --pool parts --mem 192M --vcpus 1 --kernel "$VPOOL_KERNEL_IMAGE" \
		--initrd "$dir/parts.cpio" --append 'console=ttyS0 net.ifnames=0 quiet' \
		--console "$dir/$name" "${@:2}"
	# A busy host emulates UEFI in an emulated machine for a quarter of an hour.
	until_true 1800 has_report "$name"
	is "the guest of $name reports" "$?" 0
}

# refused NAME PATTERN OPTION...: vm start must fail with a message, and leave nothing
refused() {
	try 1 vm start bad --pool parts --user root --mem 64M --kernel "$VPOOL_KERNEL_IMAGE" "${@:3}"
	like "$1" "$err" "vpoolctl: vm start bad: $2*"
	is "$1: nothing is left" "$(listed NAME)$(ls -d "$dir/run/vm/bad" "$state/bad" 2>/dev/null)$(helpers)" \
		"${running:-}0"
}

stop_balancing
make_reporter virtio_pci virtio_blk virtio_net ahci sr_mod isofs tpm_crb tpm_tis virtiofs
try 0 create parts --cpus 1-2 --mem 256M

section 'disks and CDs'

printf 'first' > "$dir/a.img"
truncate -s 4M "$dir/a.img"
qemu-img create -q -f qcow2 "$dir/b.qcow2" 8M
printf 'third' > "$dir/c.img"
truncate -s 2M "$dir/c.img"
mkdir "$dir/cd" "$dir/share" "$dir/share2"
echo 'hello from the CD' > "$dir/cd/hello"
bsdtar --format iso9660 -cf "$dir/cd.iso" -C "$dir/cd" hello
starts disks --disk "$dir/a.img,readonly=true" --disk "$dir/b.qcow2,format=qcow2,cache=none,io=native" \
	--disk "$dir/c.img,cache=unsafe,io=threads" --cdrom "$dir/cd.iso"
is 'a read-only disk' "$(report disks vda)" '8192 1 first'
is 'a qcow2 disk' "$(report disks vdb)" '16384 0 '
is 'a third disk' "$(report disks vdc)" '4096 0 third'
is 'a CD' "$(report disks cdrom)" 'hello from the CD'
args=$(tr '\0' ' ' < "/proc/$(pid_of disks)/cmdline")
like 'QEMU has the modes' "$args" '*b.qcow2,format=qcow2,cache=none,aio=native*c.img,format=raw,cache=unsafe,aio=threads*'
running=disks
refused 'a disk of another machine' "the disk $dir/c.img: machine 'disks' has it" --disk "$dir/c.img"
refused 'a read-only use of it' "the disk $dir/c.img: machine 'disks' has it" --disk "$dir/c.img,readonly=true"
refused 'a write to its read-only disk' "the disk $dir/a.img: machine 'disks' has it" --disk "$dir/a.img"
try 0 vm start twice --dry-run --pool parts --mem 32M --kernel "$VPOOL_KERNEL_IMAGE" \
	--disk "$dir/a.img,readonly=true"
try 0 vm stop disks --force
is 'what the guest wrote is in the image' "$(qemu-img convert -O raw "$dir/b.qcow2" "$dir/b.raw" && head -c 5 "$dir/b.raw")" guest
running=''
refused 'a disk twice' "the disk $dir/c.img: it is given twice" --disk "$dir/c.img" --disk "$dir/c.img"
refused 'a qcow2 image as raw' "the disk $dir/b.qcow2: the file is a qcow2 image: use --disk $dir/b.qcow2,format=qcow2" \
	--disk "$dir/b.qcow2"
refused 'a raw image as qcow2' "the disk $dir/a.img: the file is not a qcow2 image" --disk "$dir/a.img,format=qcow2"
refused 'a directory as a disk' "the disk $dir/cd: it is a directory" --disk "$dir/cd"
refused 'a missing CD' 'the CD /nowhere: No such file' --cdrom /nowhere
refused 'a disk as a CD' "the CD $dir/a.img: it is not the image of a CD or DVD" --cdrom "$dir/a.img"
refused 'a format that QEMU does not know' 'QEMU has ended' --disk "$dir/a.img,format=nonsense"

section 'networks'

ip link add vpbr0 type bridge
ip addr add 10.51.0.1/24 dev vpbr0
ip link set vpbr0 up
ip tuntap add vptap0 mode tap
ip addr add 10.50.0.1/24 dev vptap0
ip link set vptap0 up
mkdir -p /etc/qemu
echo 'allow vpbr0' > "$dir/bridge.conf"
: >> /etc/qemu/bridge.conf
mount --bind "$dir/bridge.conf" /etc/qemu/bridge.conf
starts nets --net tap,name=vptap0,mac=52:54:00:AA:bb:01 --net bridge,name=vpbr0 --net user
is 'a tap, with its MAC address' "$(report nets eth0)" '52:54:00:aa:bb:01 yes'
like 'a bridge' "$(report nets eth1)" '52:54:00:* yes'
like 'outgoing connections' "$(report nets eth2)" '52:54:00:*'
running=nets
refused 'a tap that a machine has' "the network tap 'vptap0': another machine or program has it" \
	--net tap,name=vptap0
refused 'no such bridge' "the network bridge 'vpbr9': the host has no such bridge" --net bridge,name=vpbr9
refused 'no such tap' "the network tap 'vptap9': the host has no such interface" --net tap,name=vptap9
refused 'no bridge' "the network bridge 'vptap0': the interface is not a bridge" --net bridge,name=vptap0
refused 'no tap' "the network tap 'lo': the interface is not a tap device" --net tap,name=lo
refused 'no macvtap' "the network macvtap 'lo': the interface is not a macvtap" --net macvtap,name=lo
if ip link add vpdummy0 type dummy && ip link add link vpdummy0 name vpmac0 type macvtap mode bridge; then
	ip link set vpdummy0 up
	ip link set vpmac0 up
	mac=$(cat /sys/class/net/vpmac0/address)
	refused 'another MAC address for a macvtap' \
		"the network macvtap 'vpmac0': it has the MAC address $mac, *ip link set vpmac0 address 52:54:00:00:00:07*" \
		--net macvtap,name=vpmac0,mac=52:54:00:00:00:07
	try 0 vm start tapped --pool parts --mem 32M --kernel "$VPOOL_KERNEL_IMAGE" --accel tcg \
		--net macvtap,name=vpmac0
	like 'a macvtap gives its MAC address' "$(tr '\0' ' ' < "/proc/$(pid_of tapped)/cmdline")" \
		"*netdev=vpool0.macvtap.vpmac0,mac=$mac *"
	try 0 vm stop tapped --force
else
	tap_result yes 'a macvtap # SKIP this kernel has no dummy or macvtap'
fi
echo 'deny all' > "$dir/bridge.conf"
refused 'a bridge that is not allowed' "the network bridge 'vpbr0': qemu-bridge-helper failed: *allow vpbr0*" \
	--net bridge,name=vpbr0
echo 'allow vpbr0' > "$dir/bridge.conf"
VPOOL_BRIDGE_HELPER=/nowhere refused 'no helper for bridges' 'a bridge needs qemu-bridge-helper' \
	--net bridge,name=vpbr0
try 0 create other --cpus 3 --mem 256M
try 1 vm migrate nets --to other
like 'a machine with a tap does not migrate on its host' "$err" "*its network is 'vptap0'*cannot be migrated*"
try 0 vm stop nets --force
running=''


section 'UEFI'

# An emulated test VM cannot run OVMF under KVM.
starts efi --firmware uefi --accel tcg
is 'the guest has UEFI' "$(report efi firmware)" uefi
is 'the machine has variables' "$(stat -c '%a %s' "$state/efi/uefi-variables")" \
	"600 $(stat -L -c %s /usr/share/OVMF/OVMF_VARS_4M.fd)"
try 0 vm stop efi --force
before=$(sha256sum < "$state/efi/uefi-variables")
VPOOL_OVMF_DIR=/nowhere refused 'no OVMF' 'there is no UEFI firmware: install OVMF' --firmware uefi
VPOOL_OVMF_DIR=/nowhere try 1 vm start efi --pool parts --mem 64M --kernel "$VPOOL_KERNEL_IMAGE" \
	--firmware uefi
is 'the variables stay' "$(sha256sum < "$state/efi/uefi-variables")" "$before"

section 'a seed and a TPM'

printf '#cloud-config\nhostname: web\n' > "$dir/user"
printf 'version: 2\n' > "$dir/network"
starts seeded --disk "$dir/a.img" --seed "$dir/user,network-config=$dir/network" --tpm
is 'the seed is the last disk' "$(report seeded vdb | cut -d ' ' -f 2)" 1
is 'its user-data' "$(report seeded user-data)" '#cloud-config'
is 'its meta-data names the machine' "$(report seeded meta-data)" \
	'instance-id: seeded local-hostname: seeded '
is 'its network-config' "$(report seeded network-config)" 'version: 2'
is 'the label' "$(blkid -o value -s LABEL "$state/seeded/seed.iso")" cidata
is 'a TPM' "$(report seeded tpm)" 2
is 'swtpm runs' "$(helpers)" 1
like 'as a member of the pool' "$(cat "/proc/$(pgrep -x swtpm)/status")" '*Cpus_allowed_list:	[12]*'
try 1 vm migrate seeded --to other
like 'a machine with a TPM does not migrate' "$err" '*it has a TPM, whose state stays here; it cannot be migrated*'
kill -9 "$(pid_of seeded)"
until_true 10 no_helpers
is 'swtpm ends with QEMU, however that ends' "$(helpers)" 0
like 'the state of the TPM stays' "$(ls "$state/seeded/tpm")" '*tpm2-00.permall*'
VPOOL_SWTPM=/nowhere refused 'no swtpm' 'a TPM needs the program swtpm: install it' --tpm
VPOOL_SWTPM=/bin/false refused 'a swtpm that fails' 'QEMU has ended' --tpm
refused 'a missing user-data' "the seed's user-data /nowhere: No such file" --seed /nowhere
refused 'a directory as a seed' "the seed's user-data $dir/cd: it is a directory" --seed "$dir/cd"
mkdir "$dir/full"
mount -t tmpfs -o size=16k none "$dir/full"
VPOOL_STATE_DIR=$dir/full refused 'a full disk for variables' "its state $dir/full/bad/uefi-variables: No space left" \
	--firmware uefi
is 'the full disk is empty' "$(ls "$dir/full")" ''
umount "$dir/full"

section 'shares and a screen'

echo 'shared' > "$dir/share/hello"
echo 'too' > "$dir/share2/hello"
starts shared --share "$dir/share,tag=data" --share "$dir/share2,tag=other" --vnc socket
is 'the guest reads a share' "$(report shared share-data)" shared
is 'the guest reads another share' "$(report shared share-other)" too
is 'the guest writes to it' "$(cat "$dir/share/answer")" 'from the guest'
is 'the guest has a screen' "$(report shared screen)" yes
is 'VNC answers on the socket' "$(python3 - "$dir/run/vm/shared/0/vnc" <<-'PYTHON'
	import socket
	import sys

	client = socket.socket(socket.AF_UNIX)
	client.connect(sys.argv[1])
	print(client.recv(3).decode())
	PYTHON
)" RFB
try 1 vm migrate shared --to other
like 'a machine with a share does not migrate' "$err" '*it shares a directory of the host*cannot be migrated*'
try 0 vm stop shared --force
is 'virtiofsd has ended' "$(helpers)" 0
is 'all memory is back' "$(used parts)" 0
VPOOL_VIRTIOFSD=/nowhere refused 'no virtiofsd' 'a share needs the program virtiofsd: install it' --share "$dir/share"
VPOOL_VIRTIOFSD=/bin/false refused 'a virtiofsd that fails' 'QEMU has ended' --share "$dir/share"
refused 'a share that is missing' 'the share /nowhere: No such file' --share /nowhere
refused 'a share that is a file' "the share $dir/user: it is not a directory" --share "$dir/user"

section 'migration, and a port for VNC'

starts moving --net bridge,name=vpbr0 --vnc socket --disk "$dir/c.img"
try 0 vm migrate moving --to other
is 'it is in the other pool' "$(listed NAME,POOL)" 'moving other'
try 0 vm migrate moving --to parts
is 'it is back' "$(listed NAME,POOL)" 'moving parts'
is 'the socket of VNC is there' "$(test -S "$dir/run/vm/moving/0/vnc"; echo $?)" 0
try 0 vm stop moving --force
try 0 vm start moving --pool parts --mem 64M --kernel "$VPOOL_KERNEL_IMAGE" --vnc 5907
is 'VNC listens on the loopback interface alone' "$(awk '$4 == "0A" && $2 ~ /:1713$/ { print $2 }' \
	/proc/net/tcp /proc/net/tcp6)" 0100007F:1713
running=moving
refused 'a port that is taken' 'QEMU has ended' --vnc 5907
try 0 vm stop moving --force
running=''

section 'a definition'

try 0 vm define kept --pool parts --mem 64M --kernel "$VPOOL_KERNEL_IMAGE" --firmware uefi --tpm
try 0 vm start kept
try 1 vm undefine kept --state
like 'the state of a machine that runs stays' "$err" '*kept: it runs*'
try 0 vm stop kept --force
try 0 vm undefine kept --state
is 'vm undefine --state removes it' "$(ls -d "$state/kept" 2> /dev/null)" ''

tap_end
