# SPDX-License-Identifier: Apache-2.0
# Tests, lint, demo and benchmarks.  Included by the top level Makefile.

AS_USER := tests/setup/as-user.sh
TALLY := $(abspath $(O))/tally

# ---- the two commands of the README --------------------------------------
deps: ## install what build, demo and tests need (apt)
	$(Q)tests/setup/deps.sh

demo: deps ## build and show the main job on real input
	$(Q)$(AS_USER) $(MAKE) --no-print-directory all
	$(Q)$(AS_USER) tests/demo/demo.sh

check: deps ## install what tests need, build, run all tests
	$(Q)$(AS_USER) $(MAKE) --no-print-directory check-user
	$(Q)$(MAKE) --no-print-directory check-root

# ---- tiers ----------------------------------------------------------------
USER_TIERS := lint check-unit check-fuzz check-system check-hostile check-fault check-vm

# Every tier runs even when an earlier one failed; the last line counts all.
check-user: all ## all that runs without root
	$(Q)rm -rf $(TALLY)
	$(Q)tests/setup/tiers.sh $(TALLY) $(USER_TIERS)

check-unit: ## cmocka, with ASan and UBSan
	$(Q)$(MAKE) --no-print-directory O=$(O)/san SAN=address,undefined unit-build
	$(Q)tests/setup/unit.sh $(TALLY)/unit $(patsubst $(O)/%,$(O)/san/%,$(unit_bins))

check-fuzz: ## replay the corpora under ASan and UBSan
	$(Q)$(MAKE) --no-print-directory O=$(O)/san SAN=address,undefined fuzz-replay-build
	$(Q)tests/setup/fuzz.sh $(TALLY)/fuzz $(O)/san/fuzz

check-system: all ## bats, as an unprivileged user, real registry and images
	$(Q)tests/setup/bats.sh $(TALLY)/system $(abspath $(O)) $(or $(F),tests/system)

check-hostile: all ## hostile tars, archives and registries
	$(Q)tests/setup/bats.sh $(TALLY)/hostile $(abspath $(O)) $(or $(F),tests/hostile)

# No library: they look at the engine from outside.
$(O)/inject: $(call obj,tests/tools/inject.c tests/tools/tracer.c)
$(O)/fsrec: $(call obj,tests/tools/fsrec.c tests/tools/tracer.c)
$(O)/inject $(O)/fsrec:
	@echo "  LINK    $@"
	$(Q)$(CC) -pie $(LDFLAGS) -o $@ $^

check-fault: export BATS_TEST_TIMEOUT = 1200
check-fault: all $(O)/inject $(O)/fsrec ## kill -9 at each fault point, failing system calls
	$(Q)tests/setup/bats.sh $(TALLY)/fault $(abspath $(O)) $(or $(F),tests/fault)

check-vm: all ## scenarios in a Debian VM: systemd, cgroup v2, reboots
	$(Q)tests/vm/run.sh $(TALLY)/vm $(abspath $(O)) $(F)

# Root tests what the unprivileged user built.
check-root: ## what needs root: root's own containers, outer network namespaces
	$(Q)tests/setup/as-root.sh $(TALLY)/root $(abspath $(O)) $(or $(F),tests/root)

bench: deps ## side by side with podman, crun, bubblewrap, skopeo and umoci
	$(Q)tests/bench/setup.sh
	$(Q)$(AS_USER) $(MAKE) --no-print-directory RELEASE=1 O=build-release all build-release/bench-floor
	$(Q)tests/bench/run.sh

# ---- fuzz targets ---------------------------------------------------------
fuzz_srcs := $(wildcard tests/fuzz/fuzz_*.c)
fuzz_names := $(patsubst tests/fuzz/fuzz_%.c,%,$(fuzz_srcs))
fuzz_replays := $(patsubst %,$(O)/fuzz/%,$(fuzz_names))
FUZZ_LIBS := $(LIBS_MAIN) $(shell $(PKG_CONFIG) --libs libarchive libzstd libisal zlib libcurl 2>/dev/null)

define fuzz_rule
$(O)/fuzz/$(1): $(O)/obj/tests/fuzz/fuzz_$(1).o $(FUZZ_MAIN) $(call fuzz_extra,$(1)) $(call link_libs,cmd)
	@mkdir -p $$(@D)
	@echo "  LINK    $$@"
	$$(Q)$$(CC) -pie $$(LDFLAGS) -o $$@ $$^ $$(FUZZ_LIBS)
endef
ifdef FUZZ
FUZZ_MAIN :=
else
FUZZ_MAIN := $(O)/obj/tests/fuzz/replay.o
endif
# objects of a program that a target reaches into
fuzz_extra = $(foreach s,$(fuzz_src_$(1)),$(O)/obj/$(s:.c=.o))
$(foreach n,$(fuzz_names),$(eval $(call fuzz_rule,$(n))))

fuzz-replay-build: $(fuzz_replays)

fuzz: ## libFuzzer binaries into build/libfuzzer (clang)
	$(Q)$(MAKE) --no-print-directory CC=clang-14 O=$(O)/libfuzzer FUZZ=1 \
		SAN=fuzzer,address,undefined fuzz-replay-build

# ---- lint -----------------------------------------------------------------
lint: lint-layers lint-style lint-headers lint-unused lint-scripts lint-docs lint-words lint-behaviours ## static checks

lint-layers: # includes point downward only
	$(Q)tests/lint/layers.py

lint-style: # columns, blanks, notes, heads of files, paths that docs name
	$(Q)tests/lint/style.py

lint-headers: # every header compiles alone
	$(Q)CC="$(CC)" tests/lint/headers.sh $(CPPFLAGS) $(WARN)

lint-unused: all # functions and declarations that nobody needs
	$(Q)tests/lint/unused.py $(O)/obj

lint-scripts:
	$(Q)shellcheck -S warning $$(git ls-files '*.sh' '*.bats' '*.bash' .ci/run 2>/dev/null || find tests -name '*.sh')

lint-docs: all # manual pages and completions know every command and flag
	$(Q)tests/lint/docs.sh $(O)/bryo

lint-behaviours: # each line that scripts rely on has its test
	$(Q)tests/lint/behaviours.py

lint-words:
	$(Q)codespell -q 3 -L "$$(cat tests/lint/words.txt)" cmd libpod storage network util tests docs README.md HACKING.md

lint-clang: ## clang build with its warnings, and cppcheck
	$(Q)$(MAKE) --no-print-directory CC=clang-14 O=$(O)/clang all
	$(Q)cppcheck -q --error-exitcode=1 --std=c11 --inline-suppr --enable=warning,portability \
		--suppressions-list=tests/lint/cppcheck.txt -D_GNU_SOURCE -I. cmd libpod storage network util

format: ## clang-format 14 over the C files
	$(Q)clang-format-14 -i $$(git ls-files '*.c' '*.h')

# ---- install --------------------------------------------------------------
install: all ## into DESTDIR/PREFIX; ALIASES=1 adds podman and docker links
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/libexec/bryo
	install -m 0755 $(O)/bryo $(DESTDIR)$(PREFIX)/bin/bryo
	install -m 0755 $(O)/bryo-monitor $(O)/bryo-init $(O)/bryo-layer \
		$(O)/bryo-registry $(DESTDIR)$(PREFIX)/libexec/bryo/
	install -d $(DESTDIR)$(PREFIX)/share/bash-completion/completions \
		$(DESTDIR)$(PREFIX)/share/zsh/site-functions \
		$(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d
	install -m 0644 completions/bryo.bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/bryo
	install -m 0644 completions/_bryo $(DESTDIR)$(PREFIX)/share/zsh/site-functions/_bryo
	install -m 0644 completions/bryo.fish $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/bryo.fish
	install -d $(DESTDIR)$(PREFIX)/share/man/man1
	set -e; for p in docs/man/*.1.scd; do \
		scdoc <$$p >$(DESTDIR)$(PREFIX)/share/man/man1/$$(basename $$p .scd); done
	install -d $(DESTDIR)$(PREFIX)/share/man/man5
	scdoc <docs/man/bryo-config.5.scd >$(DESTDIR)$(PREFIX)/share/man/man5/bryo-config.5
	$(if $(ALIASES),ln -sf bryo $(DESTDIR)$(PREFIX)/bin/podman; ln -sf bryo $(DESTDIR)$(PREFIX)/bin/docker)

man: ## manual pages into build/man
	@mkdir -p $(O)/man
	$(Q)set -e; for p in docs/man/*.scd; do scdoc <$$p >$(O)/man/$$(basename $$p .scd); done

clean: ## remove build/
	rm -rf $(O)

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1\t\2/p' Makefile mk/*.mk | sort | expand -t 20

.PHONY: deps demo check check-user check-unit check-fuzz check-system \
	check-hostile check-fault check-vm check-root bench fuzz fuzz-replay-build lint \
	lint-layers lint-style lint-headers lint-unused lint-scripts lint-docs lint-words lint-clang \
	format install man clean help
