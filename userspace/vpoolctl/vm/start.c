// SPDX-License-Identifier: GPL-2.0-only
/*
 * vpoolctl vm start: start a virtual machine on a pool.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <libvpool.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/code.h"
#include "base/command.h"
#include "base/exit.h"
#include "base/interrupt.h"
#include "base/macros.h"
#include "host/pools.h"
#include "output/messages.h"
#include "output/outcome.h"
#include "output/units.h"
#include "vm/backing.h"
#include "vm/cmd.h"
#include "vm/console.h"
#include "vm/device.h"
#include "vm/device_check.h"
#include "vm/placement.h"
#include "vm/qemu.h"
#include "vm/qemu_args.h"
#include "vm/qemu_refuse.h"
#include "vm/qmp.h"
#include "vm/size.h"
#include "vm/vm.h"

enum {
	START_POOL,
	START_MEM,
	START_VCPUS,
	START_KERNEL,
	START_INITRD,
	START_APPEND,
	START_DISK,
	START_NET,
	START_CONSOLE,
	START_ACCEL,
	START_DEVICE,
	START_FORCE_DEVICE,
	START_MAX_MEM,
	START_RECLAIM,
	START_DRY_RUN,
	START_QUIET,
	START_JSON,
};

static const struct option_def start_options[] = {
	[START_POOL] = {
		.name = "pool", .letter = 'p', .arg = "NAME",
		.complete = COMPLETE_POOL,
		.help = "pool to take memory and CPUs from",
	},
	[START_MEM] = {
		.name = "mem", .letter = 'm', .arg = "SIZE",
		.help = "its memory; default: all free memory of the pool",
	},
	[START_VCPUS] = {
		.name = "vcpus", .letter = 'n', .arg = "NUMBER",
		.help =
			"number of vCPUs; default: one less than the CPUs of the\n"
			"pool, so that one CPU stays for QEMU's other threads",
	},
	[START_KERNEL] = {
		.name = "kernel", .letter = 'k', .arg = "FILE",
		.complete = COMPLETE_FILE,
		.help = "boot this Linux kernel",
	},
	[START_INITRD] = {
		.name = "initrd", .letter = 'i', .arg = "FILE",
		.complete = COMPLETE_FILE,
		.help = "initial RAM disk for --kernel",
	},
	[START_APPEND] = {
		.name = "append", .letter = 'a', .arg = "STRING",
		.help = "command line for --kernel",
	},
	[START_DISK] = {
		.name = "disk", .letter = 'd', .arg = "FILE[,format=FORMAT]",
		.complete = COMPLETE_FILE,
		.help =
			"a disk; default format raw, other formats such as\n"
			"qcow2. The machine boots it if there is no --kernel",
	},
	[START_NET] = {
		.name = "net", .arg = "user|none",
		.help =
			"network: user for outgoing connections through QEMU,\n"
			"or none, the default",
	},
	[START_CONSOLE] = {
		.name = "console", .letter = 'c', .arg = "FILE",
		.complete = COMPLETE_FILE,
		.help =
			"append the output of its first serial port to a file;\n"
			"- connects to it, as vm console does",
	},
	[START_ACCEL] = {
		.name = "accel", .arg = "kvm|tcg",
		.help =
			"kvm, the default, needs /dev/kvm; tcg runs without it,\n"
			"but is many times slower",
	},
	[START_DEVICE] = {
		.name = "device", .arg = "ADDRESS[,ADDRESS...]",
		.complete = COMPLETE_DEVICE,
		.help =
			"pass PCI devices of the host to the machine, as in\n"
			"0000:01:00.0; they need an IOMMU",
	},
	[START_FORCE_DEVICE] = {
		.name = "force-device",
		.help =
			"take the devices even if a network interface is up, or\n"
			"a disk is in use",
	},
	[START_MAX_MEM] = {
		.name = "max-mem", .arg = "SIZE",
		.help =
			"largest memory that vm resize can give it: --mem plus a\n"
			"multiple of 128M",
	},
	[START_RECLAIM] = {
		.name = "reclaim",
		.help =
			"return memory that the guest frees to the pool. The\n"
			"guest fails if the pool cannot give it back",
	},
	[START_DRY_RUN] = OPTION_DRY_RUN,
	[START_QUIET] = OPTION_QUIET,
	[START_JSON] = OPTION_OUTCOME,
};

static const char *given(const struct invocation *inv, int option,
			 const char *otherwise)
{
	return inv->given[option] ? inv->value[option] : otherwise;
}

/* Check the command line */

static int parse_vcpus(const struct invocation *inv, struct qemu_spec *spec)
{
	const char *text = inv->value[START_VCPUS];
	unsigned long nr;
	char *end;

	if (!text)
		return 0;
	nr = strtoul(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || !nr || nr > 4096)
		return usage_error(inv->cmd,
				   "--vcpus: '%s' is not a number of CPUs", text);
	spec->vcpus = nr;
	return 0;
}

static int parse_mem(const struct invocation *inv, struct qemu_spec *spec)
{
	char message[128];

	if (!inv->given[START_MEM])
		return 0;
	if (parse_size(inv->value[START_MEM], &spec->bytes, message, sizeof(message)))
		return usage_error(inv->cmd, "--mem: %s", message);
	if (!spec->bytes)
		return usage_error(inv->cmd, "--mem: a machine needs memory");
	return 0;
}

static int parse_max_mem(const struct invocation *inv, struct qemu_spec *spec)
{
	char message[128];
	__u64 max;

	if (!inv->given[START_MAX_MEM])
		return 0;
	if (!spec->bytes)
		return usage_error(inv->cmd, "--max-mem needs --mem");
	if (parse_size(inv->value[START_MAX_MEM], &max, message, sizeof(message)))
		return usage_error(inv->cmd, "--max-mem: %s", message);
	if (max <= spec->bytes)
		return usage_error(inv->cmd,
				   "--max-mem: '%s' is not more than --mem",
				   inv->value[START_MAX_MEM]);
	spec->elastic = max - spec->bytes;
	if (spec->elastic % VM_SIZE_STEP)
		return usage_error(inv->cmd,
				   "--max-mem: '%s' is not --mem plus a multiple of 128M, the unit in which a guest can use it",
				   inv->value[START_MAX_MEM]);
	return 0;
}

static int parse_disk(const struct invocation *inv, struct qemu_spec *spec)
{
	static const char option[] = ",format=";
	char *at;

	spec->format = "raw";
	if (!inv->given[START_DISK])
		return 0;
	spec->disk = xstrdup(inv->value[START_DISK]);
	at = strstr(spec->disk, option);
	if (!at)
		return 0;
	*at = '\0';
	spec->format = at + sizeof(option) - 1;
	if (!*spec->format || strpbrk(spec->format, ",="))
		return usage_error(inv->cmd, "--disk: its value is FILE or FILE,format=FORMAT");
	return 0;
}

/* Check for one of two words. */
static int check_word(const struct invocation *inv, int option, const char *a,
		      const char *b)
{
	const char *value = inv->value[option];

	if (!inv->given[option] || !strcmp(value, a) || !strcmp(value, b))
		return 0;
	return usage_error(inv->cmd, "--%s: '%s' is neither %s nor %s",
			   inv->cmd->options[option].name, value, a, b);
}

static int check_boot(const struct invocation *inv)
{
	bool kernel = inv->given[START_KERNEL];

	if (!kernel && !inv->given[START_DISK])
		return usage_error(inv->cmd,
				   "nothing to boot: use --kernel or --disk");
	if (!kernel && (inv->given[START_INITRD] || inv->given[START_APPEND]))
		return usage_error(inv->cmd,
				   "--initrd and --append need --kernel");
	return 0;
}

static int check_extra(const struct invocation *inv, char **extra)
{
	char *message;
	int status;

	if (inv->before > 1)
		return usage_error(inv->cmd,
				   "unexpected argument '%s': arguments for QEMU must follow --",
				   *extra);
	message = qemu_refuse(extra);
	if (!message)
		return EXIT_OK;
	status = usage_error(inv->cmd, "QEMU's option %s", message);
	free(message);
	return status;
}

static int parse_devices(const struct invocation *inv, struct vm_devices *devices)
{
	char *bad;
	int status;

	/* QEMU ignores what a guest reports as long as a device can access all memory. */
	if (inv->given[START_DEVICE] && inv->given[START_RECLAIM])
		return usage_error(inv->cmd,
				   "--reclaim has no effect with --device, which pins all memory");
	if (!inv->given[START_DEVICE])
		return inv->given[START_FORCE_DEVICE] ?
			usage_error(inv->cmd, "--force-device needs --device") : 0;
	if (!vm_devices_parse(inv->value[START_DEVICE], devices, &bad))
		return 0;
	status = bad ? usage_error(inv->cmd,
				   "--device: '%s' is not the address of a PCI device, or is given twice",
				   bad) :
		       usage_error(inv->cmd, "--device: more than %d devices",
				   VM_DEVICES_MAX);
	free(bad);
	return status;
}

static int parse_line(const struct invocation *inv, struct qemu_spec *spec,
		      struct vm_devices *devices)
{
	int status;

	spec->name = inv->argv[0];
	if (!vm_name_ok(spec->name))
		return usage_error(inv->cmd,
				   "'%s' is not a valid name: up to %d of a-z, 0-9, and . _ - except as the first",
				   spec->name, VM_NAME_MAX);
	if (!inv->given[START_POOL])
		return usage_error(inv->cmd, "no pool: use --pool NAME");
	spec->pool = inv->value[START_POOL];
	spec->kernel = given(inv, START_KERNEL, NULL);
	spec->initrd = given(inv, START_INITRD, NULL);
	spec->append = given(inv, START_APPEND, NULL);
	spec->net = given(inv, START_NET, "none");
	spec->accel = given(inv, START_ACCEL, "kvm");
	spec->reclaim = inv->given[START_RECLAIM];
	spec->extra = inv->argv + 1;
	status = check_extra(inv, spec->extra);
	if (!status)
		status = check_boot(inv);
	if (!status)
		status = check_word(inv, START_NET, "user", "none");
	if (!status)
		status = check_word(inv, START_ACCEL, "kvm", "tcg");
	if (!status)
		status = parse_vcpus(inv, spec);
	if (!status)
		status = parse_mem(inv, spec);
	if (!status)
		status = parse_devices(inv, devices);
	if (!status)
		status = parse_max_mem(inv, spec);
	return status ? status : parse_disk(inv, spec);
}

/* Check the files */

/* Read the start of a file. Return the number of bytes, or -1 with a message. */
static ssize_t peek(const struct invocation *inv, const char *what,
		    const char *path, char *buffer, size_t room)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;
	ssize_t len = -1;

	if (fd < 0 || fstat(fd, &st)) {
		cmd_error(inv, inv->argv[0], errno_code(errno),
			  "%s %s: %s", what, path,
			  strerror(errno));
	} else if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode)) {
		cmd_error(inv, inv->argv[0], TOOL_VM_FILE,
			  "%s %s: not a regular file", what, path);
	} else {
		len = read(fd, buffer, room);
		if (len < 0)
			cmd_error(inv, inv->argv[0], errno_code(errno),
				  "%s %s: %s", what, path,
				  strerror(errno));
	}
	if (fd >= 0)
		close(fd);
	return len;
}

static int check_kernel(const struct invocation *inv, const char *path)
{
	char head[0x206];
	ssize_t len = peek(inv, "the kernel", path, head, sizeof(head));

	if (len < 0)
		return -1;
	if (len == sizeof(head) && !memcmp(head + 0x202, "HdrS", 4))
		return 0;
	if (len > 4 && !memcmp(head, "\177ELF", 4))
		return 0;
	cmd_error(inv, inv->argv[0], TOOL_VM_FILE,
		  "the kernel %s: not an x86 kernel; use a bzImage, such as /boot/vmlinuz-...",
		  path);
	return -1;
}

static int check_disk(const struct invocation *inv,
		      const struct qemu_spec *spec)
{
	char head[4];
	ssize_t len = peek(inv, "the disk", spec->disk, head, sizeof(head));
	bool qcow2 = len == 4 && !memcmp(head, "QFI\373", 4);

	if (len < 0)
		return -1;
	if (!len) {
		cmd_error(inv, inv->argv[0], TOOL_VM_FILE,
			  "the disk %s: the file is empty",
			  spec->disk);
		return -1;
	}
	if (qcow2 && !strcmp(spec->format, "raw") &&
	    !strstr(inv->value[START_DISK], ",format=")) {
		cmd_error(inv, inv->argv[0], TOOL_VM_FILE,
			  "the disk %s: the file is a qcow2 image: use --disk %s,format=qcow2",
			  spec->disk, spec->disk);
		return -1;
	}
	if (!qcow2 && !strcmp(spec->format, "qcow2")) {
		cmd_error(inv, inv->argv[0], TOOL_VM_FILE,
			  "the disk %s: the file is not a qcow2 image", spec->disk);
		return -1;
	}
	if (!access(spec->disk, W_OK))
		return 0;
	cmd_error(inv, inv->argv[0], errno_code(errno),
		  "the disk %s: cannot be written to: %s",
		  spec->disk, strerror(errno));
	return -1;
}

static int check_kvm(const struct invocation *inv)
{
	int fd = open("/dev/kvm", O_RDWR | O_CLOEXEC), err = errno;

	if (fd >= 0)
		return close(fd);
	if (err == EACCES || err == EPERM)
		cmd_error(inv, inv->argv[0], TOOL_VM_NO_KVM,
			  "you may not open /dev/kvm; its group is usually kvm. --accel tcg works without it, but is many times slower");
	else
		cmd_error(inv, inv->argv[0], TOOL_VM_NO_KVM,
			  "there is no KVM here (/dev/kvm: %s): load kvm-amd or kvm-intel, or turn virtualization on in the firmware. --accel tcg works without it, but is many times slower",
			  strerror(err));
	return -1;
}

/* QEMU has another working directory. */
static int check_console(const struct invocation *inv, struct qemu_spec *spec)
{
	const char *path = inv->value[START_CONSOLE];
	int fd;

	if (!path || !strcmp(path, "-") || inv->given[START_DRY_RUN])
		return 0;
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (fd >= 0) {
		close(fd);
		spec->console = realpath(path, NULL);
	}
	if (spec->console)
		return 0;
	cmd_error(inv, inv->argv[0], errno_code(errno),
		  "the console's file %s: %s", path,
		  strerror(errno));
	return -1;
}

static int check_files(const struct invocation *inv, struct qemu_spec *spec)
{
	char byte;

	if (spec->kernel && check_kernel(inv, spec->kernel))
		return -1;
	if (spec->initrd && peek(inv, "the initrd", spec->initrd, &byte, 1) < 0)
		return -1;
	if (spec->disk && check_disk(inv, spec))
		return -1;
	if (!strcmp(spec->accel, "kvm") && check_kvm(inv))
		return -1;
	return qemu_check(inv, inv->argv[0]);
}

/* Check the pool */

/* Check that memory can return to the pool in pages of its size. */
static int fit_elastic(const struct invocation *inv, const struct vpool_info *pool,
		       struct qemu_spec *spec)
{
	char size[SIZE_TEXT];

	spec->block = pool->page_size > VM_SIZE_BLOCK ? pool->page_size : VM_SIZE_BLOCK;
	format_size(pool->page_size, size);
	if (spec->reclaim && pool->page_size > VM_SIZE_BLOCK)
		cmd_error(inv, spec->name, TOOL_VM_PAGE_SIZE,
			  "--reclaim: pool '%s' has pages of %s, but guests free memory in parts of 2M",
			  pool->name, size);
	else if (spec->elastic % spec->block)
		cmd_error(inv, spec->name, TOOL_VM_PAGE_SIZE,
			  "--max-mem must be --mem plus a multiple of %s, the page size of pool '%s'",
			  size, pool->name);
	else
		return 0;
	return -1;
}

/* Set defaults from the pool, and check that it has enough. */
static int fit(const struct invocation *inv, struct vpool *vp,
	       struct qemu_spec *spec, struct vm_plan *plan)
{
	struct vpool_info *pool;
	unsigned int cpus;
	int err;

	err = vpool_query(vp, NULL, &pool);
	if (err) {
		handle_error(inv, inv->argv[0], vp, err);
		return -1;
	}
	err = vm_check_pool(inv, pool, spec->bytes, spec->vcpus);
	if (!err)
		err = fit_elastic(inv, pool, spec);
	if (!err) {
		cpus = vpool_cpus_count(&pool->cpus);
		if (!spec->vcpus)
			spec->vcpus = cpus > 1 ? cpus - 1 : 1;
		if (!spec->bytes)
			spec->bytes = pool->free_bytes;
		spec->bytes += pool->page_size - 1;
		spec->bytes -= spec->bytes % pool->page_size;
		vm_plan(pool, spec->bytes, spec->vcpus, plan);
		plan->in_files = spec->reclaim;
		plan->elastic = spec->elastic;
	}
	vpool_info_free(pool);
	return err;
}

/* Starting */

/* Return what a machine has, such as "1G of memory, 2 vCPUs with CPUs 2-3", for free(3). */
static char *resources_text(const struct qemu_spec *spec, const struct vm_placed *placed)
{
	char *cpus = cpus_text(&placed->cpus), *with = NULL, *text;
	char size[SIZE_TEXT], max[SIZE_TEXT];
	bool many = strpbrk(cpus, ",-");

	if (*cpus)
		with = xprintf(" with CPU%s %s to %s", many ? "s" : "", cpus,
			       many ? "themselves" : "itself");
	text = xprintf("%s of memory%s%s, %u vCPU%s%s%s",
		       format_size(spec->bytes, size),
		       spec->elastic ? " of at most " : "",
		       spec->elastic ?
		       format_size(spec->bytes + spec->elastic, max) : "",
		       spec->vcpus, spec->vcpus == 1 ? "" : "s", with ? with : "",
		       !placed->sharing ? "" : *cpus ? " and one on a shared CPU" :
		       " on a shared CPU");
	free(with);
	free(cpus);
	return text;
}

static void print_started(const struct invocation *inv, const struct qemu_spec *spec,
			  const struct qemu *qemu, const struct vm_placed *placed,
			  double qemu_ms, double run_ms)
{
	char *text = resources_text(spec, placed);

	outcome_print(inv, spec->name, "started %s on pool %s: %s; process %d",
		      spec->name, spec->pool, text, qemu->slot->pid);
	if (!outcome_is_json(inv) && !outcome_is_quiet(inv))
		printf("QEMU %.1f ms, memory %.1f ms, devices %.1f ms, first instruction %.1f ms\n",
		       qemu_ms, placed->memory_ms, placed->devices_ms, run_ms);
	free(text);
}

static int set_going(const struct invocation *inv, struct qemu *qemu)
{
	int err;

	err = qmp_run(qemu->qmp, QMP_FOREVER, "cont", NULL, NULL);
	if (!err)
		err = qmp_wait(qemu->qmp, 60000, "RESUME");
	if (err)
		qemu_failed(inv, inv->argv[0], qemu, err);
	return err;
}

static int make_it_run(const struct invocation *inv, struct vpool *vp,
		       const struct qemu_spec *spec,
		       const struct vm_plan *plan, struct qemu *qemu,
		       double begun)
{
	double launched = now_ms(), built;
	struct vm_placed placed;
	int err;

	err = vm_build(inv, spec->name, qemu, vp, spec->pool, plan, &placed);
	built = now_ms();
	if (!err)
		err = set_going(inv, qemu);
	if (!err)
		print_started(inv, spec, qemu, &placed, launched - begun,
			      now_ms() - built);
	vpool_cpus_free(&placed.cpus);
	return err;
}

/* Remove the log of an earlier machine with the same name. */
static void forget_log(const char *name)
{
	char *log = vm_log_path(name);

	unlink(log);
	free(log);
}

static int claim_devices(const struct invocation *inv, const struct vm *vm,
			 const struct qemu_spec *spec, struct vm_devices *devices)
{
	if (!devices->nr)
		return 0;
	if (vm_devices_check_memlock(inv, spec->name, spec->bytes + spec->elastic))
		return -1;
	return vm_devices_claim(inv, vm, devices);
}

static int launch(const struct invocation *inv, struct vpool *vp,
		  const struct qemu_spec *spec, struct vm *vm,
		  const struct backing *backing, struct qemu *qemu)
{
	char **args = qemu_args(spec, vm->slot);
	int err = qemu_launch(inv, spec->name, vm->slot, vp, -1, args, backing,
			      qemu);

	qemu_args_free(args);
	return err;
}

static int start_on(const struct invocation *inv, struct vpool *vp,
		    struct qemu_spec *spec, struct vm *vm,
		    struct vm_devices *devices)
{
	double begun = now_ms();
	struct backing backing;
	char size[SIZE_TEXT];
	struct vm_plan plan;
	struct qemu qemu;
	int err, console = -1;

	if (fit(inv, vp, spec, &plan))
		return EXIT_FAILED;
	if (inv->given[START_DRY_RUN]) {
		outcome_print(inv, spec->name,
			      "would start %s on pool %s: %s of memory, %u vCPU%s",
			      spec->name, spec->pool, format_size(spec->bytes, size),
			      spec->vcpus, spec->vcpus == 1 ? "" : "s");
		return EXIT_OK;
	}
	if (claim_devices(inv, vm, spec, devices))
		return EXIT_FAILED;
	forget_log(spec->name);
	backing_init(&backing);
	err = vm_plan_back(inv, spec->name, vp, &plan, &backing);
	if (!err)
		err = launch(inv, vp, spec, vm, &backing, &qemu);
	backing_close(&backing);
	if (err)
		return EXIT_FAILED;
	if (!strcmp(given(inv, START_CONSOLE, ""), "-"))
		console = console_open(vm->slot);
	err = make_it_run(inv, vp, spec, &plan, &qemu, begun);
	if (err) {
		qemu_stop(&qemu);
		return EXIT_FAILED;
	}
	qemu_release(&qemu);
	qemu_close(&qemu);
	vm->now = 0;
	if (console < 0)
		return EXIT_OK;
	/* From here on, other commands may change the machine. */
	close(vm->lock);
	vm->lock = -1;
	return console_relay(inv, console);
}

static int start_in(const struct invocation *inv, struct qemu_spec *spec,
		    struct vm *vm, struct vm_devices *devices)
{
	struct vpool *vp;
	int status, err;

	if (vm_devices_check(inv, spec->name, devices, inv->given[START_FORCE_DEVICE]))
		return EXIT_FAILED;
	err = vpool_open(spec->pool, &vp);
	if (err)
		status = handle_error(inv, spec->name, vp, err);
	else
		status = start_on(inv, vp, spec, vm, devices);
	vpool_close(vp);
	return status;
}

static int start(const struct invocation *inv, struct qemu_spec *spec,
		 struct vm_devices *devices)
{
	struct vm *vm;
	int err, status = EXIT_FAILED;

	if (check_files(inv, spec) || check_console(inv, spec))
		return EXIT_FAILED;
	err = vm_open(spec->name, true, &vm);
	if (err == -EBUSY)
		cmd_error(inv, spec->name, TOOL_VM_BUSY,
			  "another vpoolctl is starting, stopping or migrating a virtual machine with this name");
	else if (err)
		cmd_error(inv, spec->name, errno_code(-err),
			  "cannot create its directory: %s",
			  strerror(-err));
	if (err)
		return EXIT_FAILED;
	if (vm->now >= 0)
		cmd_error(inv, spec->name, TOOL_VM_EXISTS,
			  "a virtual machine with this name exists; 'vpoolctl vm list' shows it");
	else
		status = start_in(inv, spec, vm, devices);
	vm_close(vm);
	return status;
}

static int run_vm_start(const struct invocation *inv)
{
	struct vm_devices devices = { 0 };
	struct qemu_spec spec = { .devices = &devices };
	int status;

	catch_interrupts();
	status = parse_line(inv, &spec, &devices);
	if (!status)
		status = start(inv, &spec, &devices);
	free(spec.console);
	free(spec.disk);
	return status;
}

const struct command cmd_vm_start = {
	.name = "vm start",
	.args = "VM [-- QEMU-ARGUMENT...]",
	.summary = "start a virtual machine on a pool",
	.description =
		"Start a virtual machine with memory and CPUs of a pool. All\n"
		"of the VM's memory is committed at the start. Each vCPU has a\n"
		"dedicated CPU; QEMU's other threads run on the other CPUs of\n"
		"the pool. If the machine has as many vCPUs as the pool has\n"
		"CPUs, one vCPU shares its CPU with those threads. If the\n"
		"pool has memory on several NUMA nodes, the machine has\n"
		"several NUMA nodes, too. The command returns when the\n"
		"machine runs. It prints the times for QEMU, the memory, the\n"
		"devices and the first instruction.\n\n"
		"--device takes PCI devices from their drivers and binds them to\n"
		"vfio-pci. It refuses a device that the host uses, and a device\n"
		"whose IOMMU group contains another device that has a driver.\n"
		"The devices go back to their drivers when the machine ends. If\n"
		"QEMU crashes, the next vm list, vm stop or vm start does that. A\n"
		"machine with a device cannot migrate.\n\n"
		"With --max-mem, vm resize can change the memory while the\n"
		"machine runs. With --reclaim, memory that the guest frees is the\n"
		"pool's until the guest uses it again. If the pool has none then,\n"
		"the guest stops with an internal error. Keep enough memory of\n"
		"the pool free.\n\n"
		"Arguments after -- are passed to QEMU. vm start refuses\n"
		"arguments that contradict its options, that keep vpoolctl\n"
		"from finding the machine, such as -daemonize, or that\n"
		"prevent a migration.",
	.options = start_options,
	.nr_options = ARRAY_SIZE(start_options),
	.min_args = 1,
	.max_args = -1,
	.run = run_vm_start,
};
