#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The generated manual and completion, in the directory BUILD.

dir=$(dirname "$0")
# shellcheck source=/dev/null
. "$dir/tap.sh"

man=$BUILD/man/vpoolctl.8
verbs=$("$VPOOLCTL" help | sed -n "s,^  \([a-z]\+\) .*,\1,p")

# complete_line WORD...: what is offered for the last of them
complete_line()
{
	COMP_WORDS=("$@")
	COMP_CWORD=$(($# - 1))
	COMPREPLY=()
	_vpoolctl 2>/dev/null
	echo "${COMPREPLY[*]}"
}

# shellcheck source=/dev/null
. "$BUILD/completion/vpoolctl"
for verb in $verbs; do
	like "the manual has $verb" "$(cat "$man")" "*fBvpoolctl $verb*"
	like "$verb is offered" "$(complete_line vpoolctl '')" "*$verb*"
	like "$verb's options are offered" \
		"$(complete_line vpoolctl "$verb" --)" '*--help*'
done
like 'no placeholder is left' "$(grep -c '^@' "$man")" 0
is 'the beginning of a verb' "$(complete_line vpoolctl des)" destroy
is 'the beginning of an option' "$(complete_line vpoolctl create --pa)" \
	--page-size
is "an option's value" "$(complete_line vpoolctl create x -p 2)" 2M
is 'a column' "$(complete_line vpoolctl list -o NAME,SCR)" NAME,SCRUBBING
like 'a program' "$(complete_line vpoolctl run web -- printen)" 'printenv*'
like 'a file' "$(cd "$dir" && complete_line vpoolctl check docs)" docs.sh
conf=$BUILD/man/vpool.conf.5
like 'no placeholder is left in vpool.conf(5)' "$(grep -c '^@' "$conf")" 0
for property in mem cpus page-size owner mode timeout split-cores boot-core isolate; do
	is "vpool.conf(5) has $property" \
		"$(grep -c "^.fB$property:" "$conf")" 1
done
# The example in the manual is right.
sed -n '/^# .etc.vpool.d/,/^\.fi/{/^\.fi/d;s/\\-/-/g;p}' "$conf" |
	sed '/owner:/d' >"$BUILD/example.conf"
is 'the example of vpool.conf(5)' "$("$VPOOLCTL" check "$BUILD/example.conf")" \
	'1 file, 2 pools, no mistakes'
if command -v man >/dev/null; then
	for page in "$man" "$conf"; do
		is "$(basename "$page") has no warnings" \
			"$(MANWIDTH=80 man --warnings -l "$page" 2>&1 >/dev/null)" ''
	done
fi
vms='start list stop migrate console pause resume'
for verb in $vms; do
	like "the manual has vm $verb" "$(cat "$man")" \
		"*fBvpoolctl vm $verb*"
	like "vm $verb is offered" "$(complete_line vpoolctl vm '')" "*$verb*"
	like "vm $verb's options are offered" \
		"$(complete_line vpoolctl vm "$verb" --)" '*--help*'
done
is 'vm is offered once' "$(complete_line vpoolctl v)" 'vm version'
is 'the beginning of a second word' "$(complete_line vpoolctl vm mi)" migrate
is "an option of a verb of two words" \
	"$(complete_line vpoolctl vm start x --kern)" --kernel
mkdir -p "$BUILD/tests/run/vm/one" && export VPOOL_RUN_DIR=$BUILD/tests/run
is 'a virtual machine' "$(complete_line vpoolctl vm stop '')" one
tap_end
