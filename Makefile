# SPDX-License-Identifier: Apache-2.0
# bryo: containers without root and without a daemon.  `make help` lists targets.

O ?= build
PREFIX ?= /usr/local
DESTDIR ?=
CC ?= gcc
AR ?= ar
PKG_CONFIG ?= pkg-config
VERSION := $(shell cat VERSION 2>/dev/null || echo 0)
V ?= 0
Q := $(if $(filter 1,$(V)),,@)

# ---- flags ---------------------------------------------------------------
WARN := -Wall -Wextra -Wpedantic -Wshadow -Wvla -Wundef -Wformat=2 \
	-Wwrite-strings -Wstrict-prototypes -Wmissing-prototypes \
	-Wmissing-declarations -Wold-style-definition -Wpointer-arith \
	-Wcast-align -Wimplicit-fallthrough -Wnull-dereference -Wswitch-enum \
	-Wredundant-decls -Wno-format-nonliteral
is_clang := $(shell $(CC) --version 2>/dev/null | grep -c clang)
ifeq ($(is_clang),0)
WARN += -Wlogical-op -Wduplicated-cond -Wduplicated-branches
# zero is a guard for users; tests are to see what it would hide
AUTO_INIT := -ftrivial-auto-var-init=$(if $(SAN),pattern,zero)
else
WARN += -Wno-gnu-statement-expression -Wno-gnu-zero-variadic-macro-arguments
endif
arch := $(shell $(CC) -dumpmachine | cut -d- -f1)

HARDEN := -fstack-protector-strong -fstack-clash-protection \
	$(if $(filter x86_64,$(arch)),-fcf-protection)
LDHARDEN := -Wl,-z,relro,-z,now,-z,noexecstack

ifdef RELEASE
OPT := -O2 -g -D_FORTIFY_SOURCE=3 -DNDEBUG
else
OPT := -O2 -g -DBRYO_TESTING -Werror
ifndef SAN
OPT += -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3
endif
endif
ifdef SAN
OPT += -fsanitize=$(SAN) -fno-sanitize-recover=all -fno-omit-frame-pointer
endif
ifdef COVERAGE
OPT += --coverage
endif

CPPFLAGS += -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -I. -I$(O)/gen \
	-DBRYO_VERSION='"$(VERSION)"' -include util/banned.h
CFLAGS += -std=gnu17 $(OPT) $(WARN) $(HARDEN) -fno-common -fPIE $(AUTO_INIT)
LDFLAGS += $(LDHARDEN) $(if $(SAN),-fsanitize=$(SAN)) $(if $(COVERAGE),--coverage)

# ---- what there is -------------------------------------------------------
srcs = $(sort $(foreach d,$(1),$(wildcard $(d)/*.c)))

AREAS := util storage network oci monitor core cmd
dirs_util := util
dirs_storage := storage storage/image storage/archive storage/driver
dirs_network := network
dirs_oci := libpod/oci
dirs_monitor := libpod/monitor
dirs_core := libpod/core libpod/core/files libpod/core/health libpod/core/log \
	libpod/core/plan libpod/core/secret libpod/core/user libpod/core/volume
dirs_cmd := cmd cmd/config cmd/container cmd/image cmd/manifest cmd/secret cmd/volume \
	cmd/system cmd/registry

# Helper programs live in folders of their own; files of a program that its
# clients need too stay in the area (storage/layer.c, storage/registry/*.c
# but main.c and http parts).
src_util := $(call srcs,$(dirs_util))
src_storage := $(call srcs,$(dirs_storage)) storage/layer/tarhdr.c
src_network := $(call srcs,$(dirs_network))
src_oci := $(call srcs,$(dirs_oci))
src_monitor := $(filter-out libpod/monitor/main.c,$(call srcs,$(dirs_monitor)))
src_core := $(call srcs,$(dirs_core))
src_cmd := $(filter-out cmd/main.c,$(call srcs,$(dirs_cmd)))

src_prog_layer := $(call srcs,storage/layer)
src_prog_registry := $(call srcs,storage/registry) storage/auth.c \
	storage/auth_helper.c storage/daemon_json.c storage/registries_conf.c
src_prog_init := $(call srcs,libpod/oci/init)

obj = $(patsubst %.c,$(O)/obj/%.o,$(1))
lib = $(O)/lib$(1).a

# lower layers that each area's library needs when something links it
libs_util := util
libs_storage := storage util
libs_network := network util
libs_oci := oci util
libs_monitor := monitor network oci util
libs_core := core monitor network oci storage util
libs_cmd := cmd core monitor network oci storage util

pkgs_main := sqlite3 json-c libcap
LIBS_MAIN := $(shell $(PKG_CONFIG) --libs $(pkgs_main) 2>/dev/null) -ldl
LIBS_LAYER := $(shell $(PKG_CONFIG) --libs libarchive libzstd libisal zlib json-c 2>/dev/null) -ldl
LIBS_REGISTRY := $(shell $(PKG_CONFIG) --libs libcurl json-c 2>/dev/null) -ldl

# What every command loads: a release takes it from the archives, if they are
# installed, which spares each start 0.3 ms of dynamic linking.  SHARED=1 is for
# who updates libraries without building bryo again.
ifeq ($(RELEASE)$(SHARED),1)
archives := $(filter /%,$(foreach l,sqlite3 json-c cap,$(shell \
	$(CC) -print-file-name=lib$(l).a)))
endif
ifeq ($(words $(archives)),3)
LIBS_BRYO := $(archives) -Wl,--as-needed \
	$(filter-out -lsqlite3 -ljson-c -lcap,$(shell \
	$(PKG_CONFIG) --static --libs $(pkgs_main))) -lm -ldl
else
LIBS_BRYO := $(LIBS_MAIN)
endif

PROGS := $(O)/bryo $(O)/bryo-monitor $(O)/bryo-init $(O)/bryo-layer $(O)/bryo-registry

all: $(PROGS) ## build everything into build/

# ---- objects and libraries -----------------------------------------------
$(O)/obj/%.o: %.c
	@mkdir -p $(@D)
	@echo "  CC      $<"
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) $(CFLAGS_$(subst /,_,$(basename $<))) -MMD -MP -c -o $@ $<

define area_rules
$(call lib,$(1)): $(call obj,$(src_$(1)))
	@rm -f $$@
	@echo "  AR      $$@"
	$$(Q)$$(AR) rcs $$@ $$^
lib-$(1): $(call lib,$(1))
.PHONY: lib-$(1)
endef
$(foreach a,$(AREAS),$(eval $(call area_rules,$(a))))

# area archives in link order, once more for calls back down
link_libs = $(foreach l,$(libs_$(1)),$(call lib,$(l)))

$(O)/bryo: $(call obj,cmd/main.c) $(call link_libs,cmd)
	@echo "  LINK    $@"
	$(Q)$(CC) -pie $(LDFLAGS) -o $@ $^ $(LIBS_BRYO)

# Small and static: 90 kB of its own per running container.
$(O)/bryo-monitor: $(call obj,libpod/monitor/main.c) $(call link_libs,monitor)
	@echo "  LINK    $@"
	$(Q)$(CC) $(if $(SAN),-pie,-static-pie) $(LDFLAGS) -Wl,--gc-sections -o $@ $^ $(if $(SAN),$(LIBS_MAIN),-lcap)

$(O)/bryo-layer: $(call obj,$(src_prog_layer)) $(call lib,util)
	@echo "  LINK    $@"
	$(Q)$(CC) -pie $(LDFLAGS) -o $@ $^ $(LIBS_LAYER)

$(O)/bryo-registry: $(call obj,$(src_prog_registry)) $(call lib,util)
	@echo "  LINK    $@"
	$(Q)$(CC) -pie $(LDFLAGS) -o $@ $^ $(LIBS_REGISTRY)

include $(wildcard mk/*.mk)

-include $(shell find $(O)/obj -name '*.d' 2>/dev/null)

# ---- tests ---------------------------------------------------------------
unit_srcs := $(wildcard tests/unit/*/test_*.c)
unit_bins := $(patsubst tests/unit/%.c,$(O)/unit/%,$(unit_srcs))
unit_area = $(firstword $(subst /, ,$(1)))

define unit_rule
$(O)/unit/$(1): $(O)/obj/tests/unit/$(1).o $(unit_extra_$(call unit_area,$(1))) $(call link_libs,$(call unit_area,$(1)))
	@mkdir -p $$(@D)
	$$(Q)$$(CC) -pie $$(LDFLAGS) -o $$@ $$^ $$(LIBS_MAIN) $$(unit_libs_$(call unit_area,$(1))) -lcmocka
endef
$(foreach u,$(patsubst tests/unit/%.c,%,$(unit_srcs)),$(eval $(call unit_rule,$(u))))

unit: ## one unit test: make unit T=oci/idmap
	$(Q)$(MAKE) --no-print-directory $(O)/unit/$(dir $(T))test_$(notdir $(T))
	$(O)/unit/$(dir $(T))test_$(notdir $(T))

unit-build: $(unit_bins)

.PHONY: all unit unit-build
.DEFAULT_GOAL := all
