# SPDX-License-Identifier: Apache-2.0
# The made-up network that network tests share.
unit_extra_network := $(call obj,tests/unit/network/rig.c)
unit_libs_network := $(call link_libs,network)
