#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Exact output of check, apply, export, top, map and metrics, with a directory that
# simulates sysfs. The JSON output is checked against the installed schema. VPOOLCTL is
# the program.

# tools/setup unpacks programs here that are not installed.
PATH=$PATH:${VPOOL_TOOLS:-$HOME/.cache/vpool/tools/usr/bin}
dir=$(mktemp -d) || exit 1
trap 'rm -r "$dir"' EXIT
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=/dev/null
. "$here/tap.sh"
# shellcheck source=userspace/tests/sysfs.sh
. "$here/sysfs.sh"

export LC_ALL=C
export VPOOL_DEV_DIR="$dir/dev"
export VPOOL_SYSFS_DIR="$dir/sys"
export VPOOL_ETC_DIR="$dir/etc"
cd "$dir" || exit 1

# pool NAME CPUS BYTES: create the files of a pool
pool()
{
	local at=sys/pools/$1

	sysfs_pool "$at" "$2" stat/allocs stat/alloc_failures stat/frees stat/faults_huge \
		stat/faults_base stat/attaches stat/scrubbed_bytes
	echo "${#1}" >"$at/id"
	echo "$3" | tee "$at/memory/total_bytes" "$at/memory/clean_bytes" \
		"$at/memory/free_bytes" >"$at/memory/node0/total_bytes"
	echo 1600000000000000000 >"$at/created_ns"
}

# try ARGUMENT...: run vpoolctl; set out, err and status
try()
{
	"$VPOOLCTL" "$@" >out 2>err </dev/null
	status=$?
	out=$(cat out)
	err=$(cat err)
}

mkdir -p sys
echo 7 >sys/abi_version
echo 2097152 >sys/default_page_size
pool web 0 4194304
pool db '' 6291456

# check

mkdir -p etc/vpool.d
try check
is 'check without files: exit status' "$status" 1
is 'check without files' "$err" \
	"$dir/etc/vpool.conf: the file does not exist, nor does any vpool.d/*.conf beside it
Try 'man vpool.conf' for the format of these files."
echo 'pools: {web: {mem: 4M, cpus: 0}}' >etc/vpool.conf
echo 'pools: {db: {mem: 6M}}' >etc/vpool.d/50-db.conf
echo 'not read' >etc/vpool.d/README
try check
is 'check of the host'"'"'s files' "$out" '2 files, 2 pools, no mistakes'
try check -J
schema check
cat >bad.conf <<-END
	pools:
	  web:
	    mem: [4G@0, 4GB]
	    cpu: 2-5
	  db:
	    cpus: 3
	    mode: 0777
	  db: {cpus: 9}
	other: 1
END
try check bad.conf
is 'check of mistakes: exit status' "$status" 1
is 'check of mistakes' "$err" \
	"bad.conf:3:17: mem: '4GB': sizes are powers of 1024, write 4GiB
bad.conf:4:5: unknown property 'cpu': did you mean 'cpus'?
bad.conf:7:11: mode: '0777' is not within 0666, in octal
bad.conf:8:3: pool 'db' is declared already, at bad.conf:5:3
bad.conf:9:1: unknown key 'other': only 'pools' is known
Try 'man vpool.conf' for the format of these files."
try check -J bad.conf
is 'check of mistakes as JSON: exit status' "$status" 1
schema check
# Other YAML notations of the same values.
cat >forms.conf <<-END
	pools:
	  a: {cpus: [0, 1], isolate: True, split-cores: "yes"}
	  b: {cpus: 3, boot-core: FALSE, split-cores: Off}
	  c: {cpus: [4-7, ^5], isolate: n}
	  d: {ncpus: 2@0, isolate: on}
	  e: {ncpus: 2, mem: 25%}
	  f: {mem: [max@0, 1G@1]}
	  g: {cpus: "8-11,^9"}
END
try check forms.conf
is 'check of YAML notations' "$out$err" '1 file, 7 pools, no mistakes'
cat >forms.conf <<-END
	pools:
	  a: {cpus: [0, [1]]}
	  b: {cpus: 2, ncpus: 2}
	  c: {ncpus: 0}
	  d: {ncpus: 2@x}
	  e: {mem: 120%}
	  f: {mem: "1,5G"}
	  g: {cpus: []}
	  h: {cpus: 3, isolate: maybe}
END
try check forms.conf
is 'check of invalid values' "$err" \
	"forms.conf:2:17: cpus is a list, but must be a value
forms.conf:3:3: pool 'b' cannot have both cpus and ncpus
forms.conf:4:14: ncpus: '0' is not NUMBER[@NODE]
forms.conf:5:14: ncpus: '2@x' is not NUMBER[@NODE]
forms.conf:6:12: mem: '120%' is not a percentage from 0.01% to 100%
forms.conf:7:12: mem: '1,5G': a size in a list needs a unit; write fractions with a point, as in 1.5G
forms.conf:8:13: cpus: the list is empty
forms.conf:9:25: isolate: 'maybe' is not true, false, balance or nobalance
Try 'man vpool.conf' for the format of these files."
cat >forms.conf <<-END
	pools:
	  a: {mem: 2M, mount: /srv/a/}
	  b: {mem: 2M, mount: {path: "/srv/b c", owner: daemon, mode: 01777, hugetlbfs: yes}}
	  c:
	    mem: 2M
	    mount:
	      path: /srv/c
	      mode: "0750"
END
try check forms.conf
is 'check of mounts' "$out$err" '1 file, 3 pools, no mistakes'
cat >forms.conf <<-END
	pools:
	  a: {mem: 2M, mount: srv}
	  b: {mem: 2M, mount: {mode: 0700}}
	  c: {mem: 2M, mount: {path: /srv/c, mode: 02755}}
	  d: {mem: 2M, mount: {path: /srv/d, hugetlbfs: maybe}}
	  e: {cpus: 1, mount: /srv/e}
	  f: {mem: 2M, mount: {pth: /srv/f}}
	  g: {mem: 2M, mount: [/srv/g]}
	  h: {mem: 2M, mount: {}}
	  i: {mem: 2M, mount: /srv/same}
	  j: {mem: 2M, mount: /srv/same/}
	  k: {mem: 2M, mount: /}
	  l: {mem: 2M, mount: "/srv/\\n"}
	  m: {mem: 2M, mount: {path: /srv/m, path: /srv/m}}
	  n: {mem: 2M, mount: }
END
try check forms.conf
is 'check of invalid mounts' "$err" \
	"forms.conf:2:23: mount: 'srv' is not the absolute path of a directory
forms.conf:3:3: pool 'b' needs a path for its mount
forms.conf:4:44: mode: '02755' is not within 01777, in octal
forms.conf:5:49: hugetlbfs: 'maybe' is neither true nor false
forms.conf:6:3: pool 'e' cannot be mounted without mem
forms.conf:7:24: unknown property 'pth': did you mean 'path'?
forms.conf:8:23: mount is a list, but must be a value
forms.conf:9:23: mount is an empty mapping
forms.conf:11:3: pool 'j' and pool 'i' cannot both be mounted at /srv/same
forms.conf:12:23: mount: nothing can be mounted at /
forms.conf:13:23: mount: the path has a control character
forms.conf:14:38: 'path' is given twice
forms.conf:15:23: mount: '' is not the absolute path of a directory
Try 'man vpool.conf' for the format of these files."
# Files that must not take long to parse.
head -c 200000 /dev/zero | tr '\0' '[' >deep.conf
SECONDS=0
try check deep.conf
is 'check of deeply nested lists' "$err" \
	"deep.conf:1:17: lists and mappings are nested deeper than 16
Try 'man vpool.conf' for the format of these files."
head -c 200000 /dev/zero | tr '\0' '{' >deep.conf
try check deep.conf
like 'check of deeply nested mappings' "$err" 'deep.conf:1:17: *nested deeper*'
head -c 2000000 /dev/zero | tr '\0' '#' >large.conf
try check large.conf
like 'check of a file that is too large' "$err" 'large.conf: it is larger than 1M*'
{ echo 'pools:'; seq -f '  p%.0f: {mem: 2M}' 5000; } >keys.conf
try check keys.conf
like 'check of too many pools' "$err" 'keys.conf:2:3: it has more than 4096 keys*'
{ printf 'pools: {a: {cpus: "'; yes 0-524287:1/2, | head -n 20000 | tr -d '\n'
	echo '0"}}'; } >cpus.conf
try check cpus.conf
like 'check of a list with endless repetitions' "$err" '*names the same CPUs again and again*'
is 'the checks took less than 20 seconds' "$((SECONDS < 20))" 1
try check - <<<''
like 'check of an empty file' "$err" 'standard input: it declares nothing*'

# export and apply

try export
is 'export' "$(sed 1d out)" '# See vpool.conf(5).
pools:
  db:
    mem: 6M@0
    page-size: 2M
    owner: root:root
    mode: "0660"
  web:
    mem: 4M@0
    cpus: 0
    page-size: 2M
    owner: root:root
    mode: "0660"
    boot-core: true'
"$VPOOLCTL" export >exported
try apply --dry-run exported
is 'apply of an exported file' "$out" \
	'the host is as declared, nothing to do'
try apply --dry-run
is 'apply of the host'"'"'s files' "$out" \
	'the host is as declared, nothing to do'
cat >new.conf <<-END
	pools:
	  web: {mem: 8M, cpus: 0}
	  new: {mem: 3M@0, mode: "0600", owner: daemon}
END
try apply -n new.conf
is 'apply: exit status' "$status" 0
is 'apply as a diff' "$out" '--- this host
+++ new.conf
# destroy db
-  db:
-    mem: 6M@0
-    page-size: 2M
-    owner: root:root
-    mode: "0660"
# resize web
   web:
-    mem: 4M@0
+    mem: 8M
     cpus: 0
     page-size: 2M
     owner: root:root
     mode: "0660"
# create new
+  new:
+    mem: 4M@0
+    page-size: 2M
+    owner: daemon:daemon
+    mode: "0600"'
try apply -n -J new.conf
schema apply
like 'apply as JSON' "$(tr -d ' \n' <out)" \
	'{"version":1,"changes":\[{"name":"db","action":"destroy","mem_before":6291456,"mem_after":null,*'
try apply -n --keep new.conf
is 'apply --keep keeps undeclared pools' "$(grep '^#' out)" '# resize web
# create new'
sed 's/8M/8M, mode: 0600/' new.conf >replace.conf
try apply -n replace.conf
like 'apply that replaces a pool' "$out" \
	'*# replace web: destroy it and create it again, as it is idle*'
echo 'pools: {web: {mem: 4M, cpus: 0, isolate: true}}' >isolate.conf
try apply -n -k isolate.conf
# The host decides whether isolation is possible, but not about the diff.
is 'apply that isolates a pool' "$out" '--- this host
+++ isolate.conf
# replace web: destroy it and create it again, as it is idle
   web:
     mem: 4M
     cpus: 0
+    isolate: true
     page-size: 2M
     owner: root:root
     mode: "0660"'
echo 1 >sys/pools/web/isolated
try apply -n -k isolate.conf
is 'apply to an isolated pool' "$out" \
	'the host is as declared, nothing to do'
rm sys/pools/web/isolated
echo 3 >sys/pools/web/cpus/members
try apply -n replace.conf
is 'apply to a pool in use: exit status' "$status" 1
like 'apply to a pool in use' "$err" \
	'vpoolctl: apply web: replace.conf:2:3: it would have to be replaced, but it is in use: members: 3,*nothing was changed*'
echo 0 >sys/pools/web/cpus/members
echo 'pools: {a: {mem: 1M@77, cpus: 5000}}' >absent.conf
try apply -n absent.conf
is 'apply of resources that the host does not have' "$err" \
	'vpoolctl: apply a: absent.conf:1:9: this host has no node 77
vpoolctl: apply a: absent.conf:1:9: cpu 5000 is offline or not present
vpoolctl: apply: nothing was changed
Try '"'vpoolctl host'"' for the existing nodes.
Try '"'vpoolctl host'"' for the CPUs that are online and free.'
# With --keep-going, apply reports refused changes and plans the remaining ones. It
# destroys no pool, because a declaration with a mistake may be for that pool.
cat >some.conf <<-END
	pools:
	  web: {mem: 8M, cpus: 0}
	  new: {mem: 4M}
	  far: {mem: 2M@77}
	  bad: {mem: 4GB}
	  bad: {mem: 2M}
END
try apply -n --keep-going some.conf
is 'apply --keep-going: exit status' "$status" 1
is 'apply --keep-going: possible changes' "$(grep '^#' out)" '# resize web
# create new'
like 'apply --keep-going: refused changes' "$err" \
	"some.conf:5:14: mem: '4GB'*vpoolctl: apply far: some.conf:4:3: this host has no node 77*"
try apply -n some.conf
is 'apply without --keep-going changes nothing' "$(grep -c '^#' out)$status" 01
echo 'pools: [' >invalid.conf
try apply -n --keep-going invalid.conf some.conf
is 'apply --keep-going: a file that cannot be parsed' "$(grep '^#' out)" '# resize web
# create new'
sed -i '/far\|bad/d' some.conf
try apply -n --keep-going some.conf
is 'apply --keep-going: all changes' "$status$(grep '^#' out)" '0# destroy db
# resize web
# create new'
# A pool with that number of CPUs, or with memory, keeps them.
echo 'pools: {web: {mem: 50%, ncpus: 1}, db: {mem: max}}' >shares.conf
try apply -n shares.conf
is 'shares of existing pools' "$out" \
	'the host is as declared, nothing to do'
echo 'pools: {more: {ncpus: 1@0, mem: 25%}}' >shares.conf
try apply -n -k shares.conf
try apply -n -k -J shares.conf
schema apply
like 'the module chooses its CPUs' "$out" '*"cpus_after": null*'
try apply -n -k shares.conf
like 'shares of a new pool' "$out" '*# create more*+    mem: [0-9]*M*+    ncpus: 1@0*'
try apply bad.conf
is 'apply of mistakes: exit status' "$status" 1
like 'apply of mistakes' "$err" 'bad.conf:3:17:*nothing was changed*'

# Mounts

mkdir -p run at "at/the place"
export VPOOL_MOUNTINFO=$dir/mountinfo VPOOL_RUN_DIR=$dir/run
# mounted POOL DIRECTORY [OPTION]: simulate one mount
mounted()
{
	printf '30 1 0:40 / %s rw - vpool none rw,pool=%s%s\n' "$2" "$1" "${3-}" \
		>mountinfo
	echo 1 >"sys/pools/$1/mounts"
}
echo "pools: {web: {mem: 4M, cpus: 0, mount: $dir/at}}" >mount.conf
: >mountinfo
try apply -n -k mount.conf
is 'apply that mounts' "$out" "--- this host
+++ mount.conf
# mount web
   web:
     mem: 4M
     cpus: 0
     page-size: 2M
     owner: root:root
     mode: \"0660\"
+    mount: $dir/at"
try apply -n -k -J mount.conf
schema apply
like 'apply that mounts, as JSON' "$(tr -d ' \n' <out)" \
	"*\"action\":\"mount\",*\"mount_before\":null,\"mount_after\":\"$dir/at\",*"
mkdir sys/pools/web/limits
echo 2097152 >sys/pools/web/limits/user_bytes
echo 'pools: {web: {mem: 4M, cpus: 0, user-mem: 4M, user-regions: 7}}' >limits.conf
try apply -n -k limits.conf
is 'apply that changes limits' "$out" "--- this host
+++ limits.conf
# resize web
   web:
     mem: 4M
     cpus: 0
     page-size: 2M
     owner: root:root
     mode: \"0660\"
-    user-mem: 2M
+    user-mem: 4M
+    user-regions: 7"
try apply -n -k -J limits.conf
schema apply
try export
like 'export of limits' "$out" '*web:*user-mem: 2M*'
echo 'pools: {web: {mem: 4M, cpus: 0, user-mem: 1M}}' >limits.conf
try check limits.conf
like 'check of a limit below a page' "$err" '*limits.conf:1:9: *cannot have a user-mem of 1M*'
echo 'pools: {web: {mem: 4M, user-members: many}}' >limits.conf
try check limits.conf
like 'check of a limit that is no number' "$err" "*limits.conf:1:38: *'many' is neither a number nor none*"
rm -r sys/pools/web/limits
mounted web "$dir/at"
try apply -n -k mount.conf
is 'apply to a mounted pool' "$out" 'the host is as declared, nothing to do'
echo 'pools: {web: {mem: 4M, cpus: 0}}' >none.conf
try apply -n -k none.conf
is 'a mount that apply has not made stays' "$out" 'the host is as declared, nothing to do'
echo "$dir/at" >run/web.mount
try apply -n -k none.conf
is "apply's own mount is taken off" "$(grep '^[-#]' out)" "--- this host
# unmount web
-    mount: $dir/at"
touch at/file
try apply -n -k none.conf
like 'a mount with files is not taken off' "$status $err" \
	"1 vpoolctl: apply web: none.conf:1:9: $dir/at has files, which unmounting deletes*nothing was changed*"
rm at/file
echo "pools: {web: {mem: 4M, cpus: 0, mount: {path: $dir/at/the place, hugetlbfs: yes}}}" >mount.conf
try apply -n -k mount.conf
like 'apply that mounts elsewhere' "$status $err" "1 *$dir/at has files*"
mounted web "$dir/at/the\\040place"
echo "$dir/at/the place" >run/web.mount
echo "pools: {web: {mem: 4M, cpus: 0, mount: {path: $dir/at, mode: 0755, owner: daemon}}}" >mount.conf
try apply -n -k mount.conf
is 'a mount moves with other settings' "$(grep '^[-+#]' out)" "--- this host
+++ mount.conf
# mount web
-    mount: \"$dir/at/the place\"
+    mount: {path: $dir/at, owner: daemon:daemon, mode: \"0755\"}"
mounted web "$dir/at" ,f_type=hugetlbfs
try export
like 'export of a mount' "$out" "*
    mount: {path: $dir/at, hugetlbfs: true}
*"
"$VPOOLCTL" export >exported
try apply -n exported
is 'apply of an exported mount' "$out" 'the host is as declared, nothing to do'
rm -r run/*
sed 's/4M, cpus: 0/4M, mode: 0600/' none.conf >replace.conf
try apply -n -k replace.conf
like 'a pool that others have mounted is not replaced' "$err" \
	"*it would have to be replaced, but pool 'web' is mounted at $dir/at*Try 'vpoolctl umount web' first.*"
echo 'pools: {}' >empty.conf
try apply -n empty.conf
like 'a pool that others have mounted is not destroyed' "$err" \
	"*apply web: it is not declared, but pool 'web' is mounted at $dir/at*"
for bad in "$dir/missing" "$dir/new.conf" /proc; do
	echo "pools: {db: {mem: 6M, mount: $bad}}" >mount.conf
	try apply -n -k mount.conf
	case $bad in
	*missing) wanted="directory $bad does not exist" ;;
	/proc) wanted='a filesystem (proc) is mounted at /proc already' ;;
	*) wanted="$bad is not a directory" ;;
	esac
	[ "$bad" != /proc ] || echo '24 1 0:22 / /proc rw - proc proc rw' >mountinfo
	try apply -n -k mount.conf
	like "apply that cannot mount: $wanted" "$status $err" \
		"1 vpoolctl: apply db: mount.conf:1:9: $wanted*nothing was changed*Try *"
done
echo 1 >sys/abi_version
echo "pools: {db: {mem: 6M, mount: $dir/at}}" >mount.conf
try apply -n -k mount.conf
like 'apply that mounts with a module without files' "$status $err" \
	'1 *the loaded module has no files: its ABI version is 1*'
echo 7 >sys/abi_version
rm -f sys/pools/web/mounts
unset VPOOL_MOUNTINFO VPOOL_RUN_DIR

# top

try top -b -n 1 -d 0.1 -s NAME -o NAME,TOTAL,USED%,MEMBERS,ALLOCS/S,SCRUBBED/S
is 'top' "$out" 'NAME TOTAL USED% MEMBERS ALLOCS/S SCRUBBED/S
db      6M   0.0       0      0.0         0B
web     4M   0.0       0      0.0         0B'
try top -b -n 2 -d 0.1 -s TOTAL -r --noheadings --bytes -o name,total
is 'top twice, in reverse, in bytes' "$out" 'web  4194304
db   6291456

web  4194304
db   6291456'
try top -J -n 1 -d 0.1
schema top
is 'a refresh is one line' "$(wc -l <out)" 1
try top -J -n 3 -d 0.1
is 'top as JSON lines' "$(python3 -c 'import json, sys
print(*[len(json.loads(line)["pools"]) for line in sys.stdin])' <out)" '2 2 2'
try top
is 'top without a terminal' "$status" 2
like 'top without a terminal suggests --batch' "$err" '*use --batch*'
try top -b -s BSY
like 'top sorted by an unknown column' "$err" "*no column 'BSY': did you mean 'BUSY%'?*"
try top -b -n 0
is 'top with no refresh' "$status" 2

# map

export HWLOC_SYNTHETIC='pack:1 [numa] core:2 pu:1' HWLOC_THISSYSTEM=0
try map
is 'map: exit status' "$status" 0
like 'the map shows memory' "$out" 'node 0   memory *: 10M in pools, *'
like 'the map shows CPUs' "$out" '*cores  b*'
like 'the map has a legend' "$out" '*a db: 6M of memory, CPUs none
b web: 4M of memory, CPUs 0
# the host
. free'
try map -J
schema map
for format in svg png; do
	if command -v lstopo >/dev/null; then
		try map -o "map.$format"
		is "map as $format: exit status" "$status$err" 0
		like "map.$format has this format" "$(file -b "map.$format")" "${format^^}*"
	else
		tap_result yes "map as $format # SKIP hwloc is not installed"
	fi
done
if command -v lstopo >/dev/null; then
	like 'the image shows a pool' "$(cat map.svg)" '*web: 4M on node 0*'
	like 'the image shows the colour of a pool' "$(cat map.svg)" \
		'*<rect*rgb(86,180,233)*'
fi
if command -v lstopo-no-graphics >/dev/null; then
	try map -o -map.svg
	like 'a file name that starts with a dash' "$(cat ./-map.svg)" '*<svg*'
	mkfifo map.svg.fifo
	ln -s map.svg.fifo fifo.svg
	timeout 60 cat map.svg.fifo >from-fifo &
	try map -o fifo.svg
	wait $!
	like 'map written to a fifo' "$(cat from-fifo)" '*<svg*'
	is 'the fifo is not replaced' "$(stat -c %F map.svg.fifo)" fifo
fi
try map -o map.gif
is 'map in an unknown format' "$status" 2

# metrics

try metrics
is 'metrics: exit status' "$status" 0
if command -v promtool >/dev/null; then
	is 'promtool finds nothing wrong' \
		"$(promtool check metrics <out 2>&1)" ''
else
	tap_result yes 'promtool # SKIP prometheus is not installed'
fi
is 'metrics of memory' "$(grep '^vpool_memory_size_bytes' out)" \
	'vpool_memory_size_bytes{pool="db"} 6291456
vpool_memory_size_bytes{pool="web"} 4194304'
is 'metrics of the module' "$(grep '^vpool_[pa].*s[^{]* ' out)" \
	'vpool_pools 2
vpool_abi_version 7'
is 'properties as labels' "$(grep '^vpool_info' out)" \
	'vpool_info{pool="db",id="2",uid="0",gid="0",mode="0660",cpus=""} 1
vpool_info{pool="web",id="3",uid="0",gid="0",mode="0660",cpus="0"} 1'
is 'time of creation' \
	"$(sed -n 's/^vpool_created_timestamp_seconds{pool="web"} //p' out)" \
	1600000000.000000000
# Each counter in sysfs has a metric.
for file in sys/pools/web/stat/*; do
	is "metrics have $(basename "$file")" "$(grep -c \
		"^vpool_$(basename "$file")_total{pool=\"web\"} 0" out)" 1
done
echo 7 >sys/pools/web/stat/new_thing
echo 7 >sys/pools/db/stat/new_thing
try metrics -o metrics.prom
like 'a counter that vpoolctl does not know' "$(cat metrics.prom)" \
	'*vpool_new_thing_total{pool="web"} 7*'
is 'no temporary file is left' "$(echo metrics.prom*)" metrics.prom
try metrics -o /nowhere/x
is 'metrics written to a missing directory' "$err" \
	'vpoolctl: metrics: /nowhere/x: No such file or directory
Try '"'ls'"' to list the directory, which must exist.'

# Only a regular file is replaced by metrics -o.
inode() { stat -c '%F %i' "$1"; }
mkfifo metrics.fifo
before=$(inode metrics.fifo)
timeout 60 cat metrics.fifo >from-fifo &
reader=$!
try metrics -o metrics.fifo
is 'metrics written to a fifo: exit status' "$status" 0
is 'the fifo is not replaced' "$(inode metrics.fifo)" "$before"
# If the fifo was replaced, the reader would wait forever.
[ "$(inode metrics.fifo)" = "$before" ] || kill "$reader"
wait "$reader"
like 'the reader of the fifo gets all metrics' "$(cat from-fifo)" '*vpool_new_thing_total{pool="web"} 7*'
echo old >metrics.old
chmod 0600 metrics.old
ln -s metrics.old metrics.link
try metrics -o metrics.link
is 'a symbolic link stays' "$(readlink metrics.link)" metrics.old
like 'the target of a symbolic link is replaced' "$(cat metrics.old)" '*vpool_pools 2*'
is 'the replaced file keeps its mode' "$(stat -c %a metrics.old)" 600
try metrics -o -
like '- is standard output' "$out" '*vpool_pools 2*'
is 'no file has that name' "$(ls -- - 2>/dev/null)" ''
if mknod metrics.null c 1 3 2>/dev/null && : 2>/dev/null >metrics.null; then
	before=$(inode metrics.null)
	try metrics -o metrics.null
	is 'metrics written to a device: exit status' "$status" 0
	is 'the device is not replaced' "$(inode metrics.null)" "$before"
	rm metrics.null
	mknod metrics.full c 1 7
	try metrics -o metrics.full
	is 'an error of the device is reported' "$err" \
		"vpoolctl: metrics: metrics.full: No space left on device
Try 'vpoolctl metrics --help'."
else
	tap_result yes 'metrics written to a device # SKIP no device can be created here'
fi

# list and show

export TZ=UTC
try list
is 'list' "$out" 'NAME STATE  PAGE TOTAL USED FREE CPUS MEMBERS REGIONS
db   active   2M    6M   0B   6M -          0       0
web  active   2M    4M   0B   4M 0          0       0'
try list -b -o name,total,free,owner,mode,isolated
is 'list in bytes' "$out" 'NAME   TOTAL    FREE OWNER     MODE ISOLATED
db   6291456 6291456 root:root 0660       no
web  4194304 4194304 root:root 0660       no'
try show web
is 'show' "$(sed 's/ *$//' out)" 'Name:         web
State:        active
Page:         2M
Total:        4M
Used:         0B
Free:         4M
CPUs:         0
Members:      0
Regions:      0
Owner:        root:root
Mode:         0660
Peak:         0B
Clean:        4M
Scrubbing:    0B
Poisoned:     0B
Created:      2020-09-13T12:26:40+00:00
Device:       /dev/vpool/web
ID:           3
Isolated:     no
Grade:        plain
Outside:      -
Effective:    0
Dedicated:    -
Mounts:       0
User mem:     -
User regions: -
User members: -

NODE TOTAL USED FREE
   0    4M   0B   0B'
try show web -J
is 'show as JSON' "$(tr -d ' \n' <out)" '{"version":1,"pool":{"name":"web","state":"active","page":2097152,"total":4194304,"used":0,"free":4194304,"cpus":"0","members":0,"regions":0,"owner":"root:root","mode":"0660","peak":0,"clean":4194304,"scrubbing":0,"poisoned":0,"uid":0,"gid":0,"created":"2020-09-13T12:26:40+00:00","device":"/dev/vpool/web","id":3,"isolated":false,"grade":"plain","outside":null,"effective":"0","dedicated":"","target":0,"gathered":0,"mounts":0,"user_mem":null,"user_regions":null,"user_members":null,"nodes":[{"node":0,"total":4194304,"used":0,"free":0}],"mount_points":[]}}'
TZ=America/St_Johns try show web -J
schema show
like 'a time zone with minutes' "$out" '*"2020-09-13T09:56:40-02:30"*'
try show wbe
is 'show a misspelt pool' "$err" "vpoolctl: show wbe: there is no pool 'wbe': did you mean 'web'?
Try 'vpoolctl list' for the existing pools."
try list -J
schema list
try show web -J
schema show
try host -J
schema host

tap_end
