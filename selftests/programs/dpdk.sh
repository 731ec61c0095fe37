#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Test DPDK with memory of a pool, as described in Documentation/programs.rst: a file as
# external memory of a program, and testpmd with the memory of a guest, whose packets it
# returns. Also show that the EAL cannot take its own memory from a pool. Needs root, DPDK
# (tools/setup long), a compiler, and for the guest QEMU and KVM.

# shellcheck source=selftests/programs/pool_dir.sh
. "$(dirname "$(readlink -f "$0")")/pool_dir.sh"
# shellcheck disable=SC2034 # guest.sh uses it
build=${OUTPUT:-$(readlink -f "$here/../../build/selftests")}

# DPDK is installed, or unpacked beside the other tools.
tools=${VPOOL_TOOLS:-$HOME/.cache/vpool/tools/usr/bin}
testpmd=$(PATH=$PATH:$tools command -v dpdk-testpmd) || skip_all 'no dpdk-testpmd here'
usr=${testpmd%/bin/*}
lib=$usr/lib/$(uname -m)-linux-gnu
export LD_LIBRARY_PATH=$lib
drivers=$(echo "$lib"/dpdk/pmds-*)
# The main memory of DPDK is that of the host, except where a test says otherwise.
eal=(--no-pci --no-telemetry --iova-mode=va -d "$drivers/librte_mempool_ring.so")
no_huge=(--no-huge -m 64)

mount_pool 256M ,f_type=hugetlbfs

section 'a program with external memory'

compile() {
	# DPDK needs SSE 4.2. The pages of its memory are those of the file.
	gcc -O1 -march=corei7 -Wall -I "$usr/include/dpdk" \
		-I "$usr/include/$(uname -m)-linux-gnu/dpdk" -o "$dir/dpdk_file" \
		"$here/dpdk_file.c" -Wl,--allow-shlib-undefined \
		"$lib"/librte_{eal,ethdev,mbuf,mempool}.so.[0-9][0-9]
}
compile > "$dir/out" 2>&1
is 'the program compiles' $? 0
sed 's/^/# /' "$dir/out"
"$dir/dpdk_file" "${eal[@]}" "${no_huge[@]}" -l 0 -d "$drivers/librte_net_ring.so" \
	--vdev net_ring0 -- "$mnt/external" 64 > "$dir/out" 2>&1
is 'packets arrive through external memory of the pool' $? 0
tail -n 3 "$dir/out" | sed 's/^/# /'
is 'the file is memory of the pool' "$(used $pool)" $((64 << 20))
rm "$mnt/external"

section 'what DPDK cannot do'

echo | timeout 60 "$testpmd" "${eal[@]}" --huge-dir "$mnt" -m 64 -l 0,1 \
	-d "$drivers/librte_net_null.so" --vdev net_null0 > "$dir/out" 2>&1
is 'the EAL does not start with --huge-dir' $? 1
like 'it looks for huge pages of the host' "$(cat "$dir/out")" '*huge*'
sed 's/^/# /' "$dir/out"
is 'it has not used the pool' "$(used $pool)" 0

section 'testpmd with the memory of a guest'

# Start the guest, in a shell of its own.
guest() {
	exec qemu-system-x86_64 -nodefaults -display none -no-user-config -m 144M \
		-machine q35,memory-backend=r,accel=kvm -cpu host \
		-object "memory-backend-file,id=r,size=144M,mem-path=$mnt,share=on,prealloc=on" \
		-kernel "$VPOOL_KERNEL_IMAGE" -initrd "$dir/guest.cpio" \
		-append 'console=ttyS0 quiet MB=16 net.ifnames=0' -serial "file:$dir/console" \
		-chardev "socket,id=switch,path=$dir/switch" \
		-netdev vhost-user,id=net,chardev=switch \
		-device virtio-net-pci,netdev=net
}
# shellcheck disable=SC2317 # until_true calls these two
switch_is_ready() { test -S "$dir/switch" || ! kill -0 "$switch" 2> /dev/null; }
# shellcheck disable=SC2317
has_exchanged() {
	grep -qs 'packets returned' "$dir/console" ||
		! kill -0 "$switch" "${users[1]}" 2> /dev/null
}

if [ ! -e /dev/kvm ] || [ ! -r "${VPOOL_KERNEL_IMAGE:-}" ]; then
	tap_result yes 'testpmd # SKIP no /dev/kvm or no VPOOL_KERNEL_IMAGE here'
	end
fi
make_initrd virtio_net
# It ends when it reads a line.
mkfifo "$dir/enter"
"$testpmd" "${eal[@]}" "${no_huge[@]}" -l 2,3 -d "$drivers/librte_net_vhost.so" \
	--vdev "net_vhost0,iface=$dir/switch" -- --forward-mode=macswap --auto-start \
	--total-num-mbufs=2048 --no-mlockall < "$dir/enter" > "$dir/testpmd" 2>&1 &
switch=$!
users=("$switch")
exec 8> "$dir/enter"
until_true 120 switch_is_ready
guest > "$dir/qemu" 2>&1 &
users+=($!)
until_true 300 has_exchanged
is 'testpmd returns the packets of a guest' \
	"$(sed -n 's/^guest: packets returned: \([0-9]*\).$/\1/p' "$dir/console")" 200
sed 's/^/# /' "$dir/qemu"
is 'the guest'\''s memory is the pool'\''s' "$(used $pool)" $((144 << 20))
like 'testpmd maps it' "$(cat "/proc/$switch/maps")" "* rw-s *$mnt/*(deleted)*"
kill -9 "${users[1]}"
(echo >&8)
wait "$switch"
is 'testpmd ends' $? 0
exec 8>&-
tail -n 30 "$dir/testpmd" | sed 's/^/# /'
users=()
returned
end
