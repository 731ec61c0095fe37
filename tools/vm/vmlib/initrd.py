# SPDX-License-Identifier: GPL-2.0
"""Write the first root of a test VM and the script that starts the command."""

import os
import shlex
import shutil
import subprocess

from . import HERE, TOP, VmError

# Modules for the root file system, and for the ports that carry the output.
BOOT_MODULES = ("virtio_pci", "9pnet_virtio", "9p", "overlay", "virtio_console")

INIT = r"""#!/bin/busybox sh
# The first program: mount the host's root below a writable layer and switch to it.
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
for module in /modules/*; do
	[ -e "$module" ] || continue
	case $module in
	*.xz) xz -dc "$module" > /m.ko ;;
	*) cat "$module" > /m.ko ;;
	esac
	insmod /m.ko || echo "vpool test VM: cannot load $module"
done
mount -t tmpfs -o size=75% upper /upper

# lower TAG: mount the host's folder TAG on /lower/TAG.
lower() {
	mkdir -p "/lower/$1"
	mount -t 9p -o trans=virtio,version=9p2000.L,msize=512000,cache=loose,ro \
		"$1" "/lower/$1" || exec reboot -f
}

# writable TAG DIR [LAYER]: mount the host's folder TAG on DIR, below the host's folder LAYER
# and a layer of its own.
writable() {
	mkdir -p "/upper/$1/top" "/upper/$1/work" "$2"
	lower "$1"
	[ -z "$3" ] || lower "$3"
	mount -t overlay \
		-o "lowerdir=${3:+/lower/$3:}/lower/$1,upperdir=/upper/$1/top,workdir=/upper/$1/work" \
		"$1" "$2" || exec reboot -f
}

read -r layer < /above
writable root /root "$layer"
# A root for another architecture than the host's lacks these folders of the host.
while read -r from to; do
	[ -e /host ] || writable host /host
	mkdir -p "/root$to"
	mount --bind "/host$from" "/root$to" || exec reboot -f
done < /shared
for dir in proc sys dev; do
	mount --move "/$dir" "/root/$dir"
done
# The kernel exports command-line parameters that it does not know.
exec switch_root /root /bin/sh "$vm_dir/start"
"""


def shared_folders(kernel, where):
    """Return which folders of the host a test VM needs in a root of its own.

    Each is a pair: the folder on the host, and its place in the test VM. What was
    cross-built appears where it would be if it had been built in the test VM.
    """
    if not kernel.is_foreign():
        return []
    return [(where, where), (TOP, TOP), (kernel.build, f"{TOP}/build"),
            (os.path.realpath(kernel.dir), os.path.realpath(kernel.dir))]


def make_initrd(kernel, where, layer=None):
    """Pack busybox and the boot modules below @where; return the archive's path.

    @layer is a folder to mount above the root, or None.
    """
    root = f"{where}/initrd"
    for d in ("bin", "modules", "proc", "sys", "dev", "lower", "upper", "root"):
        os.makedirs(f"{root}/{d}")
    busybox = f"{kernel.root()}/bin/busybox" if kernel.is_foreign() else \
        shutil.which("busybox")
    if not busybox:
        raise VmError("busybox is not installed: run tools/setup")
    shutil.copy(busybox, f"{root}/bin/busybox")
    with open(f"{root}/shared", "w", encoding="ascii") as f:
        f.writelines(f"{here} {there}\n"
                     for here, there in shared_folders(kernel, where))
    with open(f"{root}/above", "w", encoding="ascii") as f:
        f.write("layer\n" if layer else "\n")
    for i, file in enumerate(kernel.module_files(BOOT_MODULES)):
        suffix = ".xz" if file.endswith(".xz") else ""
        shutil.copy(file, f"{root}/modules/{i:02d}.ko{suffix}")
    with open(f"{root}/init", "w", encoding="ascii") as f:
        f.write(INIT)
    os.chmod(f"{root}/init", 0o755)
    with open(f"{where}/initrd.cpio", "wb") as f:
        find = subprocess.Popen(["find", "."], cwd=root, stdout=subprocess.PIPE)
        subprocess.run(["cpio", "-o", "-H", "newc", "--quiet"], cwd=root,
                       stdin=find.stdout, stdout=f, check=True)
        find.wait()
    return f"{where}/initrd.cpio"


def write_start(args, kernel, module, where, more=()):
    """Write the second program: the environment, then tools/vm/guest COMMAND.

    @module is the path of the vpool.ko to load, or None. @more is a dict of further
    variables.
    """
    if module:
        module = module.replace(kernel.build, f"{TOP}/build", 1)
    env = {"VPOOL_KERNEL": kernel.name, "VPOOL_KO": module or "",
           "VPOOL_KERNEL_IMAGE": os.path.realpath(kernel.image)}
    if args.iommu:
        env["VPOOL_IOMMU"] = "1"
    env.update((k, v) for k, v in os.environ.items() if k.startswith("VPOOL_"))
    env.update(more)
    env.update(TESTVM_TOP=TOP, TESTVM_MODULES=kernel.modules_dir(),
               TESTVM_LOAD=module or "", TESTVM_CWD=os.getcwd(),
               TESTVM_KMEMLEAK="" if args.no_kmemleak else "1",
               TERM=os.environ.get("TERM", "dumb"),
               LANG=os.environ.get("LANG", "C.UTF-8"))
    with open(f"{where}/start", "w", encoding="utf-8") as f:
        for key, value in env.items():
            f.write(f"export {key}={shlex.quote(value)}\n")
        f.write(f"exec /bin/sh {shlex.quote(HERE)}/guest ")
        f.write(" ".join(map(shlex.quote, args.command)) + "\n")
