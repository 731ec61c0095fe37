# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Functions for tools whose top comment ends with "usage:" lines. Call them before cd,
# because $0 may be a relative path.

# Print the top comment of this script.
print_help() {
	sed -n '4,/^$/s/^# \?//p' "$0"
}

usage_error() {
	print_help | sed -n '/^usage: /,$p' >&2
	exit 2
}

# check_arguments MIN MAX ARGUMENT...: check the number of arguments. An empty MAX allows
# any number. Print the help for -h and --help, and refuse all other options.
check_arguments() {
	local min=$1 max=$2 argument

	shift 2
	for argument; do
		case $argument in
		-h|--help) print_help; exit ;;
		-*) usage_error ;;
		esac
	done
	[ $# -ge "$min" ] && [ $# -le "${max:-$#}" ] || usage_error
}
