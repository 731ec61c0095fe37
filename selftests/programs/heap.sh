#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Run programs that know nothing of pools with vpoolctl run --heap, and give CPUs of their
# own to programs. Needs root. The tests of malloc need mimalloc.

# shellcheck source=selftests/programs/pool_dir.sh
. "$(dirname "$(readlink -f "$0")")/pool_dir.sh"

out='' err=''
OUTPUT=${OUTPUT:-$(readlink -f "$here/../../build/selftests")}
page=$(cat /sys/kernel/vpool/default_page_size)
[ "$page" = $((2 << 20)) ] || skip_all "huge pages of 2 MiB are needed, not of $page bytes"
report=$dir/report
# A user who may use the pool.
user=daemon
chmod 711 "$dir"
cp "$OUTPUT/heap_user" "$dir"
install -m 666 /dev/null "$report"

# heap STATUS TEST [OPTION]...: run a test of heap_user with --heap, and check that the pool
# has its memory back.
heap() {
	local status=$1 test=$2

	shift 2
	vpoolctl run --heap --heap-fallback=no "$@" $pool -- "$dir/heap_user" "$test" \
		> "$dir/out" 2>&1
	is "$test${*:+ $*}" $? "$status"
	sed 's/^/# /' "$dir/out"
	is "$test${*:+ $*}: the pool has its memory back" "$(used $pool)" 0
}

# reported PATTERN: check the report, and empty it
reported() {
	like "the report: $1" "$(cat "$report")" "$1"
	sed 's/^/# /' "$report"
	: > "$report"
}

# hold NAME [OPTION]...: start "heap_user NAME" with --heap, and wait until it has its memory.
hold() {
	local test=$1

	shift
	rm -f "$dir/ready"
	vpoolctl run --heap --heap-fallback=no "$@" $pool -- "$dir/heap_user" "$test" \
		> "$dir/ready" 2>&1 &
	users=($!)
	until_true 30 test -s "$dir/ready"
}

# kill_held: kill what hold() has started, with its children
kill_held() {
	# shellcheck disable=SC2046
	kill -9 $(pgrep -P "${users[0]}") "${users[@]}"
	wait "${users[@]}" 2> /dev/null
	users=()
	until_true 30 has_used = 0
}

try 0 create $pool --mem 64M --owner $user

section 'what the pool serves'

for test in shared private protected moved discard raw-fork fixed memfd shm other-shm threads; do
	heap 0 $test
done
heap 0 dontfork --heap-private=dontfork
heap 0 shared --heap-report="$report"
reported "vpool-heap: heap_user (*): pool $pool; shared: 1 served (4 MiB), 0 not"
heap 0 private --heap-report
like 'the report on standard error' "$(cat "$dir/out")" \
	'*private: 1 served (4 MiB), 0 not; fork: 1 served (4 MiB), 0 not*'
runuser -u $user -- vpoolctl run --heap --heap-fallback=no $pool -- "$dir/heap_user" shm
is 'another user' $? 0

section 'killed programs'

hold hold
is 'a program and its child have memory' "$(used $pool)" $((5 * page))
kill_held
is 'the pool has the memory of killed programs back' "$(used $pool)" 0
is 'no segment is left' "$(ipcs -m | grep -c '^0x')" 0

section 'what the pool does not serve'

heap 0 never --heap-report="$report"
reported '*shared: 0 served (0 MiB), 1 not; memfd: 0 served (0 MiB), 2 not; shm: 0 served (0 MiB), 1 not; other page size: 2; seals: 1; key: 1'
heap 0 full --heap-report="$report"
reported '*shared: 32 served (64 MiB), 1 not; shm: 0 served (0 MiB), 1 not; too little memory in the pool: 2'
heap 1 private --heap-private=host
vpoolctl run --heap --heap-private=host $pool -- "$dir/heap_user" private > "$dir/out"
is 'without huge pages of the host, a request that falls back fails' $? 1
echo 8 > /proc/sys/vm/nr_hugepages
heap 1 private --heap-private=host
vpoolctl run --heap --heap-private=host --heap-report="$report" $pool -- \
	"$dir/heap_user" private
is 'with huge pages of the host, a request falls back' $? 0
reported '*private: 0 served (0 MiB), 1 not; private: 1'
echo 0 > /proc/sys/vm/nr_hugepages
runuser -u nobody -- vpoolctl run --heap $pool -- true > "$dir/out" 2>&1
is 'a user who may not open the pool' $? 1
LD_PRELOAD=$(readlink -f "$(dirname "$(command -v vpoolctl)")/../lib/vpool/libvpool-heap.so") \
	VPOOL_HEAP=$pool VPOOL_HEAP_REPORT=$report VPOOL_HEAP_FALLBACK=no \
	runuser -u nobody -- "$dir/heap_user" refused
is 'the library alone does not open the pool to a user' $? 0
reported '*no access to the pool: 3'

section 'set-user-ID programs'

install -m 4755 "$dir/heap_user" "$dir/setuid"
runuser -u $user -- vpoolctl run --heap --heap-report="$report" $pool -- "$dir/setuid" refused
is 'such a program has no memory of the pool' $? 0
is 'it does not write the report' "$(cat "$report")" ''
rm "$dir/setuid"

section 'a small pool'

try 0 resize $pool --mem 12M
heap 0 no-copy
heap 1 host-copy
vpoolctl run --heap --heap-report="$report" $pool -- "$dir/heap_user" host-copy
is 'a child has a copy in memory of the host' $? 0
reported '*fork: 0 served (0 MiB), 2 not; too little memory in the pool: 2'
try 0 destroy $pool
try 0 create $pool --mem 8M --page-size 4K
heap 1 shared --heap-report="$report"
reported '*other page size: 1'
try 0 destroy $pool

section 'malloc'

try 0 create $pool --mem 512M
if vpoolctl run --dry-run --heap-malloc $pool -- true > /dev/null 2>&1; then
	heap 0 malloc --heap-malloc --heap-report="$report"
	reported '*private: [1-9]* served*fork: 4 served*'
	heap 0 private --heap-malloc
	heap 0 threads --heap-malloc
	hold hold --heap-malloc
	like 'malloc has memory of the pool' "$(($(used $pool) > 5 * page))" 1
	kill_held
	is 'the pool has the memory of a killed program back' "$(used $pool)" 0
else
	try 1 run --dry-run --heap-malloc $pool -- true
	like 'mimalloc is needed' "$err" '*--heap-malloc needs mimalloc*'
	tap_result yes 'malloc # SKIP no mimalloc here'
fi

section 'options'

try 2 run --heap-fallback=no $pool -- true
like 'an option of --heap' "$err" '*--heap-fallback needs --heap*'
try 2 run --heap --heap-private=share $pool -- true
like 'an unknown value' "$err" "*--heap-private: 'share' is not one of copy|dontfork|host*"
vpoolctl run --heap $pool -- "$dir/missing" 2> /dev/null
is 'no such program' $? 127
try 0 destroy $pool

section 'a program with a CPU'

try 0 create $pool --ncpus 2 --split-cores
cpus=$(cat /sys/kernel/vpool/pools/$pool/cpus/effective)
last=${cpus##*[,-]}
try 0 run --cpu "$last" $pool -- grep Cpus_allowed_list /proc/self/status
is 'the program is on its CPU' "${out##*	}" "$last"
try 0 run --cpu "$last" $pool -- cat /sys/kernel/vpool/pools/$pool/cpus/dedicated
is 'no other member runs there' "$out" "$last"
try 0 run --dedicated $pool -- cat /sys/kernel/vpool/pools/$pool/cpus/dedicated
like 'any CPU' "$out" '[0-9]*'
# The last command keeps the subshell from executing sleep itself.
bash -c 'sleep 301 & (sleep 302; true) & wait' &
users=($!)
until_true 30 pgrep -f 'sleep 302' > /dev/null
try 0 attach $pool --pid "${users[0]}" --tree -J
like 'a tree of processes is attached' "$out" '*"attached 4 processes"*'
is 'they are members' "$(cat /sys/kernel/vpool/pools/$pool/cpus/members)" 4
try 0 attach $pool --pid "${users[0]}" --tree -J
like 'they are attached once' "$out" '*"attached 0 processes"*'
try 0 kill $pool -s KILL
wait "${users[0]}" 2> /dev/null
users=()
try 1 run --cpu 0 $pool -- true
like 'the CPU must belong to the pool' "$err" '*cpu 0 *'
try 2 run --cpu x $pool -- true
like 'a CPU is a number' "$err" "*--cpu: 'x' is not the number of a CPU*"
try 0 destroy $pool
try 0 create $pool --mem 4M
try 1 run --dedicated $pool -- true
like 'the pool must have CPUs' "$err" '*has no CPUs*'
try 0 destroy $pool
tap_end
