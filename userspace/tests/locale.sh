#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Numbers and keywords do not depend on the locale: German has a decimal comma, and in
# Turkish the capital of i is not I. VPOOLCTL is the program.

dir=$(mktemp -d) || exit 1
trap 'rm -r "$dir"' EXIT
# shellcheck source=/dev/null
. "$(dirname "$0")/tap.sh"

for locale in de_DE tr_TR; do
	localedef -i "$locale" -f UTF-8 "$dir/$locale.UTF-8" >/dev/null 2>&1
	[ -d "$dir/$locale.UTF-8" ] && continue
	tap_result yes "in $locale # SKIP localedef cannot make it (package locales)"
	tap_end
done
export LOCPATH=$dir VPOOL_SYSFS_DIR=$dir/sys VPOOL_DEV_DIR=$dir/dev
pool=$dir/sys/pools/web
mkdir -p "$pool/cpus" "$pool/memory" "$pool/stat"
echo active >"$pool/state"
echo 0 >"$pool/cpus/assigned"
echo 3145728 >"$pool/memory/total_bytes"
echo 1572864 >"$pool/memory/used_bytes"

# in_locale LOCALE ARGUMENT...: print the output in a locale, with varying numbers masked
in_locale()
{
	LC_ALL=$1.UTF-8 "$VPOOLCTL" "${@:2}" 2>&1 |
		sed '/^vpool_cpu_busy/s/[0-9]*\([^0-9]\)[0-9]*$/N\1N/'
}

is 'the locale has a decimal comma' "$(LC_ALL=de_DE.UTF-8 printf '%.1f' 1)" 1,0
while read -ra words; do
	wanted=$(in_locale C "${words[@]}")
	for locale in de_DE tr_TR; do
		is "$locale: vpoolctl ${words[*]}" \
			"$(in_locale "$locale" "${words[@]}")" "$wanted"
	done
done <<END
metrics
list -J
list -o id,gid,page,used
show web
show web -J
map -J
top -b -n 1 -d 0.1 -o name,used%,allocs/s --sort used%
top -J -n 1 -d 0.1 -o name,used%,allocs/s
create x --mem 1.5gib --cpus 1
kill nope -s sigint
kill nope -s kill
END
if command -v lstopo >/dev/null || command -v lstopo-no-graphics >/dev/null; then
	in_locale C map -o "$dir/c.svg"
	in_locale de_DE map -o "$dir/de.svg"
	is 'the image is the same' "$(cmp "$dir/c.svg" "$dir/de.svg" 2>&1)" ''
else
	tap_result yes 'the image is the same # SKIP lstopo is not installed'
fi

tap_end
