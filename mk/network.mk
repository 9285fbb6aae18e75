# SPDX-License-Identifier: Apache-2.0
# The made-up network that network tests share.
unit_extra_network := $(call obj,tests/unit/network/rig.c)
unit_libs_network := $(call link_libs,network)

# What system tests run inside containers.
$(O)/nettool: $(call obj,tests/tools/nettool.c)
	@echo "  LINK    $@"
	$(Q)$(CC) $(if $(SAN),-pie,-static-pie) $(LDFLAGS) -o $@ $^

check-system check-root: $(O)/nettool
