# SPDX-License-Identifier: Apache-2.0
# The store's test tool; its unit tests find bryo-layer beside them.

$(O)/storetool: $(call obj,tests/tools/storetool.c) $(call link_libs,storage) $(O)/bryo-layer $(O)/bryo-registry
	@echo "  LINK    $@"
	$(Q)$(CC) -pie $(LDFLAGS) -o $@ $(filter-out %/bryo-layer %/bryo-registry,$^) $(LIBS_MAIN)

check-hostile check-fault: $(O)/storetool
