# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2154
#
# A real Linux guest for tests, which writes its memory all the time and says in each
# round that it is right: source this. $build is where the programs are, $dir a folder
# for what is made.

pools=/sys/kernel/vpool/pools

used() { cat "$pools/$1/memory/used_bytes"; }
dedicated() { cat "$pools/$1/cpus/dedicated"; }
all_back() { [ "$(used "$1") $(dedicated "$1")" = '0 ' ]; }

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

# until_true SECONDS COMMAND...: with a last look, should all have stood still.
until_true() {
	local end=$((SECONDS + $1))

	shift
	until "$@"; do
		[ "$SECONDS" -lt "$end" ] || { "$@"; return; }
		sleep 0.2
	done
}

# Linux 6.1 does not count a huge page as mapped while a hint of NUMA balancing is
# on it; those hints come and go.
balancing=/proc/sys/kernel/numa_balancing
hints=''
stop_hints() {
	hints=$(cat $balancing 2> /dev/null)
	[ -z "$hints" ] || echo 0 > $balancing
}
put_hints_back() { [ -z "$hints" ] || echo "$hints" > $balancing; }

# How much of the pool's memory a process has mapped by huge pages.
huge_and_size() {
	awk '/^[0-9a-f]+-[0-9a-f]+ / { ours = $6 ~ "^/dev/vpool/" }
		ours && /^Size:/ { size += $2 }
		ours && /^FilePmdMapped:/ { huge += $2 }
		END { print huge " of " size " kB" }' "/proc/$1/smaps"
}

# The last round that a guest is known to have done.
round() { sed -n 's/^guest: right in round \([0-9]*\).$/\1/p' "$dir/$1" | tail -n 1; }
is_beyond() { [ "$(round "$1")" -gt "$2" ] 2> /dev/null; }
is_up() { [ -n "$(round "$1")" ]; }

# The guest as $dir/guest.cpio, to boot with MB= on its command line.
make_initrd() {
	local root=$dir/initrd file nr=0

	mkdir -p "$root/dev"
	cp "$build/vm_guest" "$root/init"
	mknod "$root/dev/console" c 5 1
	modprobe -S "$(uname -r)" --show-depends -a evdev button virtio_pci virtio_blk \
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
