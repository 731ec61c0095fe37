// SPDX-License-Identifier: GPL-2.0-only
/*
 * The arguments of QEMU for the parts of a machine: networks, disks, firmware and others.
 */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "vm/args.h"
#include "vm/config.h"
#include "vm/net.h"
#include "vm/part_args.h"
#include "vm/parts.h"
#include "vm/plug.h"
#include "vm/vm.h"

void vm_args_vnc(char ***args, const struct vm_config *config, const struct vm_slot *slot)
{
	char *path, *escaped;

	if (!config->vnc) {
		args_add_two(args, "-vnc", "none");
	} else if (strcmp(config->vnc, "socket")) {
		args_add_made(args, "-vnc", xprintf("127.0.0.1:%d", atoi(config->vnc) -
						    VM_VNC_FIRST));
	} else {
		path = vm_slot_path(slot, "vnc");
		escaped = args_escape(path);
		args_add_made(args, "-vnc", xprintf("unix:%s", escaped));
		free(escaped);
		free(path);
	}
}

/*
 * Return a virtio device of a microvm, for free(3). These are at fixed addresses. QEMU would
 * give the last of them to the first device, and the guest would see the disks in reverse.
 */
static char *microvm_device(const char *type, size_t nr)
{
	return xprintf("virtio-%s-device,bus=virtio-mmio-bus.%zu", type, nr);
}

void vm_args_nets(char ***args, const struct vm_config *config, const struct vm_parts *parts)
{
	bool micro = vm_config_is_microvm(config);
	const char *mac;
	char *id, *device;
	size_t i;

	if (!config->nr_nets || !strcmp(config->nets[0].type, "none")) {
		args_add_two(args, "-nic", "none");
		return;
	}
	for (i = 0; i < config->nr_nets; i++) {
		mac = parts && parts->mac[i] ? parts->mac[i] : config->nets[i].mac;
		id = vm_net_id(config->nets + i, i);
		args_add_made(args, "-netdev", vm_net_backend(config->nets + i, i));
		device = micro ? microvm_device("net", config->nr_disks + i) :
				 xstrdup("virtio-net-pci");
		args_add_made(args, "-device",
			      xprintf("%s,netdev=%s%s%s", device, id, mac ? ",mac=" : "",
				      mac ? mac : ""));
		free(device);
		free(id);
	}
}

/* Add a drive that is a file. Free @before, which has the first properties. */
static void add_drive(char ***args, char *before, const char *path, const char *after)
{
	char *absolute = args_absolute(path), *file = args_escape(absolute);

	args_add_made(args, "-drive", xprintf("%s,file=%s,%s", before, file, after));
	free(file);
	free(absolute);
	free(before);
}

/* Add the file of a disk. Free @before, which has its id. */
static void add_disk(char ***args, const struct vm_config_disk *disk, char *before)
{
	char *after = xprintf("format=%s%s%s%s%s%s", disk->format ? disk->format : "raw",
			      disk->readonly ? ",readonly=on" : "",
			      disk->cache ? ",cache=" : "", disk->cache ? disk->cache : "",
			      disk->io ? ",aio=" : "", disk->io ? disk->io : "");

	add_drive(args, before, disk->file, after);
	free(after);
}

static void add_plain_disk(char ***args, const struct vm_config_disk *disk, size_t nr)
{
	add_disk(args, disk, nr ? xprintf("if=virtio,id=disk%zu", nr) :
				  xstrdup("if=virtio,id=disk"));
}

static void add_microvm_disk(char ***args, const struct vm_config_disk *disk, size_t nr)
{
	char *device = microvm_device("blk", nr);

	add_disk(args, disk, xprintf("if=none,id=disk%zu", nr));
	args_add_made(args, "-device", xprintf("%s,drive=disk%zu", device, nr));
	free(device);
}

void vm_args_media(char ***args, const struct vm_config *config, const struct vm_parts *parts)
{
	size_t i;

	if (parts && parts->code) {
		add_drive(args, xstrdup("if=pflash,unit=0"), parts->code,
			  "format=raw,readonly=on");
		add_drive(args, xstrdup("if=pflash,unit=1"), parts->variables, "format=raw");
	}
	for (i = 0; i < config->nr_disks; i++)
		(vm_config_is_microvm(config) ? add_microvm_disk : add_plain_disk)
			(args, config->disks + i, i);
	for (i = 0; i < config->nr_cdroms; i++)
		add_drive(args, xprintf("if=ide,media=cdrom,id=cdrom%zu", i), config->cdroms[i],
			  "format=raw,readonly=on");
	/* The last disk, so that the names of the others do not depend on it. */
	if (parts && parts->seed)
		add_drive(args, xstrdup("if=virtio,id=seed"), parts->seed,
			  "format=raw,readonly=on");
}

void vm_args_helped(char ***args, const struct vm_config *config)
{
	char *tag, *escaped;
	size_t i;

	if (config->vnc) {
		args_add_two(args, "-device", "VGA");
		args_add_two(args, "-device", "qemu-xhci");
		args_add_two(args, "-device", "usb-tablet");
	}
	if (config->tpm) {
		args_add_made(args, "-chardev", xprintf("socket,id=vpool-tpm,fd=%d", VM_PLUG_TPM));
		args_add_two(args, "-tpmdev", "emulator,id=vpool-tpm,chardev=vpool-tpm");
		args_add_two(args, "-device", "tpm-crb,tpmdev=vpool-tpm");
	}
	for (i = 0; i < config->nr_shares; i++) {
		tag = vm_config_tag(config->shares + i);
		escaped = args_escape(tag);
		args_add_made(args, "-chardev",
			      xprintf("socket,id=vpool-share%zu,fd=%zu", i, VM_PLUG_SHARE + i));
		args_add_made(args, "-device",
			      xprintf("vhost-user-fs-pci,chardev=vpool-share%zu,tag=%s", i,
				      escaped));
		free(escaped);
		free(tag);
	}
}
