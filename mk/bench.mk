# SPDX-License-Identifier: Apache-2.0
# The floor under a container start; see tests/bench/floor.c.

$(O)/bench-floor: $(O)/obj/tests/bench/floor.o $(call link_libs,oci)
	@echo "  LINK    $@"
	$(Q)$(CC) -static-pie $(LDFLAGS) -Wl,--gc-sections -o $@ $^ -lcap
