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
#include <unistd.h>

#include <libvpool.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/code.h"
#include "base/command.h"
#include "base/exit.h"
#include "base/failure.h"
#include "base/interrupt.h"
#include "base/macros.h"
#include "output/messages.h"
#include "output/outcome.h"
#include "output/units.h"
#include "vm/args.h"
#include "vm/backing.h"
#include "vm/cmd.h"
#include "vm/config.h"
#include "vm/confine.h"
#include "vm/definition.h"
#include "vm/console.h"
#include "vm/device.h"
#include "vm/device_check.h"
#include "vm/ended.h"
#include "vm/image.h"
#include "vm/parts.h"
#include "vm/placement.h"
#include "vm/property.h"
#include "vm/qemu.h"
#include "vm/qemu_args.h"
#include "vm/qmp.h"
#include "vm/restore.h"
#include "vm/scope.h"
#include "vm/size.h"
#include "vm/starting.h"
#include "vm/user.h"
#include "vm/user_files.h"
#include "vm/vm.h"

enum {
	START_AUTOSTART,
	START_TEMPLATE,
	START_DRY_RUN,
	START_QUIET,
	START_JSON,
};

static const struct option_def start_options[] = {
	[START_AUTOSTART] = {
		.name = "autostart",
		.help = "start all machines that are defined with autostart",
	},
	[START_TEMPLATE] = {
		.name = "template", .letter = 't', .arg = "TEMPLATE",
		.complete = COMPLETE_TEMPLATE,
		.help =
			"start a machine that continues where the machine was\n"
			"that vm save has saved",
	},
	/* -n is --vcpus. */
	[START_DRY_RUN] = { .name = "dry-run", .help = DRY_RUN_HELP },
	[START_QUIET] = OPTION_QUIET,
	[START_JSON] = OPTION_OUTCOME,
};

/* Check the command line */

/* Take the definition of the machine, if it has one. Return an exit status. */
static int read_definition(const struct invocation *inv, struct vm_config *config)
{
	struct definitions defs = { 0 };
	int status = EXIT_OK;

	(void)inv;
	if (!definition_exists(config->name))
		return EXIT_OK;
	definitions_load(&defs, config->name);
	if (defs.notes.nr_mistakes) {
		config_report(&defs.notes);
		status = EXIT_FAILED;
	} else {
		/* Both have the same names and strings of their own. */
		vm_config_free(config);
		*config = defs.vms[0].config;
		defs.vms[0].config = (struct vm_config) { 0 };
		/* The file's name goes with the notes. */
		config->location.file = NULL;
	}
	definitions_free(&defs);
	return status;
}

static int read_line(const struct invocation *inv, struct vm_config *config)
{
	struct failure failure;
	int status, i;

	if (inv->before > 1)
		return usage_error(inv->cmd,
				   "unexpected argument '%s': arguments for QEMU must follow --",
				   inv->argv[1]);
	if (!vm_name_ok(config->name))
		return usage_error(inv->cmd,
				   "'%s' is not a valid name: up to %d of a-z, 0-9, and . _ - except as the first",
				   config->name, VM_NAME_MAX);
	status = read_definition(inv, config);
	if (!status)
		status = vm_config_from_options(inv, config);
	for (i = 1; i < inv->argc; i++)
		vm_config_add_qemu(config, inv->argv[i]);
	if (!status && vm_config_check(config, &failure))
		status = usage_error(inv->cmd, "%s", failure.text);
	return status;
}

/* Check the files */

static int check_kernel(const struct invocation *inv, const char *path)
{
	char head[0x206];
	ssize_t len = vm_image_read(inv, inv->argv[0], "the kernel", path, 0, head,
				    sizeof(head));

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

static int check_files(const struct invocation *inv, const struct vm_config *config)
{
	char byte;

	if (config->kernel && check_kernel(inv, config->kernel))
		return -1;
	if (config->initrd && vm_image_read(inv, inv->argv[0], "the initrd", config->initrd, 0,
					    &byte, 1) < 0)
		return -1;
	if (vm_images_check(inv, config) || vm_parts_check(inv, config))
		return -1;
	if ((!config->accel || !strcmp(config->accel, "kvm")) && vm_start_check_kvm(inv))
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
	if (spec->config->reclaim && pool->page_size > VM_SIZE_BLOCK)
		cmd_error(inv, spec->config->name, TOOL_VM_PAGE_SIZE,
			  "--reclaim: pool '%s' has pages of %s, but guests free memory in parts of 2M",
			  pool->name, size);
	else if (spec->elastic % spec->block)
		cmd_error(inv, spec->config->name, TOOL_VM_PAGE_SIZE,
			  "--max-mem must be --mem plus a multiple of %s, the page size of pool '%s'",
			  size, pool->name);
	else
		return 0;
	return -1;
}

/* Devices cannot pin files of gigantic pages, which only a QEMU of another user has. */
static int fit_devices(const struct invocation *inv, const struct vpool_info *pool,
		       const struct qemu_spec *spec)
{
	char size[SIZE_TEXT];

	if (!spec->user.name || !spec->config->devices.nr ||
	    pool->page_size <= VM_SIZE_BLOCK)
		return 0;
	cmd_error(inv, spec->config->name, TOOL_VM_PAGE_SIZE,
		  "pool '%s' has pages of %s, which a QEMU of user '%s' cannot have together with a device: use --user root",
		  pool->name, format_size(pool->page_size, size), spec->user.name);
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
	if (!err)
		err = fit_devices(inv, pool, spec);
	if (!err) {
		cpus = vpool_cpus_count(&pool->cpus);
		if (!spec->vcpus)
			spec->vcpus = cpus > 1 ? cpus - 1 : 1;
		if (!spec->bytes)
			spec->bytes = pool->free_bytes;
		spec->bytes += pool->page_size - 1;
		spec->bytes -= spec->bytes % pool->page_size;
		vm_plan(pool, spec->bytes, spec->vcpus, plan);
		plan->reclaims = spec->config->reclaim;
		plan->in_files = plan->reclaims || spec->user.name;
		plan->elastic = spec->elastic;
	}
	vpool_info_free(pool);
	return err;
}

/* Starting */

static void print_started(const struct invocation *inv, const struct qemu_spec *spec,
			  const struct qemu *qemu, const struct vm_placed *placed,
			  double qemu_ms, double run_ms)
{
	char *text = vm_start_resources(spec, placed);

	outcome_print(inv, spec->config->name, "started %s on pool %s: %s; process %d",
		      spec->config->name, spec->config->pool, text, qemu->slot->pid);
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

	err = vm_build(inv, spec->config->name, qemu, vp, spec->config->pool, plan, &placed);
	built = now_ms();
	if (!err)
		err = set_going(inv, qemu);
	if (!err)
		print_started(inv, spec, qemu, &placed, launched - begun,
			      now_ms() - built);
	vpool_cpus_free(&placed.cpus);
	return err;
}

static int claim_devices(const struct invocation *inv, const struct vm *vm,
			 struct qemu_spec *spec, struct vm_devices *devices)
{
	if (!devices->nr)
		return 0;
	spec->user.locked = vm_devices_locked(spec->bytes + spec->elastic);
	if (vm_devices_check_memlock(inv, spec->config->name, spec->bytes + spec->elastic))
		return -1;
	return vm_devices_claim(inv, vm, devices, &spec->user);
}

static int launch(const struct invocation *inv, struct vpool *vp,
		  const struct qemu_spec *spec, struct vm *vm,
		  const struct backing *backing, struct vm_plugs *plugs,
		  struct qemu *qemu)
{
	char **args = qemu_args(spec, vm->slot);
	char *scope = scope_of_config(spec->config);
	struct qemu_bounds bounds = {
		.scope = scope, .confined = spec->confined,
		.context = vm_confine_context(spec->config->confine),
	};
	int err = qemu_launch(inv, spec->config->name, vm->slot, vp, -1, args, backing,
			      plugs, &spec->user, &bounds, qemu);

	free(scope);
	args_free(args);
	return err;
}

/* Start QEMU with what the machine needs of the host. */
static int launch_with_parts(const struct invocation *inv, struct vpool *vp,
			     struct qemu_spec *spec, struct vm *vm,
			     const struct vm_plan *plan, struct vm_parts *parts,
			     struct qemu *qemu)
{
	struct backing backing;
	int err;

	backing_init(&backing);
	err = vm_plan_back(inv, spec->config->name, vp, plan, &backing);
	if (!err)
		err = vm_parts_prepare(inv, spec->config, &spec->user, vm->dir, parts);
	spec->parts = parts;
	if (!err)
		err = launch(inv, vp, spec, vm, &backing, &parts->plugs, qemu);
	backing_close(&backing);
	return err;
}

/* Run the machine. Set @console to a connection to its console, if that is requested. */
static int run_machine(const struct invocation *inv, struct vpool *vp,
		       struct qemu_spec *spec, struct vm *vm, const struct vm_plan *plan,
		       int *console)
{
	double begun = now_ms();
	struct vm_parts parts = { 0 };
	struct qemu qemu;
	int err;

	err = launch_with_parts(inv, vp, spec, vm, plan, &parts, &qemu);
	if (!err && spec->config->console && !strcmp(spec->config->console, "-"))
		*console = console_open(vm->slot);
	if (!err) {
		err = make_it_run(inv, vp, spec, plan, &qemu, begun);
		if (err)
			qemu_stop(&qemu);
	}
	if (!err) {
		qemu_release(&qemu);
		qemu_close(&qemu);
	}
	vm_parts_close(spec->config, &parts, !err);
	spec->parts = NULL;
	return err;
}

static int start_on(const struct invocation *inv, struct vpool *vp,
		    struct qemu_spec *spec, struct vm *vm,
		    struct vm_devices *devices)
{
	char size[SIZE_TEXT];
	struct vm_plan plan;
	int console = -1;

	if (fit(inv, vp, spec, &plan))
		return EXIT_FAILED;
	if (inv->given[START_DRY_RUN]) {
		outcome_print(inv, spec->config->name,
			      "would start %s on pool %s: %s of memory, %u vCPU%s",
			      spec->config->name, spec->config->pool,
			      format_size(spec->bytes, size), spec->vcpus,
			      spec->vcpus == 1 ? "" : "s");
		return EXIT_OK;
	}
	if (vm_start_note_bounds(inv, vm, spec->config) ||
	    claim_devices(inv, vm, spec, devices))
		return EXIT_FAILED;
	ended_remove(spec->config->name);
	vm_user_warn(spec->config->name, spec->config->user, &spec->user);
	vm_start_log(spec->config->name);
	if (run_machine(inv, vp, spec, vm, &plan, &console))
		return EXIT_FAILED;
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

	if (vm_devices_check(inv, spec->config->name, devices, spec->config->force_device) ||
	    vm_start_check_scope(inv, spec->config))
		return EXIT_FAILED;
	err = vpool_open(spec->config->pool, &vp);
	if (err)
		status = handle_error(inv, spec->config->name, vp, err);
	else
		status = start_on(inv, vp, spec, vm, devices);
	vpool_close(vp);
	return status;
}

static int start(const struct invocation *inv, struct qemu_spec *spec,
		 struct vm_devices *devices)
{
	struct vm *vm;
	int status;

	if (check_files(inv, spec->config) ||
	    vm_confine_choose(inv, spec->config->name, spec->config->confine,
			      &spec->confined) ||
	    vm_user_check_config(inv, &spec->user, spec->config) ||
	    vm_start_console(inv, spec->config, &spec->user, &spec->console))
		return EXIT_FAILED;
	vm = vm_start_open(inv, spec->config->name);
	if (!vm)
		return EXIT_FAILED;
	status = start_in(inv, spec, vm, devices);
	vm_close(vm);
	return status;
}

static int start_one(const struct invocation *inv)
{
	struct vm_config config;
	struct qemu_spec spec = { .config = &config };
	int status;

	if (inv->given[START_TEMPLATE])
		return vm_start_template(inv, inv->argv[0], inv->value[START_TEMPLATE]);
	vm_config_init(&config, inv->argv[0]);
	status = read_line(inv, &config);
	if (!status && vm_start_user(inv, &config, config.accel, &spec.user))
		status = EXIT_FAILED;
	if (!status) {
		spec.bytes = config.mem;
		spec.elastic = config.max_mem ? config.max_mem - config.mem : 0;
		spec.vcpus = config.vcpus;
		status = start(inv, &spec, &config.devices);
	}
	vm_user_free(&spec.user);
	free(spec.console);
	vm_config_free(&config);
	return status;
}

/* Autostart */

static int compare_places(const void *a, const void *b)
{
	const struct vm_config *x = &((const struct definition *)a)->config;
	const struct vm_config *y = &((const struct definition *)b)->config;

	if (x->autostart != y->autostart)
		return x->autostart < y->autostart ? -1 : 1;
	return strcmp(x->name, y->name);
}

/* Read all definitions, in the order in which their machines start. */
static void read_all(struct definitions *defs)
{
	char **names;
	size_t i, nr;

	names = definition_names(&nr);
	for (i = 0; i < nr; i++) {
		definitions_load(defs, names[i]);
		free(names[i]);
	}
	free(names);
	if (defs->nr)
		qsort(defs->vms, defs->nr, sizeof(*defs->vms), compare_places);
}

/* A machine that cannot start must not prevent the others. */
static int start_all(const struct invocation *inv)
{
	struct definitions defs = { 0 };
	struct invocation one = *inv;
	int status = EXIT_OK;
	struct vm *vm;
	size_t i;

	if (inv->argc || inv->nr_settings > (size_t)inv->given[START_AUTOSTART] +
	    inv->given[START_DRY_RUN] + inv->given[START_QUIET] + inv->given[START_JSON])
		return usage_error(inv->cmd,
				   "--autostart takes no machine and no options for one");
	read_all(&defs);
	if (defs.notes.nr_mistakes) {
		config_report(&defs.notes);
		status = EXIT_FAILED;
	}
	for (i = 0; i < defs.nr && !interrupted(); i++) {
		const struct vm_config *config = &defs.vms[i].config;

		if (!config->autostart)
			continue;
		one.argv = (char *[]) { config->name, NULL };
		one.argc = 1;
		one.before = 1;
		if (vm_open(config->name, false, &vm) != -ENOENT) {
			/* It runs, or another vpoolctl starts it. */
			vm_close(vm);
			continue;
		}
		if (start_one(&one))
			status = EXIT_FAILED;
	}
	definitions_free(&defs);
	return status;
}

static int run_vm_start(const struct invocation *inv)
{
	catch_interrupts();
	if (inv->given[START_AUTOSTART])
		return start_all(inv);
	if (!inv->argc)
		return usage_error(inv->cmd, "too few arguments: expected %s", inv->cmd->args);
	return start_one(inv);
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
		"A machine that is defined, by vm define, needs no options. Options\n"
		"that are given replace its properties for this time. --autostart\n"
		"starts all machines with the property autostart that do not run,\n"
		"in their order.\n\n"
		"If root starts a machine, QEMU runs as the user of --user, and\n"
		"the kernel refuses system calls that QEMU does not need. That\n"
		"user must be able to open the disks, the kernel and the initrd;\n"
		"vm start names a file that it cannot open. -sandbox after --\n"
		"replaces the rules for system calls.\n\n"
		"--template starts a machine that vm save has saved: it continues\n"
		"where that machine was. Only --pool, --console, --user and\n"
		"--property can be chosen; --mem, --vcpus, --machine and --accel\n"
		"must agree with the template. The user that the saved machine had\n"
		"does not matter. The template must be of the same version of QEMU,\n"
		"and of a host with the same CPU. The guest has a new UUID and new\n"
		"MAC addresses after a reset. On q35 it has a new generation ID at\n"
		"once, from which Linux seeds its random numbers again. What it\n"
		"writes to its disks is lost when it ends, and it cannot migrate if\n"
		"it has such a disk.\n\n"
		"Arguments after -- are passed to QEMU. vm start refuses\n"
		"arguments that contradict its options, that keep vpoolctl\n"
		"from finding the machine, such as -daemonize, or that\n"
		"prevent a migration.",
	.options = start_options,
	.nr_options = ARRAY_SIZE(start_options),
	.properties = vm_properties,
	.nr_properties = NR_VM_START_PROPERTIES,
	.max_args = -1,
	.complete = COMPLETE_VM,
	.run = run_vm_start,
};
