# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Functions that make headers from a kernel's source, so that this host's compiler and C
# library can use them. They work in the folder headers in the current folder.

# Print the options that differ between the configurations $1 and $2 and that headers of
# the source $3 use: these can change the layout of a structure. The options that tell the
# compiler's abilities do not.
differing_options() {
	local headers=("$3"/include/{linux,asm-generic} "$3"/arch/x86/include)

	comm -12 \
		<(diff <(grep '^CONFIG_' "$1" | sort) <(grep '^CONFIG_' "$2" | sort) |
			sed -nE 's/^[<>] (CONFIG_[^=]*)=.*/\1/p' | sort -u) \
		<(grep -rhoE 'CONFIG_\w+' "${headers[@]}" | sort -u) |
		sed -E '/^CONFIG_(CC|GCC)_/d'
}

# prepare_headers SOURCE CONFIG [LOCALVERSION]: make headers from the source and a
# configuration.
prepare_headers() {
	local source=$1 config=$2 localversion=${3:-}

	mkdir -p headers
	cp "$config" headers/.config
	make -s -C "$source" O="$PWD/headers" LOCALVERSION="$localversion" \
		olddefconfig modules_prepare > headers.log 2>&1 || {
		tail -n 30 headers.log >&2
		die "cannot make headers from $source, see $PWD/headers.log"
	}
}

# make_headers SOURCE PACKAGED RELEASE: make headers like the packaged ones in the folder
# PACKAGED, with the same configuration and symbols.
make_headers() {
	local source=$1 packaged=$2 release=$3 made
	local -a differ

	# A release is a version and the name of the build.
	made=$(make -s -C "$source" kernelversion)
	prepare_headers "$source" "$packaged/.config" "${release#"$made"}"
	made=$(cat headers/include/config/kernel.release)
	[ "$made" = "$release" ] ||
		die "the source makes headers of Linux $made, not of $release"
	mapfile -t differ < <(differing_options "$packaged/.config" headers/.config \
		"$source")
	[ "${#differ[@]}" = 0 ] ||
		die "this host's tools change the configuration of Linux $release:" \
			"${differ[@]}"
	cp "$packaged/Module.symvers" headers/
}
