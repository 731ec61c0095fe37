# SPDX-License-Identifier: GPL-2.0
#
# Build, install, demonstrate and test vpool. All output goes to build/. `make help` lists
# the targets.

cache := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/vpool
# Kbuild uses the name "build" itself.
VPOOL_BUILD := $(CURDIR)/build
as_root = $(if $(filter-out 0,$(shell id -u)),sudo)

# Headers of the kernel to build for: the running one, else the newest installed one,
# else that of the test VM.
KDIR ?= $(firstword $(wildcard /lib/modules/$(shell uname -r)/build) \
	$(shell ls -dv /lib/modules/*/build 2>/dev/null | tail -n 1) \
	$(wildcard $(cache)/kernels/6.12/headers))
release = $(shell sed -n 's/^.define UTS_RELEASE "\(.*\)"/\1/p' \
	$(KDIR)/include/generated/utsrelease.h 2>/dev/null)
# A folder for each kind of module: plain, +kunit, +kcov, +gcov.
moddir = $(VPOOL_BUILD)/$(release)$(if $(KUNIT),+kunit)$(if $(KCOV),+kcov)$(if $(GCOV),+gcov)

.PHONY: all
all: module userspace

.PHONY: need-kernel
need-kernel:
	@[ -n "$(release)" ] || { \
		echo "no kernel headers found: run tools/setup," \
		     "install linux-headers-$$(uname -r), or set KDIR=FOLDER" >&2; \
		exit 1; }

# Lock: two test VMs may need the same module at the same time.
.PHONY: module
module: need-kernel
	@mkdir -p $(VPOOL_BUILD)
	+@flock $(moddir).lock $(MAKE) --no-print-directory module-alone

# Kbuild writes beside the sources: let it work in a folder of links to them.
.PHONY: module-alone
module-alone:
	@mkdir -p $(moddir)
	@find $(moddir) -xtype l -delete
	@for dir in module kunit include; do \
		cp -rsf $(CURDIR)/$$dir $(moddir); done
	@ln -sf $(CURDIR)/Kbuild $(CURDIR)/VERSION $(moddir)/
	+$(MAKE) -C $(KDIR) M=$(moddir) $(if $(KUNIT),VPOOL_KUNIT=y) \
		$(if $(KCOV),VPOOL_KCOV=y) $(if $(GCOV),VPOOL_GCOV=y) modules

# A livepatch that replaces functions of a loaded vpool by those in the file FIX.
.PHONY: livepatch
livepatch: module
	+@flock $(moddir).lock tools/livepatch/build '$(FIX)' $(KDIR) $(moddir)

.PHONY: userspace
userspace:
	+$(MAKE) -C userspace BUILD=$(VPOOL_BUILD)/userspace $(or $(USERSPACE),all)

# Debian's headers request signed modules but contain no key.
.PHONY: modules_install
modules_install: module
	+$(MAKE) -C $(KDIR) M=$(moddir) INSTALL_MOD_PATH=$(DESTDIR) \
		$(if $(wildcard $(KDIR)/certs/signing_key.pem),,CONFIG_MODULE_SIG_ALL=) \
		modules_install

.PHONY: install
install: userspace
	+$(MAKE) -C userspace BUILD=$(VPOOL_BUILD)/userspace install

# The kernel's source has lib.mk and the test harness.
.PHONY: selftests
selftests: userspace
	+@source=$$(tools/kernel/source) && $(MAKE) -C selftests \
		OUTPUT=$(VPOOL_BUILD)/selftests KSRC="$$source"

# Cross-build what the test VM for arm64 runs. That does not include the manual: the program
# that writes it would be built for arm64, too, and could not run here.
arm64 := VPOOL_BUILD=$(VPOOL_BUILD)/arm64 ARCH=arm64 CROSS_COMPILE=aarch64-linux-gnu-
.PHONY: arm64-module
arm64-module:
	+@$(MAKE) --no-print-directory module $(arm64)

.PHONY: arm64-userspace arm64-selftests
arm64-userspace arm64-selftests:
	+@root=$$(tools/vm/arm64) && \
		PKG_CONFIG_SYSROOT_DIR="$$root" \
		PKG_CONFIG_LIBDIR="$$root/usr/lib/aarch64-linux-gnu/pkgconfig" \
		$(MAKE) --no-print-directory $(@:arm64-%=%) $(arm64) USERSPACE=programs \
		CC="aarch64-linux-gnu-gcc --sysroot=$$root" AR=aarch64-linux-gnu-ar

# Debian packages, in build/deb/.
.PHONY: deb
deb:
	@tools/setup deb
	@tools/deb/build $(VPOOL_BUILD)/deb

# Install the module's source for DKMS, which builds it for the running kernel.
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

.PHONY: demo-cluster
demo-cluster:
	@tools/setup
	@tools/demo/cluster

# TESTS has globs of the tests to run, KERNELS the kernels to test on.
.PHONY: check
check:
	@tools/setup
	@tools/check/all

# Debian's arm64 kernels, in an emulated machine. TESTS and KERNELS as for check.
.PHONY: check-arm64
check-arm64:
	@tools/setup
	@tools/check/all --arm64

# Several hosts: network, batch jobs, migration, services. TESTS as for check.
.PHONY: check-hosts
check-hosts:
	@tools/setup hosts
	@tools/check/all --hosts

.PHONY: check-quick
check-quick:
	@tools/setup
	@tools/check/all --quick

# Write the figures to build/bench and the chart to Documentation/bench.
.PHONY: bench
bench:
	@tools/setup
	@selftests/bench/run

# Tests that take too long for each change.
.PHONY: check-long
check-long:
	@tools/setup long
	@tools/check/long
	+@$(MAKE) check-deb

# Fuzz for VPOOL_FUZZ_SECONDS; the log and the corpus go to build/fuzz.
.PHONY: fuzz
fuzz:
	@tools/setup
	@tools/check/fuzz

# Look for data races on a kernel with KCSAN.
.PHONY: kcsan
kcsan:
	@tools/setup
	@tools/check/kcsan

# Measure which lines of module/ the tests reach.
.PHONY: coverage
coverage:
	@tools/setup coverage
	@tools/check/coverage

# Install the packages in a clean root, boot it and remove them.
.PHONY: check-deb
check-deb: deb
	@$(as_root) tools/deb/boot $(VPOOL_BUILD)/deb

# Times are for an idle machine with 2 CPUs, no KVM and a warm cache; the first run of
# `make check` also fetches and builds kernels.
.PHONY: help
help:
	@echo 'Build and install:'
	@echo '  make                  module for $$KDIR and userspace              1 min'
	@echo '  make module           module only; KUNIT=1 adds the KUnit tests,'
	@echo '                        KCOV=1 or GCOV=1 coverage                   1 min'
	@echo '  make livepatch        livepatch from the file FIX                 1 min'
	@echo '  make userspace        libvpool and vpoolctl                       1 min'
	@echo '  make modules_install  install the module in $$DESTDIR/lib/modules'
	@echo '  make install          install userspace in $$DESTDIR$$prefix, its'
	@echo '                        configuration in /etc'
	@echo '  make dkms             install the module through DKMS; as root    1 min'
	@echo '  make deb              Debian packages, in build/deb               3 min'
	@echo '  make docs             documentation, in build/docs/html and man   1 min'
	@echo '  make clean            remove build/'
	@echo
	@echo 'Try and test, in a test VM:'
	@echo '  make demo             vpool from a bare host to a guest and back  1 min'
	@echo '  make demo-cluster     a service on three hosts that grows         5 min'
	@echo '  make check-quick      static checks, unit tests, KUnit and core'
	@echo '                        kselftests on the debug kernel              6 min'
	@echo '  make check            all tests; TESTS="fork tool_*"'
	@echo '                        KERNELS="debug 6.12 7.3 6.1 6.12-rt"        50 min'
	@echo '  make check-arm64      core kselftests on arm64, under emulation     10 min'
	@echo '  make check-hosts      several hosts; TESTS="hosts_network"          30 min'
	@echo '  make check-long       longer tests; VPOOL_ITERATIONS=1000000     8 hours'
	@echo '  make check-deb        packages in a clean root; as root          15 min'
	@echo '  make fuzz             VPOOL_FUZZ_SECONDS=3600 KERNEL=fuzz         1 hour'
	@echo '  make kcsan            data races; VPOOL_SECONDS=600              40 min'
	@echo '  make coverage         lines of module/ that the tests reach      15 min'
	@echo '  make bench            instructions, beside hugetlbfs and memfd   10 min'
	@echo
	@echo 'Times: idle machine with 2 CPUs, without KVM, after the first run, which'
	@echo 'fetches and builds kernels in half an hour.'
	@echo 'KDIR=$(KDIR)'
