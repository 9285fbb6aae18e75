# SPDX-License-Identifier: Apache-2.0
# bryo-layer: its test tool, its fuzz target, its unit test.

src_layer_lib := $(filter-out storage/layer/main.c,$(src_prog_layer))

# Beside the helper, where storage/layer.c looks for it.
$(O)/layer-tool: $(call obj,tests/hostile/layer-tool.c) $(call link_libs,storage) $(O)/bryo-layer
	@echo "  LINK    $@"
	$(Q)$(CC) -pie $(LDFLAGS) -o $@ $(filter-out %/bryo-layer,$^) $(LIBS_MAIN)

check-hostile: $(O)/layer-tool

fuzz_src_layer := $(src_layer_lib)

# Unit tests that look into the program link its objects.
layer_unit := $(O)/unit/storage/test_layer_parts $(O)/unit/storage/test_layer_sandbox
# (what the area library has too comes from there)
$(layer_unit): $(call obj,$(filter-out $(src_storage),$(src_layer_lib)))
# behind the objects once more, as they come last
$(layer_unit): unit_libs_storage = $(call lib,storage) $(call lib,util) $(LIBS_LAYER)
