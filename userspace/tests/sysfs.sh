# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Simulate a pool in sysfs. A test script sources this file.

# sysfs_pool DIR CPUS [FILE]...: create the directory of an active pool with huge pages and
# these CPUs. These files, and those that each pool needs, have the value 0.
sysfs_pool()
{
	local at=$1 cpus=$2 file

	shift 2
	mkdir -p "$at/cpus" "$at/memory/node0" "$at/stat"
	for file in id uid gid cpus/members memory/used_bytes memory/regions \
		memory/free_bytes memory/scrubbing_bytes "$@"; do
		echo 0 >"$at/$file"
	done
	echo active >"$at/state"
	echo 2097152 >"$at/page_size"
	echo 0660 >"$at/mode"
	echo "$cpus" | tee "$at/cpus/assigned" >"$at/cpus/effective"
	echo >"$at/cpus/dedicated"
}
