# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Functions that the tools share: the cache, and Debian's packages.

# The scripts that source this file use it.
# shellcheck disable=SC2034
cache=${XDG_CACHE_HOME:-$HOME/.cache}/vpool
kernels=$cache/kernels

# Exit status of tools/kernel/get and source: Debian has no such package here.
STATUS_NO_PACKAGE=3

say() { echo "${0##*/}: $*" >&2; }
die() { say "$@"; exit 1; }
no_package() { say "$@"; exit "$STATUS_NO_PACKAGE"; }

# Options of all apt commands below. use_suite sets them.
apt_options=()

# Print the newest package whose name matches the extended regex $1, or nothing.
newest_package() {
	apt-cache "${apt_options[@]}" pkgnames linux- | sed -nE "/^$1\$/p" |
		sort -V | tail -n 1
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

update_package_lists() {
	if [ "${#apt_options[@]}" -gt 0 ]; then
		apt-get update -qq "${apt_options[@]}"
	else
		as_root apt-get update -qq
	fi
}

# Download package lists if there are none.
need_package_lists() {
	[ -n "$(apt-cache "${apt_options[@]}" pkgnames linux-headers-)" ] ||
		update_package_lists
}

# Print the codename of this Debian.
codename() {
	# shellcheck source=/dev/null
	(. /etc/os-release && echo "${VERSION_CODENAME:-}")
}

# Print apt source lines for the suite $1, for packages or with $2 for sources: the same
# mirrors as for this Debian.
sources_of() {
	apt-get indextargets --format "\$(REPO_URI)" 'Created-By: Packages' \
		"Codename: $(codename)" | sort -u | while read -r uri; do
		echo "${2:-deb} [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $uri $1 main"
	done
}

# Let the apt commands of this file use the suite $1 as the only source, apart from the
# host's state. Keep its state in the folder $2, which the caller removes. If $3 is
# "deb-src", use its source packages. Fail if the host's mirrors do not provide the suite.
use_suite() {
	need_package_lists || return 1
	mkdir -p "$2/lists/partial" "$2/cache/archives/partial"
	sources_of "$1" "${3:-deb}" > "$2/sources"
	[ -s "$2/sources" ] || return 1
	apt_options=(
		-o Dir::Etc::SourceList="$2/sources"
		-o Dir::Etc::SourceParts=/dev/null
		-o Dir::State::Lists="$2/lists"
		-o Dir::Cache="$2/cache"
		-o APT::Sandbox::User="$(id -un)"
	)
	again update_package_lists
}

# Let the apt commands of this file use the suite that has Linux $1: Debian's backports for
# a kernel that this Debian does not have. Keep the state in the folder $2.
use_suite_of() {
	case $1 in
	7.*)
		use_suite trixie-backports "$2" ||
			no_package "the mirrors of this host do not provide trixie-backports"
		;;
	*) need_package_lists ;;
	esac
}

download_once() {
	apt-get download -qq -o APT::Sandbox::User="$(id -un)" "${apt_options[@]}" "$@"
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
