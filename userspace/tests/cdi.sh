#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The file that vpoolctl cdi writes for container engines, and the input of its hook, with
# a directory that simulates sysfs. VPOOLCTL is the program.

dir=$(mktemp -d) || exit 1
trap 'rm -r "$dir"' EXIT
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=/dev/null
. "$here/tap.sh"

export LC_ALL=C VPOOL_DEV_DIR="$dir/dev" VPOOL_SYSFS_DIR="$dir/sys"
program=$(readlink -f "$VPOOLCTL")

# pool NAME: create the files of a pool
pool()
{
	local at=$dir/sys/pools/$1 file

	mkdir -p "$at/cpus" "$at/memory"
	for file in id uid gid cpus/members memory/used_bytes memory/regions \
		memory/free_bytes memory/scrubbing_bytes memory/total_bytes \
		memory/clean_bytes created_ns; do
		echo 0 >"$at/$file"
	done
	echo active >"$at/state"
	echo 2097152 >"$at/page_size"
	echo 0660 >"$at/mode"
	echo 2-3 | tee "$at/cpus/assigned" >"$at/cpus/effective"
	echo >"$at/cpus/dedicated"
}

mkdir -p "$dir/sys"
echo 7 >"$dir/sys/abi_version"
echo 2097152 >"$dir/sys/default_page_size"
for name in web 7up a.b_c-d db-; do
	pool "$name"
done

# rules: check the file in out against the rules of CDI
rules() { echo "$out" | "$here/validate_cdi.py" 2>&1; }

try 0 cdi web
is 'the file of a pool' "$out" '{
  "cdiVersion": "0.3.0",
  "kind": "vpool.dev/pool",
  "devices": [
    {
      "name": "web",
      "containerEdits": {
        "env": [
          "VPOOL_POOL=web",
          "VPOOL_DEVICE=/dev/vpool/web"
        ],
        "deviceNodes": [
          {
            "path": "/dev/vpool/web",
            "permissions": "rw"
          }
        ],
        "hooks": [
          {
            "hookName": "createRuntime",
            "path": "'"$program"'",
            "args": [
              "vpoolctl",
              "cdi",
              "--hook",
              "web"
            ]
          }
        ]
      }
    }
  ]
}'
is 'the file obeys the rules' "$(rules)" ''
web=$out
# The check of the rules finds mistakes.
while IFS='|' read -r change message; do
	out=$(echo "$web" | sed "$change")
	like "the rules find a mistake: $change" "$(rules)" "*$message*"
done <<'END'
s/0.3.0/0.2.0/|cdiVersion: is unknown
s,"kind","type",|has no kind
s,vpool.dev/pool,pool,|kind: is not VENDOR/CLASS
s/"name": "web"/"name": "web-"/|name is not valid
s/"name": "web"/"name": "7up"/|needs version 0.5.0
s/VPOOL_POOL=web/VPOOL_POOL/|is not NAME=VALUE
s,/dev/vpool/web",dev",|path is not absolute
s/"rw"/"rwx"/|permissions are not
s/createRuntime/create/|hookName is unknown
s/"args"/"arguments"/|unknown key arguments
END
try 0 cdi a.b_c-d
is 'the file of a pool with punctuation obeys the rules' "$(rules)" ''
try 0 cdi 7up
is 'the file of a pool with a digit first obeys the rules' "$(rules)" ''
like 'such a file has a newer version' "$out" '*"cdiVersion": "0.5.0"*'
try 1 cdi db-
# shellcheck disable=SC2154 # try sets it
like 'a name that engines refuse' "$err" "vpoolctl: cdi db-: the name ends with '-': *"
try 1 cdi wbe
like 'a pool that does not exist' "$err" "vpoolctl: cdi wbe: there is no pool 'wbe'*"

file=$dir/cdi/vpool.dev-pool_web.json
try 0 cdi web --directory "$dir/cdi"
is 'the file is written to a new directory' "$out" "wrote $file, for --device vpool.dev/pool=web"
is 'the written file is the printed one' "$(cat "$file")" "$web"
is 'every user can read it' "$(stat -c %a "$file")" 644
echo old >"$file"
try 0 cdi web -d "$dir/cdi" --quiet
is 'nothing is printed with --quiet' "$out$err" ''
is 'the file is replaced' "$(cat "$file")" "$web"
is 'no other file is left' "$(ls "$dir/cdi")" "${file##*/}"
rm -r "$dir/sys/pools/web"
try 0 cdi web --directory "$dir/cdi" --remove
is 'the file of a pool that has gone is removed' "$out" "removed $file"
is 'it is gone' "$(ls "$dir/cdi")" ''
try 1 cdi web --directory "$dir/cdi" --remove
like 'it cannot be removed again' "$err" "vpoolctl: cdi web: $file: No such file or directory*"
try 1 cdi 7up --directory "$dir/nowhere/cdi"
like 'a directory that cannot be created' "$err" "*$dir/nowhere/cdi: No such file*"
try 2 cdi web --remove
like 'remove without a directory' "$err" '*--remove needs --directory*'
try 2 cdi ../web -d "$dir" --remove
like 'remove of an invalid name' "$err" "*'../web' is not a valid name*"
try 2 cdi web --hook --remove
like 'the hook with another option' "$err" '*--hook excludes*'

for state in '' nonsense '{}' '{"pid":0}' '{"pid":"1"}' '{"pid":4294967297}' '[]'; do
	try 1 cdi 7up --hook <<<"$state"
	like "the hook refuses '$state'" "$err" '*is not the state of a container*'
done
try 1 cdi 7up --hook <<<'{"pid":1,"id":"x"}'
like 'the hook needs the device' "$err" "*pool '7up' is there, but not $dir/dev/7up*"

tap_end
