# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Functions that the tools share: the cache, and Debian's packages.

# The scripts that source this file use it.
# shellcheck disable=SC2034
cache=${XDG_CACHE_HOME:-$HOME/.cache}/vpool
kernels=$cache/kernels

say() { echo "${0##*/}: $*" >&2; }
die() { say "$@"; exit 1; }

# Print the newest package whose name matches the extended regex $1, or nothing.
newest_package() {
	apt-cache pkgnames linux- | sed -nE "/^$1\$/p" | sort -V | tail -n 1
}

# again COMMAND...: run a command that uses the network. Try up to three times.
again() {
	local i

	for i in 1 2; do
		! "$@" || return 0
		sleep $((10 * i))
	done
	"$@"
}

as_root() {
	if [ "$(id -u)" = 0 ]; then
		"$@"
	elif command -v sudo > /dev/null; then
		sudo "$@"
	else
		say "as root, run: $*"
		return 1
	fi
}

update_package_lists() { as_root apt-get update -qq; }

# Download package lists if there are none.
need_package_lists() {
	[ -n "$(apt-cache pkgnames linux-headers-)" ] || update_package_lists
}

download_once() {
	apt-get download -qq -o APT::Sandbox::User="$(id -un)" "$@"
}

# Download packages into the current folder. If that fails, the package lists may be too
# old: download them and try again.
download_packages() {
	download_once "$@" || { update_package_lists && again download_once "$@"; } ||
		die "cannot download: $*"
}

# locked NAME COMMAND...: run a command while holding the lock NAME.
locked() {
	local what=$1

	shift
	mkdir -p "$cache/locks"
	(
		flock 9
		"$@"
	) 9>"$cache/locks/$what"
}
