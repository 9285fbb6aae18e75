# SPDX-License-Identifier: Apache-2.0
# The runtime core: bryo-init and the seccomp filter made at build time.

# No C library, no position independence, nothing to relocate: it is copied
# into memory at each start of a container that needs it.
INIT_CFLAGS := -std=gnu17 -Os -ffreestanding -fno-pie -fno-stack-protector \
	-fno-asynchronous-unwind-tables \
	$(if $(filter 0,$(is_clang)),-fno-tree-loop-distribute-patterns) \
	$(filter-out -Wpedantic,$(WARN)) $(if $(RELEASE),,-Werror)

$(O)/bryo-init: $(src_prog_init) libpod/oci/init/sys.h libpod/oci/sync.h
	@mkdir -p $(@D)
	@echo "  LINK    $@"
	$(Q)$(CC) -D_GNU_SOURCE -I. $(INIT_CFLAGS) -nostdlib -static $(if $(filter 0,$(is_clang)),-no-pie) \
		-Wl,--build-id=none,-z,noexecstack,--gc-sections -s \
		-o $@ $(src_prog_init)

# ---- unit tests: a harness that starts containers --------------------------
unit_extra_oci := $(O)/obj/tests/unit/oci/ctr.o
unit_libs_oci := -lseccomp
unit_oci_bins := $(filter $(O)/unit/oci/%,$(unit_bins) $(patsubst \
	tests/unit/%.c,$(O)/unit/%,$(wildcard tests/unit/oci/test_*.c)))

$(O)/unit/oci/bryo-init: $(O)/bryo-init
	@mkdir -p $(@D)
	$(Q)cp $< $@

$(unit_oci_bins): | $(O)/unit/oci/bryo-init

# ---- the default seccomp filter, made from seccomp/rules.inc ----------------
# libseccomp is needed at build time only: it knows the system call numbers.
SECCOMP_HEADER := $(O)/gen/seccomp_filter.h

$(O)/seccomp-gen: libpod/oci/seccomp/gen.c libpod/oci/seccomp/table.h \
		libpod/oci/seccomp/rules.inc
	@mkdir -p $(@D)
	@echo "  LINK    $@"
	$(Q)$(CC) -D_GNU_SOURCE -I. -std=gnu17 -O1 $(WARN) -o $@ $< \
		$(shell $(PKG_CONFIG) --libs libseccomp)

$(SECCOMP_HEADER): $(O)/seccomp-gen
	@mkdir -p $(@D)
	@echo "  GEN     $@"
	$(Q)$< > $@.new && mv $@.new $@

$(O)/obj/libpod/oci/seccomp.o $(O)/obj/tests/unit/oci/test_seccomp.o: \
	$(SECCOMP_HEADER)

# What the escape tests run inside containers; static, for any image.
$(O)/probe: $(call obj,tests/tools/probe.c)
	@echo "  LINK    $@"
	$(Q)$(CC) -static-pie $(LDFLAGS) -o $@ $<

check-hostile: $(O)/probe

# What is written per machine, tried on the one that we do not have.
ifeq ($(shell uname -m),x86_64)
lint: lint-aarch64

lint-aarch64: $(SECCOMP_HEADER) # code per machine compiles, bryo-init runs
	$(Q)tests/lint/aarch64.py aarch64-linux-gnu-gcc qemu-aarch64-static $(O)
endif
