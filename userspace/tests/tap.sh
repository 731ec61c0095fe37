# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
#
# Print test results in TAP. A test script sources this file, calls is and like, and
# ends with tap_end.

tap_nr=0
tap_bad=0

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

# schema VERB: check the output in out against the JSON schema, if python3-jsonschema is
# installed. VALIDATE is the path of validate.py, by default beside the test.
# shellcheck disable=SC2154
schema()
{
	if python3 -c 'import jsonschema' 2>/dev/null; then
		is "$1 -J matches the schema" "$(printf '%s\n' "$out" |
			"${VALIDATE:-$(dirname "$(readlink -f "$0")")/validate.py}" \
			"$1" 2>&1)" ''
	else
		tap_result yes "$1 -J # SKIP python3-jsonschema is not installed"
	fi
}

tap_end()
{
	echo "1..$tap_nr"
	exit "$((tap_bad > 0))"
}
