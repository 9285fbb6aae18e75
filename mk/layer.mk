# SPDX-License-Identifier: Apache-2.0
# bryo-layer: its test tool, its fuzz target, its unit test.

src_layer_lib := $(filter-out storage/layer/main.c,$(src_prog_layer))

# Beside the helper, where storage/layer.c looks for it.
$(O)/layer-tool: $(call obj,tests/hostile/layer-tool.c) $(call link_libs,storage) $(O)/bryo-layer
	@echo "  LINK    $@"
	$(Q)$(CC) -pie $(LDFLAGS) -o $@ $(filter-out %/bryo-layer,$^) $(LIBS_MAIN)

check-hostile: $(O)/layer-tool

fuzz_src_layer := $(src_layer_lib)
