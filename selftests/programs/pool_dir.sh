# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Functions for tests of programs that use files of a pool; the tests source this file.

here=$(dirname "$(readlink -f "$0")")
# shellcheck source=selftests/lib/require.sh
. "$here/../lib/require.sh"
# shellcheck source=/dev/null
. "$here/../../userspace/tests/tap.sh"
# shellcheck source=selftests/vm/guest.sh
. "$here/../vm/guest.sh"

export LC_ALL=C
# The pool of the test, and the directory where it is mounted.
pool=programs
dir=$(mktemp -d) || exit 1
mnt=$dir/mnt
# Programs that use the mount and must have ended before it is unmounted.
users=()

# shellcheck disable=SC2317 # the trap calls it
clean_up() {
	[ "${#users[@]}" = 0 ] || kill -9 "${users[@]}"
	wait
	umount -R "$mnt" "$dir/data/pg_dynshmem"
	vpoolctl destroy --force $pool
	rm -rf "$dir"
} > /dev/null 2>&1
trap clean_up EXIT

# mount_pool SIZE [OPTION]: create the pool and mount it.
mount_pool() {
	try 0 create $pool --mem "$1"
	mkdir "$mnt"
	mount -t vpool -o "pool=$pool${2:-}" none "$mnt"
	is 'the pool is mounted' $? 0
}

has_used() { test "$(used $pool)" "$@"; }

# missing TEST COMMAND: report a test as skipped if there is no such command.
missing() {
	! command -v "$2" > /dev/null || return 1
	tap_result yes "$1 # SKIP no $2 here"
}

# returned: remove all files, and check that the pool has its memory back.
returned() {
	rm -rf "${mnt:?}"/*
	until_true 30 has_used = 0
	is 'the pool has its memory back' "$(used $pool)" 0
}

# end: unmount and destroy the pool.
end() {
	umount "$mnt"
	try 0 destroy $pool
	tap_end
}

section() { echo "# $SECONDS s: $*"; }
