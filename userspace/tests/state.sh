#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Declared state with the module: what apply makes is what was declared, and
# export -> destroy all -> apply gives the same host, for files made at random
# from a seed. Needs root, the module and no pools but its own; VPOOLCTL is the
# program.

dir=$(mktemp -d) || exit 1
# shellcheck source=/dev/null
. "$(dirname "$0")/tap.sh"

export LC_ALL=C
VPOOLCTL=${VPOOLCTL:-vpoolctl}
rounds=${VPOOL_STATE_ROUNDS:-10}
nodes=$(sed 's/-/ /' /sys/devices/system/node/online | xargs seq)
last_cpu=$(sed 's/.*[,-]//' /sys/devices/system/cpu/online)

if [ ! -c /dev/vpool/control ]; then
	echo '1..0 # SKIP the module is not loaded'
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

# try STATUS ARGUMENT...: sets out and err
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

# One of the arguments; sets one.
pick()
{
	shift $((RANDOM % $#))
	one=$1
}

# Some memory: on nodes, anywhere or both; sets mem.
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

# A file that declares some pools. Each CPU but the first goes to one or none.
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
	done
	echo '  d: {mem: 4M}'
}

# export_to FILE: with the pools by name, not by the order of creation.
export_to()
{
	"$VPOOLCTL" export | awk '
		/^  [^ ]/ { name = $1 }
		{ print (name ? name : " ") "\t" NR "\t" $0 }' |
		sort -t "$(printf '\t')" -k 1,1 -k 2,2n | cut -f 3- >"$1"
}

# The pools that are not plain, and the cpusets that the kernel has.
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
no_pools

for ((seed = 1; seed <= rounds; seed++)); do
	RANDOM=$seed
	random_file >"$dir/declared"
	try 0 apply "$dir/declared"
	[ -z "$err" ] || sed 's/^/# /' "$dir/declared" "$dir/err"
	try 0 apply --dry-run "$dir/declared"
	is "seed $seed: the host is as declared" "$out" "$nothing"
	is "seed $seed: each grade has its cpuset" "$(partitions)" \
		"$(isolated)"
	export_to "$dir/before"
	try 0 apply --dry-run "$dir/before"
	is "seed $seed: the host is as exported" "$out" "$nothing"
	# The next declaration is for what this one left, too.
	[ $((seed % 2)) -eq 0 ] || continue
	# shellcheck disable=SC2046 # words
	"$VPOOLCTL" destroy $("$VPOOLCTL" list --noheadings -o NAME)
	is "seed $seed: nothing is left" "$("$VPOOLCTL" list)$(partitions)" ''
	try 0 apply "$dir/before"
	export_to "$dir/after"
	is "seed $seed: export, destroy, apply gives the same" \
		"$(cat "$dir/after")" "$(cat "$dir/before")"
done

echo 'pools: {d: {mem: 4M}, e: {mem: 4M}}' >"$dir/file"
try 0 apply "$dir/file"
exec 9<>/dev/vpool/d
echo 'pools: {d: {mem: 8M}, e: {mem: 2M}}' >"$dir/file"
try 0 apply "$dir/file"
is 'memory changes while a pool is open' "$out" "resized d
resized e"
is 'and both have it' "$("$VPOOLCTL" list --noheadings -o TOTAL | xargs)" \
	'8M 2M'
# More than one node has.
big=$(awk '/MemAvailable/ { print int($2 / 1024 * 0.7) "M" }' /proc/meminfo)

# CPUs change while a pool is in use, those of another that gives them back among
# them.
if [ "$last_cpu" -ge 3 ]; then
	{
		echo 'pools:'
		echo '  d: {mem: 8M, split-cores: yes, cpus: 1-2}'
		echo '  e: {mem: 2M, split-cores: yes, cpus: 3}'
	} >"$dir/file"
	exec 9<&-
	try 0 apply "$dir/file"
	is 'a pool gets its first CPUs anew' "$out" "replaced d
replaced e"
	exec 9<>/dev/vpool/d
	exec 8<>/dev/vpool/e
	sed -i 's/1-2/1/; s/cpus: 3/cpus: 2-3/' "$dir/file"
	try 0 apply --dry-run "$dir/file"
	try 0 apply "$dir/file"
	is 'CPUs change while pools are open' "$out" "resized d
resized e"
	is 'and both have them' "$("$VPOOLCTL" list --noheadings -o CPUS | xargs)" \
		'1 2-3'
	sed -i 's/cpus: 1}/cpus: 1-2}/; s/cpus: 2-3/cpus: 3/' "$dir/file"
	try 0 apply "$dir/file"
	is 'and change back' "$("$VPOOLCTL" list --noheadings -o CPUS | xargs)" \
		'1-2 3'
	sed -i 's/1-2/1/; s/cpus: 3/cpus: 2-3/' "$dir/file"
	cp "$dir/file" "$dir/moved"
	exec 8<&-
	sed -i 's/cpus: 1}/cpus: 3}/; s/cpus: 2-3/cpus: 1-2/' "$dir/file"
	try 1 apply "$dir/file"
	like 'other CPUs altogether are a new pool' "$err" \
		'*it would have to be replaced, but it is in use*'
	# What cannot be had on the way leaves all as it was.
	if [ "$(echo "$nodes" | wc -w)" -gt 1 ]; then
		"$VPOOLCTL" export >"$dir/before"
		echo "  g: {timeout: 0, mem: $big@0}" >>"$dir/moved"
		try 1 apply "$dir/moved"
		like 'CPUs had changed before what failed' "$err" \
			'*apply g: *the earlier changes have been undone*'
		try 0 apply --dry-run "$dir/before"
		is 'and are what they were' "$out" "$nothing"
	fi
fi
echo 'pools: {d: {mem: 8M}, e: {mem: 2M}}' >"$dir/file"
exec 9<&-
try 0 apply "$dir/file"
exec 9<>/dev/vpool/d
echo 'pools: {d: {mem: 8M, mode: 0600}}' >"$dir/file"
try 1 apply "$dir/file"
like 'what is in use is not made anew' "$err" \
	"*apply d: *:1:9: it would have to be replaced, but it is in use: *open regions: 1*nothing was changed*Try *"
is 'and nothing has changed' \
	"$("$VPOOLCTL" list --noheadings -o NAME,MODE | xargs)" 'd 0660 e 0660'
exec 9<&-
try 0 apply --dry-run -J "$dir/file"
like 'a plan as JSON' "$(tr -d ' \n' <"$dir/out")" \
	'*"name":"d","action":"replace"*"name":"e","action":"destroy"*'
echo 'pools: {f: {mem: 2M}}' >"$dir/file"
try 0 apply --keep "$dir/file"
is 'others are kept when asked' "$out" 'created f'

# More on one node than there is: found out by the kernel only, after another
# pool has been given back for the new one.
[ "$(echo "$nodes" | wc -w)" -gt 1 ] && {
	"$VPOOLCTL" export >"$dir/before"
	echo "pools: {d: {mem: 8M, mode: 0600}, f: {mem: 2M}, g: {timeout: 0, mem: $big@0}}" \
		>"$dir/file"
	try 1 apply "$dir/file"
	like 'a failure on the way is undone' "$err" \
		'*apply g: *the earlier changes have been undone*'
	try 0 apply --dry-run "$dir/before"
	is 'and the host is as it was' "$out" "$nothing"
}
# What host calls poolable can be had, and shares are of that.
host()
{
	"$VPOOLCTL" host -J | python3 -c 'import json, sys
print(json.load(sys.stdin)["host"][sys.argv[1]])' "$1"
}

no_pools
poolable=$(host poolable_cpus)
before=$(host memory_poolable)
# The kernel counts MemAvailable for the host only: nodes are counted alike.
is "what is poolable of the nodes adds up to $before, give or take a tenth" \
	"$("$VPOOLCTL" host -J | python3 -c 'import json, sys
nodes = sum(n["poolable"] for n in json.load(sys.stdin)["host"]["nodes"])
whole = int(sys.argv[1])
print("yes" if abs(nodes - whole) * 10 < whole else nodes)' "$before")" yes
try 0 create d --mem max --cpus "$poolable"
is 'poolable CPUs can be had' \
	"$("$VPOOLCTL" list --noheadings -o CPUS | xargs)" "$poolable"
is 'and then none is poolable' "$(host poolable_cpus)" ''
total=$("$VPOOLCTL" list -b --noheadings -o TOTAL | xargs)
is "max is what host says, give or take a tenth ($total of $before)" \
	"$((total * 10 > before * 9 && total * 10 < before * 11))" 1
try 1 create e --mem 1%
like 'nothing is left to share' "$err" "*less than one page*Try*"
try 0 resize d --mem -50%
like 'a share is taken away' "$out" 'resized d: * of memory, it had *'
half=$("$VPOOLCTL" list -b --noheadings -o TOTAL | xargs)
is 'the half of it' "$((total - half - half <= 4194304 && half + half - total <= 4194304))" 1
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
is 'shares are worked out once' "$out" "$nothing"
no_pools

# A number of CPUs, by the module and later by what the pool has.
if [ "$last_cpu" -ge 3 ]; then
	cpus() { "$VPOOLCTL" list --noheadings -o CPUS | xargs; }
	echo 'pools: {d: {ncpus: 1}, e: {cpus: 1}, f: {ncpus: 1}}' >"$dir/file"
	try 0 apply "$dir/file"
	is 'lists come before numbers' "$(cpus | tr ' ' '\n' | sort | xargs)" '1 2 3'
	try 0 apply "$dir/file"
	is 'a number that it has' "$out" "$nothing"
	echo 'pools: {d: {ncpus: 2}, e: {cpus: 1}}' >"$dir/file"
	try 0 apply "$dir/file"
	is 'a number that grows' "$("$VPOOLCTL" show d -J | grep -c '"cpus":"2-3"\|"cpus": "2-3"')" 1
	echo 'pools: {d: {ncpus: 1}, e: {cpus: 1}}' >"$dir/file"
	try 0 apply "$dir/file"
	is 'a number that shrinks' "$(cpus | tr ' ' '\n' | sort | xargs)" '1 2'
	echo 'pools: {d: {ncpus: 9}, e: {cpus: 1}}' >"$dir/file"
	try 1 apply "$dir/file"
	like 'a number that is not there' "$err" '*9 CPUs are requested, 2 are available*'
	no_pools

	# CPUs that are offline wait; a pool of no other is refused.
	echo 0 >"/sys/devices/system/cpu/cpu$last_cpu/online"
	echo "pools: {d: {cpus: $((last_cpu - 1))-$last_cpu}, e: {cpus: 1}}" >"$dir/file"
	try 0 apply "$dir/file"
	like 'a CPU that is offline is told' "$err" \
		"vpoolctl: apply d: cpu $last_cpu is offline; 'vpoolctl apply' adds it when it is online"
	is 'the others are taken' "$(cpus)" "$((last_cpu - 1)) 1"
	try 0 apply "$dir/file"
	is 'and that is as declared' "$out" "$nothing"
	echo "pools: {d: {cpus: $last_cpu}, e: {cpus: 1}}" >"$dir/none"
	try 1 apply "$dir/none"
	like 'a pool of offline CPUs' "$err" "*cpu $last_cpu is offline or not there*"
	try 1 apply --keep-going "$dir/none"
	is 'and the other is left' "$(cpus)" "$((last_cpu - 1)) 1"
	sed -i "s/d: {/d: {mode: 0600, /" "$dir/file"
	try 0 apply "$dir/file"
	is 'made anew without it' "$out" 'replaced d'
	echo 1 >"/sys/devices/system/cpu/cpu$last_cpu/online"
	try 0 apply "$dir/file"
	is 'it is added when it is online' "$(cpus | tr ' ' '\n' | sort | xargs)" \
		"1 $((last_cpu - 1))-$last_cpu"
	# A pool keeps a CPU that goes offline.
	echo 0 >"/sys/devices/system/cpu/cpu$last_cpu/online"
	try 0 apply "$dir/file"
	is 'a pool keeps what goes offline' "$out" "$nothing"
	echo 1 >"/sys/devices/system/cpu/cpu$last_cpu/online"
	no_pools
fi

# What can be done is done, in spite of what cannot.
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
is 'nothing is, unless asked' "$("$VPOOLCTL" list --noheadings -o NAME | xargs)" d
try 1 apply --keep-going "$dir/file"
case $err in
*"$dir/file:4:12: mem: '4GB'"*'apply d: '*'in use'*'apply g: '*'no node 77'*)
	tap_result yes 'each refusal is told'
	;;
*)
	is 'each refusal is told' "$err" ''
	;;
esac
like 'what was done is told' "$out" '*created e*created h*'
like 'and is there' "$("$VPOOLCTL" list --noheadings -o NAME | sort | xargs)" 'd e h*'
exec 9<&-
echo 'pools: {d: {mem: 4M}, j: {mem: 2M}}' >"$dir/file"
try 0 apply --keep-going --quiet "$dir/file"
is 'without a mistake, what is not declared goes' \
	"$("$VPOOLCTL" list --noheadings -o NAME | sort | xargs)" 'd j'
echo 'pools: {k: {mem: 2M}, l: {mem: 2X}}' >"$dir/file"
try 1 apply --keep-going "$dir/file"
is 'with a mistake it does not' \
	"$("$VPOOLCTL" list --noheadings -o NAME | sort | xargs)" 'd j k'
no_pools

try 1 apply "$dir/nowhere"
is 'a file that is not there' "${err//$dir\//}" \
	'nowhere: No such file or directory
vpoolctl: apply: nothing was changed
Try '"'man vpool.conf'"' for the format of these files.'
no_pools
is 'no pools when none is declared' "$("$VPOOLCTL" list)" ''

tap_end
