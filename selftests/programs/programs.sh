#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Test that programs use files of a pool without changes: fio, Python, LMDB, SQLite and
# Java, as described in Documentation/programs.rst. Needs root. A program that is not
# installed is skipped.

# shellcheck source=selftests/programs/pool_dir.sh
. "$(dirname "$(readlink -f "$0")")/pool_dir.sh"

# python NAME: run the program on standard input, and check that it prints "right".
python() {
	python3 -I - "$mnt" > "$dir/out" 2>&1
	tail -n 3 "$dir/out" | sed 's/^/# /'
	is "$1" "$(tail -n 1 "$dir/out")" right
}

mount_pool 160M

section fio

# fio_job ARGUMENT...: write and verify data. Print the first error.
fio_job() {
	fio --name=job --size=4M --bs=64k --rw=randrw --verify=crc32c --output-format=terse \
		--eta=never "$@" > "$dir/fio" 2>&1
}

if ! missing fio fio; then
	# fio does not set the size of this file.
	truncate -s 2M "$mnt/buffers"
	fio_job --filename="$dir/data" --iomem="mmapshared:$mnt/buffers"
	is 'fio has its buffers in a file of the pool' $? 0
	is 'the file has the data of a buffer' \
		"$(tr -d '\0' < "$mnt/buffers" | head -c 1 | wc -c)" 1
	fio_job --filename="$dir/data" --iomem="mmaphuge:$mnt/buffers"
	is 'fio does the same with --iomem=mmaphuge' $? 0
	fio_job --filename="$dir/data" --iomem="mmap:$mnt/private"
	is '--iomem=mmap, which maps MAP_PRIVATE, fails' $? 1
	like 'fio says that mmap failed' "$(cat "$dir/fio")" \
		'*func=mmap, error=Invalid argument*'
	for engine in sync mmap libaio; do
		fio_job --filename="$mnt/data" --ioengine=$engine --direct=1
		is "fio writes and verifies data in the pool with $engine" $? 0
	done
	returned
fi

section Python

python 'a Python program maps a file' <<'END'
import mmap, os, sys, tempfile
MIB = 1 << 20
path = sys.argv[1] + "/python"
fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
os.ftruncate(fd, 8 * MIB)
m = mmap.mmap(fd, 8 * MIB)
m[5 * MIB:5 * MIB + 5] = b"hello"
m.flush()
assert os.pread(fd, 5, 5 * MIB) == b"hello"
m.resize(16 * MIB)
assert os.fstat(fd).st_size == 16 * MIB
# A hole is memory that the pool has back.
m.madvise(mmap.MADV_REMOVE, 0, 2 * MIB)
assert os.fstat(fd).st_blocks * 512 == 14 * MIB
again = mmap.mmap(os.open(path, os.O_RDONLY), 16 * MIB, access=mmap.ACCESS_READ)
assert again[5 * MIB:5 * MIB + 5] == b"hello"
try:
    mmap.mmap(fd, 16 * MIB, access=mmap.ACCESS_COPY)
except OSError as error:
    print("ACCESS_COPY:", error)
else:
    sys.exit("MAP_PRIVATE works")
try:
    m.resize(1024 * MIB)
except OSError as error:
    print("resize:", error)
else:
    sys.exit("the file is larger than the pool")
with tempfile.TemporaryFile(dir=sys.argv[1]) as f:
    f.write(b"x" * 100)
    f.seek(0)
    assert f.read() == b"x" * 100
print("right")
END
returned

section LMDB

if python3 -I -c 'import lmdb' 2> /dev/null; then
	python 'LMDB keeps a database' <<-'END'
	import lmdb, os, sys
	items = {b"%d" % i: b"value %d " % i * 100 for i in range(1000)}
	for writemap in (False, True):
	    path = f"{sys.argv[1]}/lmdb-{writemap}"
	    env = lmdb.open(path, map_size=32 << 20, writemap=writemap)
	    for first in range(0, 1000, 100):
	        with env.begin(write=True) as txn:
	            for i in range(first, first + 100):
	                txn.put(b"%d" % i, items[b"%d" % i])
	    env.close()
	    env = lmdb.open(path, map_size=32 << 20, readonly=True)
	    with env.begin() as txn:
	        assert dict(txn.cursor()) == items
	    maps = [line for line in open("/proc/self/maps") if path + "/data.mdb" in line]
	    assert maps and "s" in maps[0].split()[1], maps
	    env.close()
	print("right")
	END
	returned
else
	tap_result yes 'LMDB # SKIP no python3-lmdb here'
fi

section SQLite

python 'SQLite maps its database and its log' <<'END'
import sqlite3, sys
path = sys.argv[1] + "/data.sqlite"
db = sqlite3.connect(path)
assert db.execute("pragma journal_mode=wal").fetchone()[0] == "wal"
db.execute("pragma mmap_size=33554432")
db.execute("create table t (a, b)")
db.executemany("insert into t values (?, ?)", ((i, "x" * 500) for i in range(5000)))
db.commit()
db.execute("pragma wal_checkpoint(truncate)")
assert db.execute("select count(*), sum(a) from t").fetchone() == (5000, 12497500)
assert db.execute("pragma integrity_check").fetchone()[0] == "ok"
mapped = {line.split()[5] for line in open("/proc/self/maps") if path in line}
assert mapped == {path, path + "-shm"}, mapped
print("right")
END
returned

section Java

# keytool ARGUMENT...: run a program of the Java runtime with its heap in the pool.
heap=(-J-Xmn8m -J-XX:TieredStopAtLevel=1 -J-Xms64m -J-Xmx64m "-J-XX:AllocateHeapAt=$mnt")
keytool() { command keytool "$@" -keystore "$dir/keys" > "$dir/java" 2>&1; }
java_maps() {
	awk -v dir="$mnt/" '/^[0-9a-f]+-[0-9a-f]+ / { ours = index($6, dir) == 1 }
		ours && /^Size:/ { size += $2 }
		ours && /^Rss:/ { touched += $2 }
		ours && /^FilePmdMapped:/ { huge += $2 }
		END { print "size " size " kB, touched " touched ", with huge pages " huge }' \
		"/proc/$1/smaps"
}

if ! missing Java keytool; then
	collectors=(UseG1GC)
	[ -z "${VPOOL_LONG:-}" ] || collectors+=(UseSerialGC UseParallelGC)
	for gc in "${collectors[@]}"; do
		rm -f "$dir/keys"
		keytool "${heap[@]}" "-J-XX:+$gc" -J-Xlog:gc:file="$dir/gc" -genkeypair \
			-alias key -keyalg RSA -keysize 1024 -dname CN=pool -storepass password
		is "Java makes a key with -XX:+$gc and its heap in the pool" $? 0
		like 'it has collected garbage' "$(cat "$dir/gc")" '*GC(0) Pause Young*'
		sed 's/^/# /' "$dir/java" "$dir/gc" | head -n 5
	done
	# It waits for the password.
	mkfifo "$dir/password"
	command keytool "${heap[@]}" -J-XX:+UseSerialGC -list -keystore "$dir/keys" \
		< "$dir/password" > "$dir/java" 2>&1 &
	users=($!)
	exec 8> "$dir/password"
	until_true 60 has_used -gt 0
	is 'the heap is committed at once' "$(used $pool)" $((64 << 20))
	is 'the file has no name' "$(ls "$mnt")" ''
	until_true 60 grep -qs password "$dir/java"
	echo "# $(java_maps "${users[0]}")"
	echo password >&8
	wait "${users[0]}"
	is 'Java reads the key' $?-"$(grep -c PrivateKeyEntry "$dir/java")" 0-1
	users=()
	exec 8>&-
	keytool -J-Xms512m -J-Xmx512m "-J-XX:AllocateHeapAt=$mnt" -list -storepass password
	is 'Java does not start with a heap larger than the pool' $? 1
	like 'it has the errno of fallocate, ENOSPC' "$(cat "$dir/java")" \
		'*Error in mapping Java heap at the given filesystem directory. error(28)*'
	sed 's/^/# /' "$dir/java"
	returned
fi

end
