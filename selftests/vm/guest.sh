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
