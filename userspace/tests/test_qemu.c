// SPDX-License-Identifier: GPL-2.0-only
/*
 * The command line of QEMU for vm start and for the target of a migration.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/failure.h"
#include "base/macros.h"
#include "vm/args.h"
#include "vm/config.h"
#include "vm/net.h"
#include "vm/parts.h"
#include "vm/qemu_args.h"
#include "vm/qemu_refuse.h"
#include "vm/vm.h"
#include "tap.h"

static char *extra[] = {
	"-D", "defer", "-k", "-S", "-L", "-incoming", "-boot", "d",
	"-chardev", "file,id=x,path=/run/a/0/x", NULL,
};

static struct vm_slot from = { .dir = "/run/a/0" };
static struct vm_slot to = { .dir = "/run/a/1" };

static char **make(char *disk)
{
	struct vm_config_disk one = { .file = disk };
	struct vm_config_net none = { .type = "none" };
	struct vm_config config = {
		.name = "a", .disks = &one, .nr_disks = !!disk,
		.nets = &none, .nr_nets = 1, .vnc = "socket",
		.accel = "tcg", .kernel = "/boot/k", .append = "defer -S /run/a/0",
		.qemu = extra,
	};
	struct qemu_spec spec = { .config = &config, .bytes = 1 << 21, .vcpus = 1 };

	return qemu_args(&spec, &from);
}

/* Join arguments in the format of /proc/PID/cmdline. */
static char *join(char **args, size_t *len)
{
	char *text = NULL;
	FILE *file = open_memstream(&text, len);

	for (; *args; args++)
		fwrite(*args, strlen(*args) + 1, 1, file);
	fclose(file);
	return text;
}

static size_t count(char **args)
{
	size_t nr = 0;

	while (args[nr])
		nr++;
	return nr;
}

static char **migrate(char **args, struct vm_slot *a, struct vm_slot *b)
{
	size_t len;
	char *text = join(args, &len), **next;

	next = qemu_args_from(text, len, a->dir, b->dir);
	free(text);
	return next;
}

/* A migration changes only the sockets, and adds -incoming. */
static void same_words(void)
{
	char **first = make("/a,b.img"), **second, **third;
	size_t i, nr = count(first), moved = 0;

	expect_text(first[1], "-S");
	second = migrate(first, &from, &to);
	if (!expect(second) || !expect(count(second) == nr + 1))
		return;
	expect_text(second[1], "-incoming");
	expect_text(second[2], "defer");
	for (i = 2; i < nr; i++) {
		if (!strcmp(first[i], second[i + 1]))
			continue;
		expect(strstr(first[i], "path=/run/a/0/") || strstr(first[i], "unix:/run/a/0/"));
		expect(strstr(second[i + 1], "path=/run/a/1/") ||
		       strstr(second[i + 1], "unix:/run/a/1/"));
		moved++;
	}
	/* The monitors, the console and VNC. */
	expect(moved == NR_QEMU_MONITORS + 2);
	expect_text(second[nr], extra[count(extra) - 1]);
	/* Migrate back. */
	third = migrate(second, &to, &from);
	if (expect(third) && expect(count(third) == nr + 1))
		for (i = 2; i < nr; i++)
			expect_text(third[i + 1], first[i]);
	args_free(third);
	args_free(second);
	args_free(first);
}

static void not_ours(void)
{
	static char *other[5] = { "qemu", "-name", "x", "-S", NULL };
	static char *alone[2] = { "qemu", NULL };

	expect(!migrate(other, &from, &to));
	expect(!migrate(alone, &from, &to));
	expect(!qemu_args_from("", 0, "/a", "/b"));
}

static const char *drive(char **args)
{
	for (; *args; args++)
		if (!strncmp(*args, "if=virtio,", 10))
			return *args;
	return "";
}

/* Paths are made absolute, and protocols are left alone. */
static void paths(void)
{
	char **args = make("vm:1,2.img");

	expect(strstr(drive(args), ",file=/"));
	expect(strstr(drive(args), "/vm:1,,2.img,"));
	args_free(args);
	args = make("/vm:1.img");
	expect(strstr(drive(args), ",file=/vm:1.img,"));
	args_free(args);
}

/* Return whether an option has a value. */
static bool has(char **args, const char *option, const char *value)
{
	for (; args[0] && args[1]; args++)
		if (!strcmp(args[0], option) && !strcmp(args[1], value))
			return true;
	return false;
}

/* A microvm has no PCI bus, and its disks are in order. */
static void microvm(void)
{
	struct vm_config_disk disks[] = { { .file = "/a" }, { .file = "/b" } };
	struct vm_config_net net = { .type = "user" };
	struct vm_config config = {
		.name = "a", .kernel = "/k", .machine = "microvm", .nets = &net, .nr_nets = 1,
		.disks = disks, .nr_disks = 2,
	};
	char *no_cd = "/cd";
	struct failure failure;
	struct qemu_spec spec = { .config = &config, .bytes = 1 << 30, .vcpus = 1 };
	char **args = qemu_args(&spec, &from), **arg;

	expect(has(args, "-machine", "microvm,acpi=on,rtc=on,ioapic2=off"));
	expect(has(args, "-drive", "if=none,id=disk1,file=/b,format=raw"));
	expect(has(args, "-device", "virtio-blk-device,bus=virtio-mmio-bus.1,drive=disk1"));
	expect(has(args, "-device", "virtio-net-device,bus=virtio-mmio-bus.2,netdev=vpool0"));
	for (arg = args; *arg; arg++)
		expect(!strstr(*arg, "pci") && !strstr(*arg, "vmgenid"));
	args_free(args);
	config.pool = "p";
	expect(!vm_config_check(&config, &failure));
	config.cdroms = &no_cd;
	config.nr_cdroms = 1;
	expect(vm_config_check(&config, &failure) && strstr(failure.text, "cdrom"));
	config.nr_cdroms = 0;
	config.vnc = "socket";
	expect(vm_config_check(&config, &failure) && strstr(failure.text, "vnc"));
	config.vnc = NULL;
	config.firmware = "uefi";
	expect(vm_config_check(&config, &failure) && strstr(failure.text, "firmware"));
	config.firmware = "bios";
	expect(!vm_config_check(&config, &failure));
	config.tpm = true;
	expect(vm_config_check(&config, &failure) && strstr(failure.text, "tpm"));
}

/* A machine whose memory can change has a device for that, with room for its address. */
static void changing_size(void)
{
	struct vm_config config = { .name = "a", .accel = "tcg" };
	struct qemu_spec spec = { .config = &config, .bytes = 1 << 30, .vcpus = 1 };
	char **args = qemu_args(&spec, &from);

	expect(has(args, "-m", "1073741824B"));
	args_free(args);
	spec.elastic = 2ULL << 30;
	spec.block = 2 << 20;
	config.reclaim = true;
	args = qemu_args(&spec, &from);
	expect(has(args, "-m", "size=1073741824B,maxmem=3221225472B,slots=1"));
	expect(has(args, "-device",
		   "virtio-mem-pci,id=vmem,memdev=elastic,block-size=2097152,prealloc=on"));
	expect(has(args, "-device",
		   "virtio-balloon-pci,id=reclaim,free-page-reporting=on"));
	args_free(args);
}

/* Disks have their modes, and read-only media follow them. */
static void disks_and_firmware(void)
{
	struct vm_config_disk disks[] = {
		{ .file = "/a", .readonly = true },
		{ .file = "/b,c", .format = "qcow2", .cache = "none", .io = "native" },
	};
	char *cd = "/cd.iso";
	struct vm_parts parts = {
		.code = "/code", .variables = "/variables", .seed = "/seed",
	};
	struct vm_config config = {
		.name = "a", .disks = disks, .nr_disks = 2, .cdroms = &cd, .nr_cdroms = 1,
	};
	struct qemu_spec spec = { .config = &config, .vcpus = 1, .parts = &parts };
	char **args = qemu_args(&spec, &from);

	expect(has(args, "-drive", "if=pflash,unit=0,file=/code,format=raw,readonly=on"));
	expect(has(args, "-drive", "if=pflash,unit=1,file=/variables,format=raw"));
	expect(has(args, "-drive", "if=virtio,id=disk,file=/a,format=raw,readonly=on"));
	expect(has(args, "-drive",
		   "if=virtio,id=disk1,file=/b,,c,format=qcow2,cache=none,aio=native"));
	expect(has(args, "-drive",
		   "if=ide,media=cdrom,id=cdrom0,file=/cd.iso,format=raw,readonly=on"));
	expect(has(args, "-drive", "if=virtio,id=seed,file=/seed,format=raw,readonly=on"));
	args_free(args);
}

/* A network that belongs to the host has a name by which the next QEMU finds it. */
static void networks(void)
{
	struct vm_config_net nets[] = {
		{ .type = "user", .mac = "52:54:00:00:00:01" },
		{ .type = "bridge", .name = "br-0.x_y" },
	};
	struct vm_config config = { .name = "a", .nets = nets, .nr_nets = 2 };
	struct qemu_spec spec = { .config = &config, .vcpus = 1 };
	char **args = qemu_args(&spec, &from), type[16], name[16], *mac, *other;
	int at;

	expect(has(args, "-netdev", "user,id=vpool0"));
	expect(has(args, "-device", "virtio-net-pci,netdev=vpool0,mac=52:54:00:00:00:01"));
	expect(has(args, "-netdev", "tap,id=vpool1.bridge.br-0.x_y,fd=181"));
	args_free(args);
	if (expect(vm_net_parse("tap,id=vpool1.bridge.br-0.x_y,fd=181", type, name, &at))) {
		expect_text(type, "bridge");
		expect_text(name, "br-0.x_y");
		expect(at == 181);
	}
	expect(!vm_net_parse("user,id=vpool0", type, name, &at));
	expect(!vm_net_parse("tap,id=mine,ifname=tap0", type, name, &at));
	expect(!vm_net_parse("tap,id=vpool1.bridge./,fd=181", type, name, &at));
	expect(!vm_net_parse("tap,id=vpool1.bridge.b,fd=181,script=/x", type, name, &at));
	/* The address stays, and another machine has another one. */
	mac = vm_net_mac(&config, 1);
	other = vm_net_mac(&config, 1);
	expect_text(mac, other);
	free(other);
	config.name = "b";
	other = vm_net_mac(&config, 1);
	expect(strcmp(mac, other));
	expect(!strncmp(mac, "52:54:00:", 9) && strlen(mac) == 17);
	free(other);
	free(mac);
}

static void helped(void)
{
	struct vm_config_share share = { .dir = "/srv/a,b/" };
	struct vm_config config = {
		.name = "a", .shares = &share, .nr_shares = 1, .tpm = true, .vnc = "5901",
	};
	struct qemu_spec spec = { .config = &config, .vcpus = 1 };
	char **args = qemu_args(&spec, &from);

	expect(has(args, "-vnc", "127.0.0.1:1"));
	expect(has(args, "-device", "VGA"));
	expect(has(args, "-chardev", "socket,id=vpool-tpm,fd=170"));
	expect(has(args, "-device", "tpm-crb,tpmdev=vpool-tpm"));
	expect(has(args, "-chardev", "socket,id=vpool-share0,fd=171"));
	expect(has(args, "-device", "vhost-user-fs-pci,chardev=vpool-share0,tag=a,,b"));
	args_free(args);
	config = (struct vm_config) { .name = "a" };
	args = qemu_args(&spec, &from);
	expect(has(args, "-vnc", "none"));
	expect(has(args, "-nic", "none"));
	args_free(args);
}

/* Tell whether the arguments have an option. */
static bool has_option(char **args, const char *option)
{
	for (; *args; args++)
		if (!strcmp(*args, option))
			return true;
	return false;
}

static char *own_sandbox[] = {
	"--sandbox", "off", NULL,
};

static void system_calls(void)
{
	struct vm_config config = { .name = "a", .accel = "tcg", .kernel = "/k" };
	struct qemu_spec spec = { .config = &config, .bytes = 1 << 30, .vcpus = 1 };
	char **args = qemu_args(&spec, &from);

	expect(!has_option(args, "-sandbox"));
	args_free(args);
	spec.user.name = "vpool-vm";
	args = qemu_args(&spec, &from);
	expect(has(args, "-sandbox",
		   "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny"));
	args_free(args);
	config.qemu = own_sandbox;
	args = qemu_args(&spec, &from);
	expect(!has_option(args, "-sandbox"));
	expect(has_option(args, "--sandbox"));
	args_free(args);
}

/* The file of the console, which is not in the directory of the machine. */
static void console_files(void)
{
	static char * const files[] = { "/srv/console", "/a,b,logfile=c,,d", "/,", NULL };
	char *other = "-chardev socket,id=x,path=/y,logfile=/z";
	struct vm_config config = { .name = "a", .accel = "tcg", .append = other };
	struct qemu_spec spec = { .config = &config, .bytes = 1 << 21, .vcpus = 1 };
	struct vm_slot odd = { .dir = "/run/a,logfile=b,,c" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(files); i++) {
		char **args, *found;

		spec.console = files[i];
		args = qemu_args(&spec, &odd);
		found = qemu_args_console(args);
		expect_text(found ? found : "", files[i] ? files[i] : "");
		free(found);
		args_free(args);
	}
}

static void refusals(void)
{
	static char *bad[][4] = {
		{ "-daemonize" }, { "--daemonize" },
		{ "-snapshot", "-daemonize" },
		{ "-smp", "2" }, { "-smp", "2,threads=2" },
		{ "-smp", "threads=2,maxcpus=4" }, { "-m", "1G,slots=2" },
		{ "-chardev", "null,id=boot" }, { "x.img", "-S" },
		{ "-machine", "pc,memory-backend=y" },
	};
	static char *good[][4] = {
		{ "x.img" }, { "-smp", "threads=2" }, { "-D", "-S" },
		{ "-m", "slots=2,maxmem=1G" }, { "-machine", "pc" },
		{ "-chardev", "null,id=boots" }, { "-D" }, { NULL },
		{ "-chardev", "file,id=x,path=a,,id=qmp" },
	};
	size_t i;
	char *message;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		message = qemu_refuse(bad[i]);
		if (!expect(message))
			printf("# %s\n", *bad[i]);
		free(message);
	}
	for (i = 0; i < ARRAY_SIZE(good); i++) {
		message = qemu_refuse(good[i]);
		expect_text(message ? message : "", "");
		free(message);
	}
	expect(!qemu_refuse(extra));
}

static const struct tap_case cases[] = {
	{ "a migration changes only the sockets", same_words },
	{ "a command line that vpoolctl did not write is refused", not_ours },
	{ "the path of a disk is made absolute", paths },
	{ "a microvm has no PCI bus", microvm },
	{ "a machine whose memory can change has a device for that", changing_size },
	{ "disks, CDs, firmware and the seed are files", disks_and_firmware },
	{ "networks have names and addresses", networks },
	{ "a TPM, a share and a screen have their devices", helped },
	{ "a QEMU of another user has a sandbox, unless the caller sets one", system_calls },
	{ "the file of the console is found", console_files },
	{ "options that conflict with vpoolctl are refused", refusals },
};

int main(void)
{
	return tap_main(cases, ARRAY_SIZE(cases));
}
