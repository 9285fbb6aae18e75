# SPDX-License-Identifier: Apache-2.0
# The database in a directory of its own that tests share.
unit_extra_util := $(call obj,tests/unit/util/scratch_db.c)
