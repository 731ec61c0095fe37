#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Verbs on several hosts, with a program that simulates ssh and a directory that simulates
# the sysfs of each host. VPOOLCTL is the program.

dir=$(mktemp -d) || exit 1
trap 'rm -r "$dir"' EXIT
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=/dev/null
. "$here/tap.sh"
# shellcheck source=userspace/tests/sysfs.sh
. "$here/sysfs.sh"

export LC_ALL=C TZ=UTC
export VPOOL_DEV_DIR="$dir/dev"
export VPOOL_RUN_DIR="$dir/run"
export VPOOL_SSH="$dir/ssh"
export FAKE="$dir"
export VALIDATE="$here/validate.py"
cd "$dir" || exit 1

# The hosts of this ssh: those with a directory, and some that fail.
mkdir bin
ln -s "$VPOOLCTL" bin/vpoolctl
cat >ssh <<'END'
#!/bin/bash
echo "$*" >>"$FAKE/asked"
while [ "$1" != -- ]; do
	shift
done
host=$2
host=${host#*@}
case $host in
down)
	echo "ssh: connect to host down port 22: No route to host" >&2
	exit 255
	;;
locked)
	printf 'Some banner\r\nroot@locked: Permission denied (publickey,password).\r\n' >&2
	exit 255
	;;
bare)
	echo 'sh: 1: vpoolctl: not found' >&2
	exit 127
	;;
odd)
	echo 'Welcome to odd!'
	exit 0
	;;
cut)
	echo '{"pools": [{"name": "web"'
	exit 0
	;;
newer)
	echo '{"version": 2, "pools": [{"name": "web", "total": "much"}]}'
	exit 0
	;;
keys)
	echo '{"version": 1, "of": "keys", "pools": [{"name": "web", "total": 4194304, "odd": 1}]}'
	exit 0
	;;
killed)
	kill -9 $$
	;;
slow*)
	sleep 1
	;;
esac
PATH=$FAKE/bin:$PATH VPOOL_SYSFS_DIR=$FAKE/${host%%[0-9]*} exec sh -c "$3"
END
chmod +x ssh

# pool HOST NAME CPUS BYTES: create the files of a pool
pool()
{
	local at=$1/pools/$2

	sysfs_pool "$at" "$3" stat/allocs
	echo "${#2}" >"$at/id"
	echo "$4" | tee "$at/memory/node0/total_bytes" "$at/memory/total_bytes" \
		>"$at/memory/free_bytes"
	echo 1600000000000000000 >"$at/created_ns"
	echo 7 >"$1/abi_version"
}

pool one web 1 4194304
pool two db '' 6291456
pool two web 2-3 2147483648
pool slow web 1 2097152

# One table

try 0 -H one,two list
is 'one table of two hosts' "$out" 'HOST NAME STATE  PAGE TOTAL USED FREE CPUS MEMBERS REGIONS
one  web  active   2M    4M   0B   4M 1          0       0
two  db   active   2M    6M   0B   6M -          0       0
two  web  active   2M    2G   0B   2G 2-3        0       0'
try 0 --hosts=two -b list --noheadings --raw -o name,total
is 'format of a joined table' "$out" 'two db 6291456
two web 2147483648'
try 0 -H two,one list -o +clean
like 'an added column' "$out" 'HOST NAME *REGIONS CLEAN*two *one *'
try 0 -H one,two list -J
is 'joined JSON' "$(python3 -c 'import json, sys
for pool in json.load(sys.stdin)["pools"]:
    print(pool["host"], pool["name"], pool["total"], pool["isolated"], pool["outside"])' <<<"$out")" \
	'one web 4194304 False None
two db 6291456 False None
two web 2147483648 False None'
schema list
try 0 -J -H one,two list -o name
is 'chosen columns in JSON' "$(tr -d ' \n' <<<"$out")" \
	'{"version":1,"pools":[{"host":"one","name":"web"},{"host":"two","name":"db"},{"host":"two","name":"web"}]}'
try 2 -H one list -o nam
# shellcheck disable=SC2154 # try sets it
like 'a misspelt column is found before a host is asked' "$err" "*no column 'NAM': did you mean 'NAME'?*"

# How ssh is called

asked=$(tail -n 1 asked)
like 'ssh never asks for a password' "$asked" '*-o BatchMode=yes*'
like 'ssh limits the time for a connection' "$asked" '*-o ConnectTimeout=[1-9]*'
like 'ssh notices a host that dies later' "$asked" '*-o ServerAliveInterval=[1-9]*'
like 'ssh does not share a connection' "$asked" '*-o ControlPath=none*'
like 'a host is not an option' "$(cat asked)" '* -- two vpoolctl list --json*'
: >asked
try 0 -H user@one show web
like 'the host goes to ssh unchanged' "$(cat asked)" '* -- user@one vpoolctl show web'
begin=$(date +%s%N)
try 0 -H slow1,slow2,slow3,slow4,slow5,slow6,slow7,slow8 list
took=$((($(date +%s%N) - begin) / 1000000))
is 'eight rows' "$(grep -c '^slow[1-8] *web ' <<<"$out")" 8
is "eight hosts that need 1 s each are asked in parallel, in $took ms" \
	"$((took < 6000))" 1
many=$(seq -s, -f one%g 100)
try 0 -H "$many" list --noheadings -o name
is 'a hundred hosts, in their order' "$(awk '{ print $1 }' <<<"$out" | paste -sd,)" "$many"

# Errors of one host

try 1 -H one,down,two list
is 'the other rows are there' "$(awk '{ print $1 }' <<<"$out" | paste -sd ' ')" 'HOST one two two'
is 'a host that is down' "$err" \
	"vpoolctl: list down: no connection: ssh: connect to host down port 22: No route to host
Try 'ssh -o BatchMode=yes down true', which must work without a password."
try 1 -H locked,one list
like 'a host that asks for a password' "$err" \
	'vpoolctl: list locked: no connection: root@locked: Permission denied (publickey,password).*'
try 1 -H one,bare list
like 'a host without vpoolctl' "$err" \
	'vpoolctl: list bare: vpoolctl cannot be run: sh: 1: vpoolctl: not found*Try *'
try 1 -H one,odd list
like 'a host that prints no table' "$err" 'vpoolctl: list odd: the answer is not a table*Try *'
try 1 -H cut,one list
like 'a table that is cut off' "$err" 'vpoolctl: list cut: the answer is not a table*Try *'
like 'the table of the other host' "$out" '*one  web *'
try 1 -H newer,one list
is 'a host whose vpoolctl prints another version' "$err" \
	"vpoolctl: list newer: the answer is not a table: it has version 2 of the JSON, not 1
Try 'ssh newer vpoolctl version', and install one version everywhere."
like 'no row of that host' "$out" 'HOST NAME *one  web *'
try 1 -J -H newer,one show web
like 'a document of another version' "$err" '*the answer is not JSON: it has version 2 *'
try 0 -H keys,one list -o name,total
is 'keys that a later vpoolctl adds' "$out" 'HOST NAME TOTAL
keys web     4M
one  web     4M'
try 1 -H killed,one list
like 'ssh is killed' "$err" 'vpoolctl: list killed: no connection*'
no_module='vpoolctl: list: the vpool module is not loaded: run '"'modprobe vpool' or 'insmod vpool.ko'"
try 1 -H one,nomodule list
is 'a host without the module' "$err" "nomodule: $no_module"
like 'the row of the other host' "$out" '*one  web *'
try 3 -H nomodule1,nomodule2 list
is 'hosts that all fail in one way' "$err" "nomodule1: $no_module
nomodule2: $no_module"
is 'no table without an answer' "$out" ''
mkdir oldabi
pool oldabi web 1 4194304
echo 1 >oldabi/abi_version
try 1 -H one,oldabi mount web "$dir/none"
like 'a host whose module is older' "$err" \
	"*oldabi: vpoolctl: mount web: the loaded module has no files: its ABI version is 1, *"
try 0 -H one,oldabi list
is 'the table has its pools' "$(awk '{ print $1 }' <<<"$out" | paste -sd ' ')" 'HOST one oldabi'
try 1 -H one,two show db
like 'an error and a hint of another host' "$err" \
	"one: vpoolctl: show db: there is no pool 'db'*one: Try 'vpoolctl list' for the existing pools."
like 'the output of the host that has the pool' "$out" 'two: Name: *db*two: Total: *6M*'
is 'each line has its host' "$(grep -vc '^two: ' <<<"$out")" 0

try 1 -J -H one,down,nomodule list
like 'rows in JSON beside errors' "$(tr -d ' \n' <<<"$out")" '{"version":1,"pools":\[{"host":"one",*'
is 'errors in JSON' "$(python3 -c 'import json, sys
for line in sys.stdin:
    error = json.loads(line)["error"]
    print(error["host"], error["kind"], error["subject"], bool(error["hint"]))' <<<"$err")" \
	'down host_unreachable down True
nomodule lib_no_module None False'
both=$err
for i in 1 2; do
	out=$(sed -n "${i}p" <<<"$both")
	schema error
done
try 1 -J -H one,two,down show web
is 'documents in JSON' "$(python3 -c 'import json, sys
for host in json.load(sys.stdin)["hosts"]:
    print(host["host"], host["pool"]["total"], len(host["pool"]["nodes"]))' <<<"$out")" \
	'one 4194304 1
two 2147483648 1'
schema fleet_documents

# Words that a shell could change

try 1 -H one show "a'b; touch $dir/harm \$(touch $dir/harm)"
is 'no shell reads an argument' "$(ls harm 2>&1)" "ls: cannot access 'harm': No such file or directory"
: >asked
try 1 -H one run web -- echo -n 'a b' '' '*'
is 'arguments of a program' "$(sed 's/.* -- one //' asked)" "vpoolctl run -- web -- echo -n 'a b' '' '*'"
: >asked
try 1 -H one resize web --mem=+1G --dry-run -- 
is 'options of a verb' "$(sed 's/.* -- one //' asked)" 'vpoolctl resize --mem=+1G --dry-run web'
: >asked
try 1 -H one kill web -9
is 'an option with a dash only' "$(sed 's/.* -- one //' asked)" 'vpoolctl kill --signal=9 web'
printf '#!/bin/sh\nprintf "a\\033[2Jb\\n"; printf "c\\033[2Jd\\n" >&2\n' >bin/escape
chmod +x bin/escape
ln -sf escape bin/vpoolctl
try 0 -H one version
is 'output of another host cannot control the terminal' "$out$err" 'one: a\x1b[2Jbone: c\x1b[2Jd'
ln -sf "$VPOOLCTL" bin/vpoolctl

# Mistakes on the command line

: >asked
for hosts in '' 'one,' one,,two ' one' -oProxyCommand=x; do
	try 2 --hosts="$hosts" list
	like "hosts '$hosts'" "$err" 'vpoolctl: list: --hosts: *Try *'
done
try 2 -H one,two,one list
like 'a host twice' "$err" "vpoolctl: list: --hosts: 'one' is given twice*"
try 2 -H one -H two list
like '--hosts twice' "$err" "vpoolctl: option '--hosts' is given twice*"
try 2 -H
like '--hosts without a value' "$err" "vpoolctl: option '-H' needs a value*"
try 2 -H one create
like 'a wrong command line is found here' "$err" 'vpoolctl: create: too few arguments*'
try 2 -H one top
like 'top needs this terminal' "$err" 'vpoolctl: top: --hosts cannot be used with this verb*'
try 2 -H one vm console shop
like 'a console needs this terminal' "$err" 'vpoolctl: vm console: --hosts cannot be used with this verb*'
try 2 -H one audit web --watch
like 'an endless verb' "$err" 'vpoolctl: audit: --hosts cannot be used with --watch*'
is 'no host was asked' "$(cat asked)" ''
VPOOL_SSH=/nowhere/ssh try 1 -H one list
like 'no ssh' "$err" 'vpoolctl: list one: no connection: cannot run ssh: No such file or directory*'

tap_end
