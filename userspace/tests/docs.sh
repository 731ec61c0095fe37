#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The generated manual and completion, in the directory BUILD.

dir=$(dirname "$0")
# shellcheck source=/dev/null
. "$dir/tap.sh"

man=$BUILD/man/vpoolctl.8
verbs='host create list show run attach detach regions ps kill audit destroy help version'

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
if command -v man >/dev/null; then
	is 'the manual has no warnings' \
		"$(MANWIDTH=80 man --warnings -l "$man" 2>&1 >/dev/null)" ''
fi
tap_end
