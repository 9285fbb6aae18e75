# SPDX-License-Identifier: Apache-2.0
# The completion scripts are committed; lint-docs tells when they are stale.

completions: $(O)/bryo ## regenerate completions/
	$(Q)$(O)/bryo completion bash >completions/bryo.bash
	$(Q)$(O)/bryo completion zsh >completions/_bryo
	$(Q)$(O)/bryo completion fish >completions/bryo.fish

.PHONY: completions
