# SPDX-License-Identifier: Apache-2.0
# bryo-registry: its test tool, its unit tests, its fuzz targets.

src_registry_lib := $(filter-out storage/registry/main.c,\
	$(filter storage/registry/%,$(src_prog_registry)))

# Beside the helper, where storage/registry_client.c looks for it.
$(O)/regclient: $(call obj,tests/tools/regclient.c) $(call link_libs,storage) $(O)/bryo-registry
	@echo "  LINK    $@"
	$(Q)$(CC) -pie $(LDFLAGS) -o $@ $(filter-out %/bryo-registry,$^) $(LIBS_MAIN)

check-hostile: $(O)/regclient

# Unit tests of storage/ may reach into the program.
$(O)/libregistry.a: $(call obj,$(src_registry_lib))
	@rm -f $@
	@echo "  AR      $@"
	$(Q)$(AR) rcs $@ $^

unit_extra_storage += $(O)/libregistry.a
unit_libs_storage += $(LIBS_REGISTRY)

fuzz_src_registry_headers := storage/registry/headers.c storage/registry/origin.c
