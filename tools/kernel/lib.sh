# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# What the kernel tools share: the cache, and Debian's packages.

# Tools read this too.
# shellcheck disable=SC2034
cache=${XDG_CACHE_HOME:-$HOME/.cache}/vpool
kernels=$cache/kernels

say() { echo "${0##*/}: $*" >&2; }
die() { say "$@"; exit 1; }

# The newest package whose name matches the extended regex $1, if there is one.
newest_package() {
	apt-cache pkgnames linux- | sed -nE "/^$1\$/p" | sort -V | tail -n 1
}

# again COMMAND...: try what takes the network up to three times.
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

# Have lists of packages, without asking the network where they are there.
need_package_lists() {
	[ -n "$(apt-cache pkgnames linux-headers-)" ] || update_package_lists
}

download_once() {
	apt-get download -qq -o APT::Sandbox::User="$(id -un)" "$@"
}

# Download packages into the current folder. The lists may be older than they are.
download_packages() {
	download_once "$@" || { update_package_lists && again download_once "$@"; } ||
		die "cannot download: $*"
}

# Run the rest of the command line while no other process makes $1.
locked() {
	local what=$1

	shift
	mkdir -p "$cache/locks"
	(
		flock 9
		"$@"
	) 9>"$cache/locks/$what"
}
