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
ROUNDS=${ROUNDS:-10}
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

nothing='the host is as declared, nothing is to be done'
no_pools

for ((seed = 1; seed <= ROUNDS; seed++)); do
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
big=$(awk '/MemAvailable/ { print int($2 / 1024 * 0.9) "M" }' /proc/meminfo)

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
		'*it would have to be made anew, but it is in use*'
	# What cannot be had on the way leaves all as it was.
	if [ "$(echo "$nodes" | wc -w)" -gt 1 ]; then
		"$VPOOLCTL" export >"$dir/before"
		echo "  g: {timeout: 0, mem: $big@0}" >>"$dir/moved"
		try 1 apply "$dir/moved"
		like 'CPUs had changed before what failed' "$err" \
			'*apply g: *what was changed before has been undone*'
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
	"*apply d: *:1:9: it would have to be made anew, but it is in use: *open regions: 1*nothing was changed*Try *"
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
		'*apply g: *what was changed before has been undone*'
	try 0 apply --dry-run "$dir/before"
	is 'and the host is as it was' "$out" "$nothing"
}
try 1 apply "$dir/nowhere"
is 'a file that is not there' "${err//$dir\//}" \
	'nowhere: No such file or directory
vpoolctl: apply: nothing was changed
Try '"'man vpool.conf'"' for what files may declare.'
no_pools
is 'no pools when none is declared' "$("$VPOOLCTL" list)" ''

tap_end
