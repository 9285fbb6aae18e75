# SPDX-License-Identifier: Apache-2.0
# Monitor tests that start real containers share the harness of oci's; others
# have a rig of their own.
unit_extra_monitor := $(O)/obj/tests/unit/oci/ctr.o \
	$(call obj,tests/unit/monitor/rig.c)
unit_monitor_bins := $(patsubst tests/unit/%.c,$(O)/unit/%,$(wildcard \
	tests/unit/monitor/test_*.c))

$(O)/unit/monitor/bryo-init: $(O)/bryo-init
	@mkdir -p $(@D)
	$(Q)cp $< $@

$(unit_monitor_bins): | $(O)/unit/monitor/bryo-init
