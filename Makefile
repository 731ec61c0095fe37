# SPDX-License-Identifier: GPL-2.0
#
# vpool: the module, the userspace parts, the demonstration and the tests.
# Everything that is made lands under build/. `make help` says what there is.

cache := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/vpool
# Not "build", which is a name of Kbuild's.
VPOOL_BUILD := $(CURDIR)/build
as_root = $(if $(filter-out 0,$(shell id -u)),sudo)

# The kernel to build for: the running one, else the newest installed, else the
# one of the box.
KDIR ?= $(firstword $(wildcard /lib/modules/$(shell uname -r)/build) \
	$(shell ls -dv /lib/modules/*/build 2>/dev/null | tail -n 1) \
	$(wildcard $(cache)/kernels/6.12/headers))
release = $(shell sed -n 's/^.define UTS_RELEASE "\(.*\)"/\1/p' \
	$(KDIR)/include/generated/utsrelease.h 2>/dev/null)
# What can be built into the module: +kunit, +kcov, +gcov.
moddir = $(VPOOL_BUILD)/$(release)$(if $(KUNIT),+kunit)$(if $(KCOV),+kcov)$(if $(GCOV),+gcov)

.PHONY: all
all: module userspace

.PHONY: need-kernel
need-kernel:
	@[ -n "$(release)" ] || { \
		echo "no kernel headers found: run tools/setup," \
		     "install linux-headers-$$(uname -r), or say KDIR=<folder>" >&2; \
		exit 1; }

# One at a time: boxes that want the same module may start at once.
.PHONY: module
module: need-kernel
	@mkdir -p $(VPOOL_BUILD)
	+@flock $(moddir).lock $(MAKE) --no-print-directory module-alone

# Kbuild writes next to the sources, so it gets a folder of links to them.
.PHONY: module-alone
module-alone:
	@mkdir -p $(moddir)
	@find $(moddir) -xtype l -delete
	@for dir in module kunit include; do \
		cp -rsf $(CURDIR)/$$dir $(moddir); done
	@ln -sf $(CURDIR)/Kbuild $(moddir)/Kbuild
	+$(MAKE) -C $(KDIR) M=$(moddir) $(if $(KUNIT),VPOOL_KUNIT=y) \
		$(if $(KCOV),VPOOL_KCOV=y) $(if $(GCOV),VPOOL_GCOV=y) modules

.PHONY: userspace
userspace:
	+$(MAKE) -C userspace BUILD=$(VPOOL_BUILD)/userspace all

# Packages of a kernel's headers want modules signed but have no key.
.PHONY: modules_install
modules_install: module
	+$(MAKE) -C $(KDIR) M=$(moddir) INSTALL_MOD_PATH=$(DESTDIR) \
		$(if $(wildcard $(KDIR)/certs/signing_key.pem),,CONFIG_MODULE_SIG_ALL=) \
		modules_install

.PHONY: install
install: userspace
	+$(MAKE) -C userspace BUILD=$(VPOOL_BUILD)/userspace install

# What the boxes run; the kernel's source has the harness.
.PHONY: selftests
selftests: userspace
	+@source=$$(tools/kernel/source) && $(MAKE) -C selftests \
		OUTPUT=$(VPOOL_BUILD)/selftests KSRC="$$source"

# Debian packages, in build/deb/.
.PHONY: deb
deb:
	@tools/setup deb
	@tools/deb/build $(VPOOL_BUILD)/deb

# The module's source where DKMS finds it, built for the running kernel.
.PHONY: dkms
dkms:
	@$(as_root) tools/deb/dkms

.PHONY: docs
docs:
	@tools/docs/build $(VPOOL_BUILD)/docs

.PHONY: clean
clean:
	rm -rf $(VPOOL_BUILD)

.PHONY: demo
demo:
	@tools/setup
	@tools/demo/run

# TESTS is a pattern that names must match, KERNELS the kernels to test on.
.PHONY: check
check:
	@tools/setup
	@tools/check/all

# Into build/bench and Documentation/bench.
.PHONY: bench
bench:
	@tools/setup
	@selftests/bench/run

# What takes too long for every change.
.PHONY: check-long
check-long:
	@tools/setup
	@tools/check/long
	+@$(MAKE) check-deb

# The fuzzer, for VPOOL_FUZZ_SECONDS; what it keeps is in build/fuzz.
.PHONY: fuzz
fuzz:
	@tools/setup
	@tools/check/fuzz

# Races, on a kernel with KCSAN.
.PHONY: kcsan
kcsan:
	@tools/setup
	@tools/check/kcsan

# What of module/ the tests reach, in build/coverage.
.PHONY: coverage
coverage:
	@tools/setup coverage
	@tools/check/coverage

# The packages, in a clean root that is booted.
.PHONY: check-deb
check-deb: deb
	@$(as_root) tools/deb/boot $(VPOOL_BUILD)/deb

.PHONY: help
help:
	@echo 'make                  the module for $$KDIR and the userspace parts'
	@echo 'make module           the module alone; KUNIT=1 with its unit tests,'
	@echo '                      KCOV=1 or GCOV=1 so that coverage can be taken'
	@echo 'make userspace        libvpool and vpoolctl'
	@echo 'make modules_install  the module, into $$DESTDIR/lib/modules'
	@echo 'make install          the rest, into $$DESTDIR$$prefix; settings into /etc'
	@echo 'make dkms             the module through DKMS, for this and later kernels'
	@echo 'make deb              Debian packages, in build/deb'
	@echo 'make docs             the documentation, in build/docs/html and /man'
	@echo 'make demo             all of it at work, in a virtual machine'
	@echo 'make check            all tests; TESTS=pattern KERNELS="6.12"'
	@echo 'make check-long       what takes longer: VPOOL_ROUNDS=1000000'
	@echo 'make fuzz             the fuzzer: VPOOL_FUZZ_SECONDS=3600 KERNEL=debug'
	@echo 'make kcsan            races: what is done at once, on a kernel with KCSAN'
	@echo 'make coverage         what of module/ the tests reach, in build/coverage'
	@echo 'make bench            instructions, beside hugetlbfs, memfd and THP'
	@echo 'make check-deb        the packages, in a clean root under systemd; as root'
	@echo 'make clean            remove build/'
	@echo
	@echo 'KDIR=$(KDIR)'
