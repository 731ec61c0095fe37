// SPDX-License-Identifier: GPL-2.0-only
/*
 * Templates of virtual machines: their memory in a file, and the arguments of QEMU.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/command.h"
#include "base/failure.h"
#include "base/macros.h"
#include "vm/args.h"
#include "vm/net.h"
#include "vm/plug.h"
#include "vm/qemu_args.h"
#include "vm/template.h"
#include "vm/template_image.h"
#include "vm/vm.h"
#include "tap.h"

#define PAGE 4096U
#define NODE_A (6U << 20)
#define NODE_B (3U << 20)

static char dir[32];
static char path[64];
static char *memory[2], *copy[2];
static struct image_node from[2], to[2];
static struct template_file file;
static struct failure failure;

/* Write some pages of two nodes: the first, the last, and a run across chunks. */
static void fill(void)
{
	memory[0] = calloc(1, NODE_A);
	memory[1] = calloc(1, NODE_B);
	copy[0] = calloc(1, NODE_A);
	copy[1] = calloc(1, NODE_B);
	memory[0][0] = 1;
	memory[0][NODE_A - 1] = 2;
	memset(memory[0] + (2U << 20) - 3 * PAGE, 3, 7 * PAGE);
	memory[1][5 * PAGE + 17] = 4;
	from[0] = (struct image_node) { (uintptr_t)memory[0], NODE_A };
	from[1] = (struct image_node) { (uintptr_t)memory[1], NODE_B };
	to[0] = (struct image_node) { (uintptr_t)copy[0], NODE_A };
	to[1] = (struct image_node) { (uintptr_t)copy[1], NODE_B };
	snprintf(path, sizeof(path), "%s/memory", dir);
}

static int load(void)
{
	memset(&failure, 0, sizeof(failure));
	return image_load_memory(getpid(), to, 2, path, &file, &failure);
}

static void memory_round_trip(void)
{
	fill();
	if (!expect(!image_save_memory(getpid(), from, 2, path, &file, &failure)))
		printf("# %s\n", failure.text);
	/* Five extents: a run that crosses a chunk has two. */
	expect(file.bytes == 5 * 32 + (1 + 1 + 7 + 1) * PAGE);
	expect(!load());
	expect(!memcmp(memory[0], copy[0], NODE_A));
	expect(!memcmp(memory[1], copy[1], NODE_B));
	/* A file is never replaced. */
	expect(image_save_memory(getpid(), from, 2, path, &file, &failure) == -EEXIST);
	expect(image_save_memory(getpid(), from, 2, "/nowhere/x", &file, &failure) == -ENOENT);
	unlink(path);
	expect(!image_save_memory(getpid(), from, 2, path, &file, &failure));
}

/* Change bytes of the file, check that it is refused, and change them back. */
static void refused_with(off_t at, const void *bytes, size_t len)
{
	int fd = open(path, O_RDWR);
	char old[8];

	expect(pread(fd, old, len, at) == (ssize_t)len);
	expect(pwrite(fd, bytes, len, at) == (ssize_t)len);
	expect(load() == -EBADMSG);
	expect(strstr(failure.text, "save the machine again"));
	expect(pwrite(fd, old, len, at) == (ssize_t)len);
	close(fd);
}

static void damaged_memory(void)
{
	static const __u64 beyond = NODE_A + NODE_B, across = NODE_A - PAGE, odd = 1;
	static const __u64 none = 0, huge = 1ULL << 62, two = 2 * PAGE;
	__u64 bytes = file.bytes;

	expect(!load());
	refused_with(32 + 100, "x", 1);
	refused_with(bytes - 1, "x", 1);
	refused_with(16, "x", 1);
	refused_with(0, &beyond, 8);
	refused_with(0, &odd, 8);
	refused_with(0, &huge, 8);
	refused_with(8, &none, 8);
	refused_with(8, &huge, 8);
	refused_with(8, &odd, 8);
	/* An extent of two pages from the last page of a node. */
	refused_with(8, &two, 8);
	refused_with(0, &across, 8);
	expect(!load());
	file.sum++;
	expect(load() == -EBADMSG);
	file.sum--;
	expect(!truncate(path, bytes - PAGE));
	expect(load());
	expect(strstr(failure.text, "another size"));
	file.bytes -= PAGE;
	expect(load() == -EBADMSG);
	file.bytes += PAGE;
	unlink(path);
	expect(load());
}

/* Every bit counts, and so do order and length. */
static void checksum(void)
{
	char data[200] = { 0 };
	__u64 sum = image_sum(IMAGE_SUM, data, sizeof(data));
	size_t bit;

	for (bit = 0; bit < 8 * sizeof(data); bit++) {
		data[bit / 8] ^= 1 << bit % 8;
		expect(image_sum(IMAGE_SUM, data, sizeof(data)) != sum);
		data[bit / 8] ^= 1 << bit % 8;
	}
	expect(image_sum(IMAGE_SUM, data, sizeof(data) - 32) != sum);
	data[0] = 1;
	sum = image_sum(IMAGE_SUM, data, sizeof(data));
	data[0] = 0;
	data[32] = 1;
	expect(image_sum(IMAGE_SUM, data, sizeof(data)) != sum);
}

static bool has(char **args, const char *option, const char *value)
{
	for (; args[0] && args[1]; args++)
		if (!strcmp(args[0], option) && !strcmp(args[1], value))
			return true;
	return false;
}

/* Only what must change changes, and values are not taken for options. */
static void arguments(void)
{
	char **old = (char *[]) {
		"-machine", "q35,hpet=off", "-kernel", "/boot/k", "-initrd", "/boot/i",
		"-append", "-kernel", "-preconfig", "-drive",
		"if=virtio,id=disk,file=/a,format=raw", "-drive",
		"if=virtio,id=disk1,file=/b,format=raw,readonly=on", "-device",
		"vmgenid,guid=old", "-uuid", "old", "-device", "virtio-rng-pci", "-device",
		"virtio-net-pci,netdev=net0", "-device",
		"virtio-net-device,netdev=net1,mac=52:54:00:00:00:00,bus=b", NULL,
	};
	char card[2][96], *mac[2];
	struct template tpl = { .args = old };
	char **args = template_args(&tpl, "new");

	expect(has(args, "-machine", "q35,hpet=off"));
	expect(has(args, "-kernel", "/proc/self/fd/200"));
	expect(has(args, "-initrd", "/proc/self/fd/201"));
	expect(has(args, "-append", "-kernel"));
	expect(has(args, "-preconfig", "-drive"));
	expect(has(args, "-drive", "if=virtio,id=disk,file=/a,format=raw,snapshot=on"));
	expect(has(args, "-drive", "if=virtio,id=disk1,file=/b,format=raw,readonly=on"));
	expect(has(args, "-device", "vmgenid,guid=new"));
	expect(has(args, "-device", "virtio-rng-pci"));
	mac[0] = vm_net_make_mac("new", 0);
	mac[1] = vm_net_make_mac("new", 1);
	snprintf(card[0], sizeof(card[0]), "virtio-net-pci,netdev=net0,mac=%s", mac[0]);
	snprintf(card[1], sizeof(card[1]), "virtio-net-device,netdev=net1,mac=%s,bus=b", mac[1]);
	expect(has(args, "-device", card[0]));
	expect(has(args, "-device", card[1]));
	expect(strcmp(mac[0], mac[1]));
	free(mac[0]);
	free(mac[1]);
	expect(has(args, "-uuid", "new"));
	expect(!has(args, "-uuid", "old"));
	expect(template_has_temporary_disk(args));
	expect(!template_has_temporary_disk(old));
	args_free(args);
}

/* A machine from a template can be found and copied as any other one. */
static void same_layout(void)
{
	struct vm_slot slot = { .dir = "/run/a/0" };
	char **machine = (char *[]) { "-machine", "q35", NULL };
	char **foreign = (char *[]) { "qemu", "-S", "-name", "x", NULL };
	struct vm_user root = { 0 };
	char **args = qemu_args_incoming("a", NULL, &root, &slot, machine), **found;

	found = qemu_args_machine(args);
	if (expect(found)) {
		expect_text(found[0], "-machine");
		expect_text(found[1], "q35");
	}
	expect(!qemu_args_machine(foreign));
	expect(!qemu_args_machine(NULL));
	args_free(args);
}

/* The rules for system calls depend on the user of the new QEMU. */
static void system_calls(void)
{
	char **ours = (char *[]) { "-sandbox", QEMU_SANDBOX, "-machine", "q35", NULL };
	char **others = (char *[]) { "-sandbox", "off", "-machine", "q35", NULL };
	struct template tpl = { .args = ours };
	struct vm_user root = { 0 }, user = { .name = "vpool-vm" };
	struct vm_slot slot = { .dir = "/run/a/0" };
	char **machine = template_args(&tpl, "new"), **args;

	expect(!has(machine, "-sandbox", QEMU_SANDBOX));
	args = qemu_args_incoming("a", NULL, &root, &slot, machine);
	expect(!has(args, "-sandbox", QEMU_SANDBOX));
	args_free(args);
	args = qemu_args_incoming("a", NULL, &user, &slot, machine);
	expect(has(args, "-sandbox", QEMU_SANDBOX));
	args_free(args);
	args_free(machine);
	tpl.args = others;
	machine = template_args(&tpl, "new");
	args = qemu_args_incoming("a", NULL, &user, &slot, machine);
	expect(has(args, "-sandbox", "off"));
	expect(!has(args, "-sandbox", QEMU_SANDBOX));
	args_free(args);
	args_free(machine);
}

/* Disks that are written become temporary; those that are read must not change. */
static void drives(void)
{
	char *name = template_drive_file("if=virtio,id=disk,file=/a,,b,format=raw");

	expect_text(name, "/a,b");
	free(name);
	name = template_drive_file("if=ide,media=cdrom,id=cdrom0,file=/c");
	expect_text(name, "/c");
	free(name);
	expect(template_is_disk("if=virtio,id=disk1,file=/a,format=qcow2"));
	expect(!template_is_disk("if=virtio,id=disk1,file=/a,format=raw,readonly=on"));
	expect(template_is_medium("if=virtio,id=disk1,file=/a,format=raw,readonly=on"));
	expect(template_is_medium("if=ide,media=cdrom,id=cdrom0,file=/c,format=raw,readonly=on"));
	expect(!template_is_medium("if=virtio,id=seed,file=/s,format=raw,readonly=on"));
	expect(!template_is_disk("if=virtio,id=seed,file=/s,format=raw,readonly=on"));
	expect(!template_is_medium("if=pflash,unit=0,file=/f,format=raw,readonly=on"));
	expect(template_is_plugged("/proc/self/fd/200"));
	expect(!template_is_plugged("/proc/self/fd/20"));
}

/* Another QEMU gets the files of a template from one that has them. */
static void plugs(void)
{
	char **args = (char *[]) {
		"-kernel", "/proc/self/fd/200", "-initrd", "/boot/i", "-append",
		"/proc/self/fd/201", NULL,
	};
	struct vm_plugs found = { 0 };
	struct invocation inv = { 0 };
	char *kernel = template_path(dir, TEMPLATE_KERNEL), text[4] = "";
	FILE *out = fopen(kernel, "w");

	expect(out && fputs("abc", out) >= 0 && !fclose(out));
	expect(!template_plug(&inv, "a", dir, args, &found));
	if (expect(found.nr == 1 && found.plug[0].at == 200)) {
		expect(read(found.plug[0].fd, text, 3) == 3);
		expect_text(text, "abc");
		expect(dup2(found.plug[0].fd, 200) == 200);
	}
	vm_plugs_close(&found);
	unlink(kernel);
	expect(!template_plug_again(&inv, "a", getpid(), args, &found));
	expect(found.nr == 1);
	vm_plugs_close(&found);
	close(200);
	free(kernel);
}

static const struct tap_case cases[] = {
	{ "memory is the same after a round trip, and zero pages take no space",
	  memory_round_trip },
	{ "damaged memory is refused", damaged_memory },
	{ "the checksum depends on every bit", checksum },
	{ "arguments of a machine from a template", arguments },
	{ "arguments are found again", same_layout },
	{ "the sandbox is that of the new user", system_calls },
	{ "disks and CDs", drives },
	{ "kernel and initrd are descriptors", plugs },
};

int main(void)
{
	int status;

	snprintf(dir, sizeof(dir), "/tmp/vpool-template-XXXXXX");
	if (!mkdtemp(dir))
		return 1;
	status = tap_main(cases, ARRAY_SIZE(cases));
	rmdir(dir);
	return status;
}
