#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Test machines whose memory changes while they run: vm start --max-mem, vm resize and
# --reclaim. Three Linux guests trade the memory of a pool that cannot hold all three at
# their maximum. Each guest writes and checks a part of the memory that it has. Needs root,
# KVM, four CPUs and 1.2 GiB free.
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
modinfo -n virtio_mem > /dev/null 2>&1 || skip 'this kernel has no module virtio_mem'

export LC_ALL=C
dir=$(mktemp -d) || exit 1
export VPOOL_RUN_DIR=$dir/run
out='' err=''
mib=$((1 << 20))

# shellcheck disable=SC2317 # the trap calls it
clean_up() {
	stop_machines
	vpoolctl destroy --force elastic elastic-b
	rm -r "$dir"
} > /dev/null 2>&1
trap clean_up EXIT

# columns VM COLUMNS: print columns of a machine.
columns() { listed "NAME,STATE,$2" | sed -n "s/^$1 [a-z-]* //p"; }

# used_is POOL MIB: the pool has this much memory in use within a second
used_is() { [ "$(used "$1")" = $(($2 * mib)) ]; }
used_soon() {
	until_true 1 used_is "$1" "$2"
	is "$3" "$(used "$1")" $(($2 * mib))
}

# Memory that the program in the guest uses, in MiB.
uses() { sed -n 's/^guest: uses MiB \([0-9]*\).$/\1/p' "$dir/$1" | tail -n 1; }
uses_more() { [ "$(uses "$1")" -gt "$2" ] 2> /dev/null; }
uses_less() { [ "$(uses "$1")" -lt "$2" ] 2> /dev/null; }

# describe VM: print what is known of a guest that does not come up
describe() {
	vpoolctl vm list -o NAME,STATE,CPUS,MEMORY,MAX,USED | sed 's/^/# /'
	tail -n 20 "$dir/$1" | sed 's/^/# console: /'
	sed 's/^/# QEMU: /' "$dir/run/vm/$1/0/log"
}

# continues VM: the guest completes another iteration with correct memory
continues() {
	local at

	at=$(last_iteration "$1")
	until_true 60 is_beyond "$1" "$at"
	is "guest $1 continues with correct memory" "$? $(grep -c WRONG "$dir/$1")" '0 0'
}

kernel=(--kernel "$VPOOL_KERNEL_IMAGE" --initrd "$dir/guest.cpio"
	--append 'console=ttyS0 memhp_default_state=online_movable ELASTIC=1' --user root)
boot=(--pool elastic --mem 176M --max-mem 432M "${kernel[@]}")

# shellcheck disable=SC2034 # guest.sh uses it
make_initrd virtio_mem virtio_balloon
stop_balancing

section 'three machines'

try 0 create elastic --cpus 2-3 --mem 800M
for vm in a b c; do
	try 0 vm start $vm "${boot[@]}" --console "$dir/$vm"
done
like 'start reports the maximum' "$out" \
	'started c on pool elastic: 176M of memory of at most 432M, 1 vCPU*'
is 'only the base memory is committed' "$(used elastic)" $((3 * 176 * mib))
is 'the list has size, maximum and use' "$(columns a MEMORY,MAX,USED)" '176M 432M 176M'
for vm in a b c; do
	until_true 240 is_up $vm
	like "guest $vm is up" "$(last_iteration $vm)" '[0-9]*'
	is_up $vm || describe $vm
done
if ! uses_less a 20; then
	echo '# the remaining tests need the guests'
	tap_end
fi

section 'growing and shrinking'

try 0 vm resize a --mem 432M
like 'resize reports the sizes' "$out" 'resized a from 176M to 432M in * s'
echo "# $out"
used_soon elastic $((2 * 176 + 432)) 'the memory comes from the pool'
is 'the list has the new size' "$(columns a MEMORY,MAX,USED)" '432M 432M 432M'
until_true 60 uses_more a 40
is 'the guest uses the new memory' "$?" 0
continues a
try 1 vm resize b --mem 432M
like 'a pool that is too small is reported at once' "$err" \
	"vpoolctl: vm resize b: pool 'elastic' has 16M free, but 256M more is requested*"
used_soon elastic $((2 * 176 + 432)) 'a refused resize takes nothing'
try 0 vm resize a --mem 176M
echo "# $out"
used_soon elastic $((3 * 176)) 'the memory is back in the pool'
until_true 60 uses_less a 20
is 'the guest uses less' "$?" 0
continues a

section 'the guests trade memory'

for trade in 'b 432 784' 'b 304 656' 'c 304 784' 'c 176 656' 'a 304 784' 'b 176 656'; do
	read -r vm size total <<< "$trade"
	try 0 vm resize "$vm" --mem "${size}M" --timeout 120
	echo "# $out"
	used_soon elastic "$total" "$vm has ${size}M: the use of the pool follows"
done
for vm in a b c; do
	continues $vm
done

section 'two machines want the same memory'

# 144 MiB are free. One machine alone could have its 128 MiB.
try 0 vm resize a --mem 176M
try 0 vm resize c --mem 304M
for vm in a b; do
	vpoolctl vm resize $vm --mem 304M --timeout 20 > "$dir/$vm.out" 2>&1 &
done
wait
sed 's/^/# /' "$dir/a.out" "$dir/b.out"
like 'one of them does not get all' "$(cat "$dir/a.out" "$dir/b.out")" \
	"*vpoolctl: vm resize ?: *pool 'elastic' has * free*"
total=0
for vm in a b c; do
	total=$((total + $(columns $vm MEMORY | tr -d M)))
done
used_soon elastic "$total" 'the pool has in use what the machines have'
for vm in a b c; do
	continues $vm
	try 0 vm resize $vm --mem 176M --timeout 120
done
used_soon elastic $((3 * 176)) 'all of it returns'

section 'invalid sizes'

try 1 vm resize a --mem 434M
like 'more than the maximum' "$err" '*vm resize a: 434M is more than its maximum of 432M*'
try 1 vm resize a --mem 174M
like 'less than the base' "$err" '*vm resize a: 174M is less than the 176M that it was started with*'
try 1 vm resize a --mem 177M
like 'not a multiple of the block size' "$err" \
	'*vm resize a: 177M is not the 176M that it was started with plus a multiple of 2M*'
try 0 vm resize a --mem 176M
like 'the size that it has' "$out" 'resized a from 176M to 176M in *'
try 1 vm start x --pool elastic --mem 176M --max-mem 128176M "${kernel[@]}"
like 'a maximum that the pool can never hold' "$err" \
	"*vm start x: *in one file is more than 16 times the memory of pool 'elastic'*"
is 'the failed start leaves nothing' "$(used elastic) $(vpoolctl vm list --noheadings -o NAME | xargs)" \
	"$((3 * 176 * mib)) a b c"

section 'guests that do not take or return memory'

# Without an initial RAM disk, the guest never loads the driver.
try 0 vm start fixed --pool elastic --mem 32M "${kernel[@]::2}"
try 0 vm start bare --pool elastic --mem 32M --max-mem 160M "${kernel[@]::2}"
try 1 vm resize fixed --mem 64M
like 'a machine without --max-mem' "$err" \
	'*vm resize fixed: its size is fixed: it was started without --max-mem*'
try 1 vm resize bare --mem 96M --timeout 3
like 'a guest without driver' "$err" \
	'*vm resize bare: it has 32M after 3.* s, not 96M: its guest has not loaded a driver for that; Linux needs CONFIG_VIRTIO_MEM*'
is 'the size is unchanged' "$(columns bare MEMORY,MAX,USED)" '32M 160M 32M'
try 0 vm stop bare --force
try 0 vm stop fixed --force
try 0 vm pause b
try 1 vm resize b --mem 304M --timeout 2
like 'a paused machine' "$err" '*vm resize b: it has 176M after 2.* s, not 304M: the machine is paused*'
try 0 vm resume b
continues b
used_soon elastic $((3 * 176)) 'a withdrawn request takes nothing'

section 'migrate'

try 0 vm resize c --mem 304M
until_true 60 uses_more c 25
try 0 create elastic-b --cpus 1 --mem 256M
try 1 vm migrate c --to elastic-b
like 'the target needs the memory that the guest has' "$err" \
	"*pool 'elastic-b' has 256M free, but 304M is requested*"
try 0 resize elastic-b --mem 352M
try 0 vm migrate c --to elastic-b --timeout 300 --downtime 5
echo "# $out"
is 'the machine has its size in the new pool' "$(columns c POOL,MEMORY,MAX,USED)" \
	'elastic-b 304M 432M 304M'
used_soon elastic $((2 * 176)) 'the old pool has the memory back'
continues c
try 0 vm resize c --mem 176M --timeout 120
used_soon elastic-b 176 'the machine returns memory to the new pool'
continues c

section 'stop'

try 0 vm resize a --mem 304M
for vm in a b c; do
	try 0 vm stop $vm --timeout 120
done
like 'stop reports the memory' "$out" 'c shut down; 176M back in pool elastic-b'
is 'all memory is back' "$(used elastic) $(used elastic-b)" '0 0'

section 'a guest that reports free memory'

in_use_less() { [ "$(used elastic)" -lt $(($1 * mib)) ]; }
try 0 vm start r --pool elastic --mem 400M --max-mem 656M --reclaim \
	"${kernel[@]}" --console "$dir/r"
is 'all of the base memory is committed' "$(used elastic)" $((400 * mib))
until_true 240 is_up r
until_true 60 in_use_less 336
is 'memory that the guest has freed is in the pool' "$?" 0
echo "# $(columns r MEMORY,MAX,USED)"
like 'the size is unchanged' "$(columns r MEMORY,MAX)" '400M 656M'
continues r
before=$(used elastic)
try 0 vm resize r --mem 656M --timeout 120
until_true 60 uses_more r 80
is 'the guest uses more' "$?" 0
until_true 60 in_use_less $((before / mib + 160))
is 'new memory that it does not use is in the pool' "$?" 0
is 'memory that it uses is committed' "$(($(used elastic) > before + 24 * mib))" 1
echo "# $(columns r MEMORY,MAX,USED)"
try 0 vm resize r --mem 400M --timeout 120
continues r
try 0 vm stop r --timeout 120
is 'all memory is back' "$(used elastic)" 0
try 0 destroy elastic elastic-b

tap_end
