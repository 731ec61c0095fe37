// SPDX-License-Identifier: GPL-2.0-only
/*
 * What each start of a virtual machine does, from a definition or from a template.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libvpool.h>

#include "base/alloc.h"
#include "base/code.h"
#include "base/command.h"
#include "base/failure.h"
#include "host/pools.h"
#include "host/slice.h"
#include "output/messages.h"
#include "output/outcome.h"
#include "output/units.h"
#include "vm/config.h"
#include "vm/label.h"
#include "vm/log.h"
#include "vm/placement.h"
#include "vm/qemu_args.h"
#include "vm/scope.h"
#include "vm/starting.h"
#include "vm/user.h"
#include "vm/user_files.h"
#include "vm/vm.h"

struct vm *vm_start_open(const struct invocation *inv, const char *name)
{
	struct vm *vm;
	int err = vm_open(name, true, &vm);

	if (err == -EBUSY)
		cmd_error(inv, name, TOOL_VM_BUSY,
			  "another vpoolctl is starting, stopping or migrating a virtual machine with this name");
	else if (err)
		cmd_error(inv, name, errno_code(-err), "cannot create its directory: %s",
			  strerror(-err));
	if (err || vm->now < 0)
		return vm;
	cmd_error(inv, name, TOOL_VM_EXISTS,
		  "a virtual machine with this name exists; 'vpoolctl vm list' shows it");
	vm_close(vm);
	return NULL;
}

void vm_start_log(const char *name)
{
	struct vm_log log;
	char *text;
	int err;

	vm_log_init(&log, name);
	err = vm_log_line(&log, "vm start");
	if (err) {
		text = xprintf("vpoolctl: vm start %s: its log %s cannot be written: %s; %s",
			       name, log.path, strerror(-err),
			       "until that is possible, only the journal has its output");
		report_error(TOOL_VM_LOG, text);
		free(text);
	}
	vm_log_free(&log);
}

int vm_start_check_kvm(const struct invocation *inv)
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

int vm_start_user(const struct invocation *inv, const struct vm_config *config,
		  const char *accel, struct vm_user *user)
{
	if (vm_user_choose(inv, config->name, config->user, user))
		return -1;
	if (!accel || !strcmp(accel, "kvm"))
		vm_user_join_group_of(user, "/dev/kvm");
	return 0;
}

/* QEMU has another working directory. */
int vm_start_console(const struct invocation *inv, const struct vm_config *config,
		     const struct vm_user *user, char **file)
{
	const char *path = config->console;

	if (!path || !strcmp(path, "-") || outcome_is_dry(inv))
		return 0;
	if (vm_user_make_console(inv, config->name, user, path))
		return -1;
	*file = realpath(path, NULL);
	if (*file)
		return 0;
	cmd_error(inv, config->name, errno_code(errno), "the console's file %s: %s", path,
		  strerror(errno));
	return -1;
}

int vm_start_check_scope(const struct invocation *inv, const struct vm_config *config)
{
	char *scope = scope_of_config(config);
	struct failure failure;
	int err = 0;

	if (scope && slice_check_machine(config->pool, scope, &failure))
		err = failure_report(inv, config->name, &failure);
	free(scope);
	return err;
}

int vm_start_note_bounds(const struct invocation *inv, const struct vm *vm,
			 const struct vm_config *config)
{
	char *scope = scope_of_config(config);
	int err = scope_write(vm->dir, scope);

	if (!err)
		err = label_wanted_write(vm->dir, config->confine);
	if (err)
		cmd_error(inv, config->name, errno_code(-err),
			  "cannot note the limits of its QEMU: %s", strerror(-err));
	free(scope);
	return err;
}

char *vm_start_resources(const struct qemu_spec *spec, const struct vm_placed *placed)
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
