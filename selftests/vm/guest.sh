# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2154
#
# Functions for tests with a Linux guest; the tests source this file. The guest continuously
# writes its memory and reports in each iteration that the contents are right. $build is the
# directory of the programs, $dir a temporary directory.

pools=/sys/kernel/vpool/pools

used() { cat "$pools/$1/memory/used_bytes"; }
dedicated() { cat "$pools/$1/cpus/dedicated"; }
all_back() { [ "$(used "$1") $(dedicated "$1")" = '0 ' ]; }

section() { echo "# $SECONDS s: $*"; }

# Skip the whole suite: KVM or a program is missing.
skip() {
	echo "ok 1 - all # SKIP $*"
	echo 1..1
	exit 4
}

need_guest() {
	[ -e /dev/kvm ] || skip 'no /dev/kvm here'
	[ -r "${VPOOL_KERNEL_IMAGE:-}" ] || skip 'VPOOL_KERNEL_IMAGE names no kernel'
}

# until_true SECONDS COMMAND...: wait until the command succeeds. After the time limit, try
# one last time, because the whole machine may have been paused.
until_true() {
	local end=$((SECONDS + $1))

	shift
	until "$@"; do
		[ "$SECONDS" -lt "$end" ] || { "$@"; return; }
		sleep 0.2
	done
}

# listed COLUMNS [OPTION]...: print columns of vm list, one blank between them. Ask again if a
# machine is too busy to answer.
listed() {
	local i list

	for ((i = 0; i < 30; i++)); do
		list=$(vpoolctl vm list --noheadings -o "$1" "${@:2}" 2> "$dir/err")
		[[ $list == *busy* ]] || break
	done
	[ -z "$list" ] || echo "$list" | tr -s ' ' | sed 's/ *$//'
}
pid_of() { listed NAME,PID | sed -n "s/^ *$1 //p"; }

# End all machines of $dir/run.
stop_machines() {
	local vm

	for vm in "$dir"/run/vm/*/; do
		[ ! -d "$vm" ] || vpoolctl vm stop --force "$(basename "$vm")"
	done
}

# save_host: keep the accounts of the host in $dir/etc, and who may use KVM. Then remove the
# user of QEMU. restore_host puts all of it back.
accounts=(/etc/passwd /etc/group /etc/shadow /etc/gshadow /etc/subuid /etc/subgid)
kvm_access=''
save_host() {
	touch /etc/subuid /etc/subgid
	mkdir "$dir/etc"
	cp -p "${accounts[@]}" "$dir/etc"
	kvm_access=$(stat -c '%u:%g %a' /dev/kvm)
	sed -i '/^vpool-vm:/d' "${accounts[@]}"
}
restore_host() {
	local file

	[ -n "$kvm_access" ] || return 0
	chown "${kvm_access% *}" /dev/kvm
	chmod "${kvm_access#* }" /dev/kvm
	for file in "${accounts[@]}"; do
		[ ! -e "$dir$file" ] || cp -p "$dir$file" "$file"
	done
}

# Linux 6.1 does not count a huge page as mapped while NUMA balancing has marked it.
balancing=/proc/sys/kernel/numa_balancing
balanced=''
stop_balancing() {
	balanced=$(cat $balancing 2> /dev/null)
	[ -z "$balanced" ] || echo 0 > $balancing
}
restore_balancing() { [ -z "$balanced" ] || echo "$balanced" > $balancing; }

# huge_and_size PID [DIR]: print "HUGE of SIZE kB": the memory that the process maps from
# files in this folder, by default the pools' devices, and the part of it that is mapped
# with huge pages.
huge_and_size() {
	awk -v dir="${2:-/dev/vpool}/" '/^[0-9a-f]+-[0-9a-f]+ / { ours = index($6, dir) == 1 }
		ours && /^Size:/ { size += $2 }
		ours && /^FilePmdMapped:/ { huge += $2 }
		END { print huge " of " size " kB" }' "/proc/$1/smaps"
}

# last_iteration CONSOLE: print the last iteration that the guest has reported.
last_iteration() { sed -n 's/^guest: right in iteration \([0-9]*\).$/\1/p' "$dir/$1" | tail -n 1; }
is_beyond() { [ "$(last_iteration "$1")" -gt "$2" ] 2> /dev/null; }
is_up() { [ -n "$(last_iteration "$1")" ]; }

# make_initrd [MODULE]...: make $dir/guest.cpio, the initramfs, with further modules. Boot
# it with MB= on the command line.
# shellcheck disable=SC2120
make_initrd() {
	local root=$dir/initrd file nr=0

	mkdir -p "$root/dev"
	cp "$build/vm_guest" "$root/init"
	mknod "$root/dev/console" c 5 1
	modprobe -S "$(uname -r)" --show-depends -a evdev button virtio_pci virtio_blk "$@" \
		2> /dev/null | sed -n 's/^insmod \([^ ]*\).*/\1/p' |
		awk '!seen[$0]++' > "$dir/modules"
	while read -r file; do
		case $file in
		*.xz) xz -dc "$file" > "$root/$nr.ko" ;;
		*) cp "$file" "$root/$nr.ko" ;;
		esac
		nr=$((nr + 1))
	done < "$dir/modules"
	(cd "$root" && find . | cpio -o -H newc --quiet) > "$dir/guest.cpio"
}

# make_reporter MODULE...: make $dir/parts.cpio, an initramfs that reports what it finds
make_reporter() {
	local root=$dir/reporter file nr=10

	mkdir -p "$root"/{bin,dev,etc,proc,sys,mnt}
	cp "$(command -v busybox)" "$root/bin/busybox"
	printf '%s:x:%d:%d::/:/bin/sh\n' root 0 0 guest 1000 1000 > "$root/etc/passwd"
	mknod "$root/dev/console" c 5 1
	modprobe -S "$(uname -r)" --show-depends -a "$@" 2> /dev/null |
		sed -n 's/^insmod \([^ ]*\).*/\1/p' | awk '!seen[$0]++' > "$dir/modules"
	while read -r file; do
		case $file in
		*.xz) xz -dc "$file" > "$root/$nr.ko" ;;
		*) cp "$file" "$root/$nr.ko" ;;
		esac
		nr=$((nr + 1))
	done < "$dir/modules"
	cat > "$root/init" <<-'EOF'
		#!/bin/busybox sh
		/bin/busybox --install -s /bin
		mount -t proc none /proc
		mount -t sysfs none /sys
		mount -t devtmpfs none /dev
		for module in /[1-9]*.ko; do insmod $module 2>/dev/null; done
		sleep 1
		for disk in /sys/block/vd*; do
			[ -e $disk ] || continue
			name=${disk##*/}
			echo "report $name $(cat $disk/size) $(cat $disk/ro) $(head -c 8 /dev/$name | strings)"
			case $name in vdb) echo guest | dd of=/dev/$name conv=fsync 2>/dev/null ;; esac
			mount -t iso9660 -o ro /dev/$name /mnt 2>/dev/null || continue
			echo "report user-data $(head -n 1 /mnt/user-data)"
			echo "report meta-data $(tr '\n' ' ' < /mnt/meta-data)"
			echo "report network-config $(head -n 1 /mnt/network-config)"
			umount /mnt
		done
		if mount -t iso9660 -o ro /dev/sr0 /mnt 2>/dev/null; then
			echo "report cdrom $(cat /mnt/hello)"
			umount /mnt
		fi
		for net in 0 1 2; do
			[ -e /sys/class/net/eth$net ] || continue
			ip addr add 10.5$net.0.2/24 dev eth$net
			ip link set eth$net up
			ok=no
			for i in 1 2 3 4 5; do ping -c 1 -W 2 10.5$net.0.1 >/dev/null && ok=yes && break; done
			echo "report eth$net $(cat /sys/class/net/eth$net/address) $ok"
		done
		[ -d /sys/firmware/efi ] && echo "report firmware uefi" || echo "report firmware bios"
		for i in 1 2 3 4 5 6 7 8 9; do
			[ ! -e /sys/firmware/acpi/tables/TPM2 ] || [ -e /dev/tpm0 ] || sleep 3
		done
		[ -e /dev/tpm0 ] && echo "report tpm $(cat /sys/class/tpm/tpm0/tpm_version_major)"
		mkdir -p /share
		for tag in data other; do
			mount -t virtiofs $tag /share 2>/dev/null || continue
			echo "report share-$tag $(cat /share/hello)"
			echo "from the guest" > /share/answer
			chmod 777 /share
			su guest -c "echo from another user > /share/other"
			umount /share
		done
		grep -l 0x030000 /sys/bus/pci/devices/*/class >/dev/null && echo "report screen yes"
		echo "report done"
		while :; do sleep 1; done
	EOF
	chmod +x "$root/init"
	(cd "$root" && find . | cpio -o -H newc --quiet) > "$dir/parts.cpio"
}

# report CONSOLE KEY: print what the guest has reported. A message of its kernel can be on
# the same line before that.
report() { tr -d '\r' < "$dir/$1" | sed -n "s/^.*report $2 //p" | tail -n 1; }
has_report() { grep -q 'report done' "$dir/$1" 2> /dev/null; }
