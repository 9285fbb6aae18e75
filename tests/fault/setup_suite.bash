# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
. "$BATS_TEST_DIRNAME/../system/setup_suite.bash"
