# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
#
# Print test results in TAP. A test script sources this file, calls is and like, and
# ends with tap_end.

tap_nr=0
tap_bad=0
tap_schemas=0
# The path of validate.py, by default beside the test.
: "${VALIDATE:=$(dirname "$(readlink -f "$0")")/validate.py}"

# tap_result yes|no NAME: print one result
tap_result()
{
	tap_nr=$((tap_nr + 1))
	if [ "$1" = yes ]; then
		echo "ok $tap_nr - $2"
	else
		echo "not ok $tap_nr - $2"
		tap_bad=$((tap_bad + 1))
	fi
}

# is NAME GOT WANTED: check that two texts are equal
is()
{
	if [ "$2" = "$3" ]; then
		tap_result yes "$1"
	else
		printf '%s\n' "# is '$2'" "# not '$3'" | sed 's/^[^#]/#   &/'
		tap_result no "$1"
	fi
}

# like NAME GOT PATTERN: check that a text matches a pattern of "case"
like()
{
	# shellcheck disable=SC2254 # it is a pattern
	case $2 in
	$3)
		tap_result yes "$1"
		;;
	*)
		printf '%s\n' "# is '$2'" "# not like '$3'" |
			sed 's/^[^#]/#   &/'
		tap_result no "$1"
		;;
	esac
}

# says_next NAME: check that the message in err has a hint
# shellcheck disable=SC2154
says_next()
{
	case $err in
	*"Try "*|*"Name each "*|*"Attach the task "*|*"Use a size "*| \
	*"run 'modprobe vpool'"*|*"; 'vpoolctl "*|*--force*| \
	*"--accel tcg"*|*/boot/vmlinuz*|*"install QEMU"*|"usage: vpoolctl"*)
		tap_result yes "$1: has a hint"
		;;
	*)
		echo "$err" | sed 's/^/# /'
		tap_result no "$1: has a hint"
		;;
	esac
}

# try STATUS ARGUMENT...: run vpoolctl, and check its exit status. Set out and err to
# what it prints. The variable dir names a directory for temporary files.
# shellcheck disable=SC2034,SC2154
try()
{
	tap_wanted=$1
	shift
	"${VPOOLCTL:-vpoolctl}" "$@" >"$dir/out" 2>"$dir/err"
	tap_status=$?
	out=$(cat "$dir/out")
	err=$(cat "$dir/err")
	[ "$tap_status" = "$tap_wanted" ] ||
		sed 's/^/# /' "$dir/out" "$dir/err"
	is "vpoolctl $(echo "$*" | tr '\n' ' ')" "$tap_status" "$tap_wanted"
	case $tap_wanted in
	[123]) says_next "vpoolctl $1" ;;
	esac
}

# schema VERB: check at the end of the test that the output in out matches the JSON schema, if
# python3-jsonschema is installed. Python starts slowly on an emulated machine, so one process
# checks all outputs.
# shellcheck disable=SC2154
schema()
{
	tap_schemas=$((tap_schemas + 1))
	printf '%s\n' "$out" >"$dir/.schema.$(printf %03d "$tap_schemas").$1"
}

# Print a result for each call of schema.
tap_check_schemas()
{
	tap_wanted=$((tap_nr + tap_schemas))
	"$VALIDATE" "$dir"/.schema.* >"$dir/.schemas" 2>&1
	while read -r tap_good tap_text; do
		case $tap_good in
		yes|no) tap_result "$tap_good" "$tap_text" ;;
		*) echo "# $tap_good $tap_text" ;;
		esac
	done <"$dir/.schemas"
	[ "$tap_nr" -eq "$tap_wanted" ] || tap_result no 'all outputs were checked'
}

tap_end()
{
	[ "$tap_schemas" -eq 0 ] || tap_check_schemas
	echo "1..$tap_nr"
	exit "$((tap_bad > 0))"
}
