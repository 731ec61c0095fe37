#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Declared pools with the module: apply creates the declared pools, and export, destroy
# and apply restore them, for random files. Needs root, the module and no other pools.
# VPOOLCTL is the program; VPOOL_STATE_FILES is the number of random files.

dir=$(mktemp -d) || exit 1
# shellcheck source=/dev/null
. "$(dirname "$0")/tap.sh"

export LC_ALL=C
VPOOLCTL=${VPOOLCTL:-vpoolctl}
nr_files=${VPOOL_STATE_FILES:-10}
nodes=$(sed 's/-/ /' /sys/devices/system/node/online | xargs seq)
last_cpu=$(sed 's/.*[,-]//' /sys/devices/system/cpu/online)

if [ ! -c /dev/vpool/control ]; then
	echo '1..0 # SKIP the module is not loaded'
	exit 0
fi
if [ "$(cat /sys/kernel/vpool/default_page_size)" -gt $((2 << 20)) ]; then
	echo '1..0 # SKIP this test declares memory in units of 2 MiB, less than a huge page here'
	exit 0
fi

# Isolation is part of the state where cgroup2 has cpusets.
cgroup=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/self/mounts)
grep -qsw cpuset "$cgroup/cgroup.controllers" && cpusets=yes

no_pools()
{
	echo 'pools: {}' | "$VPOOLCTL" apply --quiet -
}

# shellcheck disable=SC2317 # the trap calls it
clean_up()
{
	exec 9<&-
	no_pools
	rm -r "$dir"
}
trap clean_up EXIT

# try STATUS ARGUMENT...: run vpoolctl and check its exit status; set out and err
try()
{
	local wanted=$1 status

	shift
	"$VPOOLCTL" "$@" >"$dir/out" 2>"$dir/err" </dev/null
	status=$?
	out=$(cat "$dir/out")
	err=$(cat "$dir/err")
	is "vpoolctl ${*//$dir\//}" "$status" "$wanted"
	[ "$status" = 0 ] || says_next "vpoolctl $1"
}

# Set one to one of the arguments.
pick()
{
	shift $((RANDOM % $#))
	one=$1
}

# Set mem to random sizes, with and without nodes.
random_mem()
{
	local node parts=()

	for node in $nodes; do
		pick 0 2M 3M 10M 20480K
		[ "$one" = 0 ] || parts+=("$one@$node")
	done
	pick 0 0 4M 7M
	[ "$one" = 0 ] && [ "${#parts[@]}" -gt 0 ] || parts+=("${one/#0/2M}")
	mem=$(IFS=,; echo "${parts[*]}")
}

# Print a file that declares pools. Each CPU but the first is in one pool or in none.
random_file()
{
	local -A cpus=()
	local name cpu owners modes

	owners=(root daemon:adm 7:70000 :daemon)
	modes=(0660 0600 "'0444'" 0)
	for ((cpu = 1; cpu <= last_cpu; cpu++)); do
		pick a b.1 c-c none
		cpus[$one]+="${cpus[$one]:+,}$cpu"
	done
	echo 'pools:'
	for name in a b.1 c-c; do
		random_mem
		pick yes yes no
		[ "$one" = yes ] || mem=''
		[ -n "$mem${cpus[$name]}" ] || mem=6M
		echo "  $name:"
		echo '    split-cores: true'
		[ -z "$mem" ] || echo "    mem: [${mem//,/, }]"
		[ -z "${cpus[$name]}" ] || echo "    cpus: \"${cpus[$name]}\""
		pick 'isolate: true' 'isolate: nobalance' 'isolate: false' \
			'confine: true'
		[ -z "${cpus[$name]}" ] || [ -z "$cpusets" ] || echo "    $one"
		pick 2M 2M 4K
		echo "    page-size: $one"
		pick "${owners[@]}"
		echo "    owner: \"$one\""
		pick "${modes[@]}"
		echo "    mode: $one"
		pick '' "path: $dir/$name" "path: $dir/$name, owner: 7:8" \
			"path: $dir/$name, mode: 01777, hugetlbfs: yes"
		[ -z "$mem" ] || [ -z "$one" ] || echo "    mount: {$one}"
	done
	echo '  d: {mem: 4M}'
}

# export_to FILE: export the pools, sorted by name instead of by creation.
export_to()
{
	"$VPOOLCTL" export | awk '
		/^  [^ ]/ { name = $1 }
		{ print (name ? name : " ") "\t" NR "\t" $0 }' |
		sort -t "$(printf '\t')" -k 1,1 -k 2,2n | cut -f 3- >"$1"
}

# Print the pools that are not plain, as partitions() prints them.
isolated()
{
	"$VPOOLCTL" list --noheadings --raw -o NAME,CPUS,GRADE |
		sed -n 's/ confined$/ member/p; s/ isolated$/ root/p
			s/ isolated-nobalance$/ isolated/p' | sort
}

partitions()
{
	local slice name

	for slice in "$cgroup"/vpool_*.slice; do
		[ -e "$slice" ] || continue
		name=${slice##*/vpool_}
		name=${name%.slice}
		echo "${name//\\x2d/-} $(cat "$slice/cpuset.cpus.effective")" \
			"$(cat "$slice/cpuset.cpus.partition")"
	done | sort
}

nothing='the host is as declared, nothing to do'
mkdir "$dir/a" "$dir/b.1" "$dir/c-c"
no_pools

for ((seed = 1; seed <= nr_files; seed++)); do
	RANDOM=$seed
	random_file >"$dir/declared"
	try 0 apply "$dir/declared"
	[ -z "$err" ] || sed 's/^/# /' "$dir/declared" "$dir/err"
	try 0 apply --dry-run "$dir/declared"
	is "seed $seed: the host matches the declaration" "$out" "$nothing"
	is "seed $seed: each grade has its cpuset" "$(partitions)" \
		"$(isolated)"
	export_to "$dir/before"
	try 0 apply --dry-run "$dir/before"
	is "seed $seed: the host matches the export" "$out" "$nothing"
	# Keep every second set of pools, so that the next file changes it.
	[ $((seed % 2)) -eq 0 ] || continue
	mapfile -t mounted < <("$VPOOLCTL" mount --noheadings --raw -o NAME)
	[ "${#mounted[@]}" -eq 0 ] || "$VPOOLCTL" umount --quiet "${mounted[@]}"
	# shellcheck disable=SC2046 # words
	"$VPOOLCTL" destroy $("$VPOOLCTL" list --noheadings -o NAME)
	is "seed $seed: destroy leaves no pool and no cpuset" "$("$VPOOLCTL" list)$(partitions)" ''
	try 0 apply "$dir/before"
	export_to "$dir/after"
	is "seed $seed: apply restores the exported pools" \
		"$(cat "$dir/after")" "$(cat "$dir/before")"
done

echo 'pools: {d: {mem: 4M}, e: {mem: 4M}}' >"$dir/file"
try 0 apply "$dir/file"
exec 9<>/dev/vpool/d
echo 'pools: {d: {mem: 8M}, e: {mem: 2M}}' >"$dir/file"
try 0 apply "$dir/file"
is 'memory changes while a pool is open' "$out" "resized d
resized e"
is 'both pools have the declared memory' "$("$VPOOLCTL" list --noheadings -o TOTAL | xargs)" \
	'8M 2M'
# More memory than one node has.
big=$(awk '/MemAvailable/ { print int($2 / 1024 * 0.7) "M" }' /proc/meminfo)

# CPUs move between pools in use.
if [ "$last_cpu" -ge 3 ]; then
	{
		echo 'pools:'
		echo '  d: {mem: 8M, split-cores: yes, cpus: 1-2}'
		echo '  e: {mem: 2M, split-cores: yes, cpus: 3}'
	} >"$dir/file"
	exec 9<&-
	try 0 apply "$dir/file"
	is 'a pool without CPUs is replaced to get CPUs' "$out" "replaced d
replaced e"
	exec 9<>/dev/vpool/d
	exec 8<>/dev/vpool/e
	sed -i 's/1-2/1/; s/cpus: 3/cpus: 2-3/' "$dir/file"
	try 0 apply --dry-run "$dir/file"
	try 0 apply "$dir/file"
	is 'CPUs change while pools are open' "$out" "resized d
resized e"
	is 'both pools have the declared CPUs' "$("$VPOOLCTL" list --noheadings -o CPUS | xargs)" \
		'1 2-3'
	sed -i 's/cpus: 1}/cpus: 1-2}/; s/cpus: 2-3/cpus: 3/' "$dir/file"
	try 0 apply "$dir/file"
	is 'CPUs of open pools change back' "$("$VPOOLCTL" list --noheadings -o CPUS | xargs)" \
		'1-2 3'
	sed -i 's/1-2/1/; s/cpus: 3/cpus: 2-3/' "$dir/file"
	cp "$dir/file" "$dir/moved"
	exec 8<&-
	sed -i 's/cpus: 1}/cpus: 3}/; s/cpus: 2-3/cpus: 1-2/' "$dir/file"
	try 1 apply "$dir/file"
	like 'a pool that keeps no CPU would be replaced' "$err" \
		'*it would have to be replaced, but it is in use*'
	# A failure in the middle must undo the earlier changes.
	if [ "$(echo "$nodes" | wc -w)" -gt 1 ]; then
		"$VPOOLCTL" export >"$dir/before"
		echo "  g: {timeout: 0, mem: $big@0}" >>"$dir/moved"
		try 1 apply "$dir/moved"
		like 'changed CPUs are reported as undone' "$err" \
			'*apply g: *the earlier changes have been undone*'
		try 0 apply --dry-run "$dir/before"
		is 'the former CPUs are restored' "$out" "$nothing"
	fi
fi
echo 'pools: {d: {mem: 8M}, e: {mem: 2M}}' >"$dir/file"
exec 9<&-
try 0 apply "$dir/file"
exec 9<>/dev/vpool/d
echo 'pools: {d: {mem: 8M, mode: 0600}}' >"$dir/file"
try 1 apply "$dir/file"
like 'a pool in use is not replaced' "$err" \
	"*apply d: *:1:9: it would have to be replaced, but it is in use: *open regions: 1*nothing was changed*Try *"
is 'a refused apply changes nothing' \
	"$("$VPOOLCTL" list --noheadings -o NAME,MODE | xargs)" 'd 0660 e 0660'
exec 9<&-
try 0 apply --dry-run -J "$dir/file"
like 'a plan as JSON' "$(tr -d ' \n' <"$dir/out")" \
	'*"name":"d","action":"replace"*"name":"e","action":"destroy"*'
echo 'pools: {f: {mem: 2M}}' >"$dir/file"
try 0 apply --keep "$dir/file"
is 'apply --keep keeps undeclared pools' "$out" 'created f'

# More memory than a node has: only the kernel detects that, after another pool has
# been destroyed.
[ "$(echo "$nodes" | wc -w)" -gt 1 ] && {
	"$VPOOLCTL" export >"$dir/before"
	echo "pools: {d: {mem: 8M, mode: 0600}, f: {mem: 2M}, g: {timeout: 0, mem: $big@0}}" \
		>"$dir/file"
	try 1 apply "$dir/file"
	like 'earlier changes are undone after a failure' "$err" \
		'*apply g: *the earlier changes have been undone*'
	try 0 apply --dry-run "$dir/before"
	is 'the host is as before the failure' "$out" "$nothing"
}
# Poolable resources are available, and shares refer to them.
host()
{
	"$VPOOLCTL" host -J | python3 -c 'import json, sys
print(json.load(sys.stdin)["host"][sys.argv[1]])' "$1"
}

no_pools
poolable=$(host poolable_cpus)
before=$(host memory_poolable)
# The kernel has MemAvailable for the host only; vpoolctl computes it for nodes.
is "the poolable memory of the nodes adds up to $before within a tenth" \
	"$("$VPOOLCTL" host -J | python3 -c 'import json, sys
nodes = sum(n["poolable"] for n in json.load(sys.stdin)["host"]["nodes"])
whole = int(sys.argv[1])
print("yes" if abs(nodes - whole) * 10 < whole else nodes)' "$before")" yes
try 0 create d --mem max --cpus "$poolable"
is 'all poolable CPUs can be taken' \
	"$("$VPOOLCTL" list --noheadings -o CPUS | xargs)" "$poolable"
is 'no CPU is poolable after that' "$(host poolable_cpus)" ''
total=$("$VPOOLCTL" list -b --noheadings -o TOTAL | xargs)
is "max is the poolable memory within a tenth ($total of $before)" \
	"$((total * 10 > before * 9 && total * 10 < before * 11))" 1
try 1 create e --mem 1%
like 'a share of no memory is refused' "$err" "*less than one page*Try*"
try 0 resize d --mem -50%
like 'resize removes a share' "$out" 'resized d: * of memory, it had *'
half=$("$VPOOLCTL" list -b --noheadings -o TOTAL | xargs)
is 'the share is half of the memory' "$((total - half - half <= 4194304 && half + half - total <= 4194304))" 1
try 0 destroy d
if [ "$(echo "$nodes" | wc -w)" -gt 1 ]; then
	try 0 create d --mem 25%@1
	is 'a share of a node is on that node' \
		"$("$VPOOLCTL" show d -J | python3 -c 'import json, sys
print(*[n["node"] for n in json.load(sys.stdin)["pool"]["nodes"] if n["total"]])')" 1
	try 0 create e --mem max@0,max@1
	try 0 destroy d e
fi
echo 'pools: {d: {mem: 25%}, e: {mem: max}, f: {mem: 64M}}' >"$dir/file"
try 0 apply "$dir/file"
try 0 apply "$dir/file"
is 'shares of existing pools do not change' "$out" "$nothing"
no_pools

# A number of CPUs: the module chooses them for a new pool, vpoolctl for an existing one.
if [ "$last_cpu" -ge 3 ]; then
	cpus() { "$VPOOLCTL" list --noheadings -o CPUS | xargs; }
	echo 'pools: {d: {ncpus: 1}, e: {cpus: 1}, f: {ncpus: 1}}' >"$dir/file"
	try 0 apply "$dir/file"
	is 'CPU lists take precedence over CPU numbers' "$(cpus | tr ' ' '\n' | sort | xargs)" '1 2 3'
	try 0 apply "$dir/file"
	is 'a pool with the declared number does not change' "$out" "$nothing"
	echo 'pools: {d: {ncpus: 2}, e: {cpus: 1}}' >"$dir/file"
	try 0 apply "$dir/file"
	is 'a larger number adds CPUs' "$("$VPOOLCTL" show d -J | grep -c '"cpus":"2-3"\|"cpus": "2-3"')" 1
	echo 'pools: {d: {ncpus: 1}, e: {cpus: 1}}' >"$dir/file"
	try 0 apply "$dir/file"
	is 'a smaller number removes CPUs' "$(cpus | tr ' ' '\n' | sort | xargs)" '1 2'
	echo 'pools: {d: {ncpus: 9}, e: {cpus: 1}}' >"$dir/file"
	try 1 apply "$dir/file"
	like 'too large a number is refused' "$err" '*9 CPUs requested, 2 available*'
	no_pools

	# Offline CPUs are left out. A pool without online CPUs is refused.
	echo 0 >"/sys/devices/system/cpu/cpu$last_cpu/online"
	echo "pools: {d: {cpus: $((last_cpu - 1))-$last_cpu}, e: {cpus: 1}}" >"$dir/file"
	try 0 apply "$dir/file"
	like 'an offline CPU is reported' "$err" \
		"vpoolctl: apply d: cpu $last_cpu is offline; 'vpoolctl apply' adds it when it is online"
	is 'the online CPUs are taken' "$(cpus)" "$((last_cpu - 1)) 1"
	try 0 apply "$dir/file"
	is 'a pool without its offline CPU matches' "$out" "$nothing"
	echo "pools: {d: {cpus: $last_cpu}, e: {cpus: 1}}" >"$dir/none"
	try 1 apply "$dir/none"
	like 'a pool of offline CPUs is refused' "$err" "*cpu $last_cpu is offline or not present*"
	try 1 apply --keep-going "$dir/none"
	is 'apply --keep-going keeps the remaining pools' "$(cpus)" "$((last_cpu - 1)) 1"
	sed -i "s/d: {/d: {mode: 0600, /" "$dir/file"
	try 0 apply "$dir/file"
	is 'a pool is replaced without its offline CPU' "$out" 'replaced d'
	echo 1 >"/sys/devices/system/cpu/cpu$last_cpu/online"
	try 0 apply "$dir/file"
	is 'the CPU is added when it is online' "$(cpus | tr ' ' '\n' | sort | xargs)" \
		"1 $((last_cpu - 1))-$last_cpu"
	# A pool keeps a CPU that goes offline.
	echo 0 >"/sys/devices/system/cpu/cpu$last_cpu/online"
	try 0 apply "$dir/file"
	is 'a pool keeps a CPU that goes offline' "$out" "$nothing"
	echo 1 >"/sys/devices/system/cpu/cpu$last_cpu/online"
	no_pools
fi

# With --keep-going, possible changes are made despite refused ones.
"$VPOOLCTL" create d --mem 4M --quiet
exec 9<>/dev/vpool/d
cat >"$dir/file" <<-END
	pools:
	  d: {mem: 4M, mode: 0600}
	  e: {mem: 2M}
	  f: {mem: 4GB}
	  g: {mem: 2M@77}
	  h: {mem: 4M, timeout: 0}
	  i: {mem: $big@0, timeout: 0}
END
try 1 apply "$dir/file"
is 'without --keep-going, nothing changes' "$("$VPOOLCTL" list --noheadings -o NAME | xargs)" d
try 1 apply --keep-going "$dir/file"
case $err in
*"$dir/file:4:12: mem: '4GB'"*'apply d: '*'in use'*'apply g: '*'no node 77'*)
	tap_result yes 'each refusal is reported'
	;;
*)
	is 'each refusal is reported' "$err" ''
	;;
esac
like 'each change is reported' "$out" '*created e*created h*'
like 'the created pools exist' "$("$VPOOLCTL" list --noheadings -o NAME | sort | xargs)" 'd e h*'
exec 9<&-
echo 'pools: {d: {mem: 4M}, j: {mem: 2M}}' >"$dir/file"
try 0 apply --keep-going --quiet "$dir/file"
is 'without a mistake, undeclared pools are destroyed' \
	"$("$VPOOLCTL" list --noheadings -o NAME | sort | xargs)" 'd j'
echo 'pools: {k: {mem: 2M}, l: {mem: 2X}}' >"$dir/file"
try 1 apply --keep-going "$dir/file"
is 'with a mistake, undeclared pools stay' \
	"$("$VPOOLCTL" list --noheadings -o NAME | sort | xargs)" 'd j k'
no_pools

try 1 apply "$dir/nowhere"
is 'a missing file' "${err//$dir\//}" \
	'nowhere: No such file or directory
vpoolctl: apply: nothing was changed
Try '"'man vpool.conf'"' for the format of these files.'
no_pools
is 'no pools exist when none is declared' "$("$VPOOLCTL" list)" ''

tap_end
