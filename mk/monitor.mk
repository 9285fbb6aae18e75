# SPDX-License-Identifier: Apache-2.0
# Monitor tests that start real containers share the harness of oci's.
unit_extra_monitor := $(O)/obj/tests/unit/oci/ctr.o
unit_monitor_bins := $(patsubst tests/unit/%.c,$(O)/unit/%,$(wildcard \
	tests/unit/monitor/test_*.c))

$(O)/unit/monitor/bryo-init: $(O)/bryo-init
	@mkdir -p $(@D)
	$(Q)cp $< $@

$(unit_monitor_bins): | $(O)/unit/monitor/bryo-init
