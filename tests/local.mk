# Tests: cmocka programs that mirror src/, and numbered shell tests that drive the installed programs.

TEST_EXTENSIONS = .sh
TAP_DRIVER = env AM_TAP_AWK='$(AWK)' $(SHELL) $(top_srcdir)/build-aux/tap-driver.sh
LOG_DRIVER = $(TAP_DRIVER)
SH_LOG_DRIVER = $(TAP_DRIVER)
SH_LOG_COMPILER = bash
AM_TESTS_ENVIRONMENT = \
	CMOCKA_MESSAGE_OUTPUT=TAP; export CMOCKA_MESSAGE_OUTPUT; \
	HK_STAGE='$(abs_builddir)/tests/stage'; export HK_STAGE; \
	HK_BINDIR='$(abs_builddir)/tests/stage$(bindir)'; export HK_BINDIR; \
	HK_LIBEXECDIR='$(abs_builddir)/tests/stage$(pkglibexecdir)'; export HK_LIBEXECDIR; \
	HK_HELPER_DIR='$(abs_builddir)/tests/helper'; export HK_HELPER_DIR; \
	HK_TOP_SRCDIR='$(abs_top_srcdir)'; export HK_TOP_SRCDIR; \
	HK_TAP_HARNESS=1; export HK_TAP_HARNESS; \
	HK_TOP_BUILDDIR='$(abs_top_builddir)'; export HK_TOP_BUILDDIR;

# The programs as they are installed, below a folder of the build.
check_DATA = tests/stage.stamp
tests/stage.stamp: $(bin_PROGRAMS) $(pkglibexec_PROGRAMS) $(dist_hktemplates_DATA) $(nodist_hktemplates_DATA)
	$(AM_V_GEN)$(MKDIR_P) tests && $(MAKE) $(AM_MAKEFLAGS) install-exec \
		install-dist_hktemplatesDATA install-nodist_hktemplatesDATA \
		DESTDIR='$(abs_builddir)/tests/stage' >/dev/null && touch $@
CLEANFILES += tests/stage.stamp
clean-local:
	rm -rf tests/stage tests/fuzz/found tests/fuzz/failed
	rm -f tests/fuzz/fuzz-*.log tests/fuzz/fuzz-*.status

if HAVE_CMOCKA
unit_tests = \
	tests/unit/test-buf \
	tests/unit/test-checkpoints \
	tests/unit/test-conf \
	tests/unit/test-conf-show \
	tests/unit/test-database-url \
	tests/unit/test-dotenv \
	tests/unit/test-entry-name \
	tests/unit/test-error \
	tests/unit/test-export \
	tests/unit/test-export-refuse \
	tests/unit/test-hmac \
	tests/unit/test-http \
	tests/unit/test-human \
	tests/unit/test-json \
	tests/unit/test-key-reader \
	tests/unit/test-ledger \
	tests/unit/test-ledger-limits \
	tests/unit/test-ledger-rows \
	tests/unit/test-lines \
	tests/unit/test-lock \
	tests/unit/test-nearest \
	tests/unit/test-process \
	tests/unit/test-process-detach \
	tests/unit/test-procid \
	tests/unit/test-relpath \
	tests/unit/test-repo \
	tests/unit/test-sandbox \
	tests/unit/test-service \
	tests/unit/test-shell \
	tests/unit/test-startfile \
	tests/unit/test-sqlite-file \
	tests/unit/test-submodule-url \
	tests/unit/test-systemd-unit \
	tests/unit/test-template \
	tests/unit/test-url \
	tests/unit/test-user \
	tests/unit/test-vault-texts \
	tests/unit/test-words
endif
check_PROGRAMS += $(unit_tests) \
	tests/helper/export \
	tests/helper/flaky-http \
	tests/helper/stubborn
# What programs link that do not say otherwise: the unit tests.
LDADD = $(HK_ALL_LIBS) $(CMOCKA_LIBS)

# Subjects of tests, without sanitizers, which would handle signals and exits in their own way.
tests_helper_flaky_http_CFLAGS = $(HK_CFLAGS)
tests_helper_flaky_http_LDFLAGS = -Wl,--as-needed
tests_helper_flaky_http_LDADD =
tests_helper_stubborn_CFLAGS = $(HK_CFLAGS)
tests_helper_stubborn_LDFLAGS = -Wl,--as-needed
tests_helper_stubborn_LDADD =

# Those that take longest come first, so that the others run beside them.
shell_tests = \
	tests/t/9012-failing-calls.sh \
	tests/t/9014-killed-at-calls.sh \
	tests/t/9002-failpoints.sh \
	tests/t/3112-client-kills.sh \
	tests/t/6054-vps-state.sh \
	tests/t/6061-postgresql.sh \
	tests/t/3113-crowd.sh \
	tests/t/4036-rollback-full.sh \
	tests/t/4037-database-changed.sh \
	tests/t/4031-checkpoints-sqlite.sh \
	tests/t/2102-nextjs.sh \
	tests/t/9013-power-cuts.sh \
	tests/t/4032-checkpoints-postgresql.sh \
	tests/t/6003-project-purge.sh \
	tests/t/6002-project-undo.sh \
	tests/t/3041-git-repo.sh \
	tests/t/9005-recovery.sh \
	tests/t/6011-systemd-driver.sh \
	tests/t/4034-checkpoints-killed.sh \
	tests/t/3102-client-dies.sh \
	tests/t/2103-python.sh \
	tests/t/6005-doctor-root.sh \
	tests/t/6051-vps.sh \
	tests/t/5002-shell.sh \
	tests/t/6053-service-settings.sh \
	tests/t/0001-lib-selftest.sh \
	tests/t/0002-lib-sshd.sh \
	tests/t/0003-lib-machine.sh \
	tests/t/0010-layers.sh \
	tests/t/0020-cli.sh \
	tests/t/0030-demo.sh \
	tests/t/1001-project-create.sh \
	tests/t/1002-config.sh \
	tests/t/1004-config-set.sh \
	tests/t/1011-project-create-killed.sh \
	tests/t/1012-project-remove.sh \
	tests/t/2001-checkout.sh \
	tests/t/2002-install-build.sh \
	tests/t/2003-environment.sh \
	tests/t/2004-service.sh \
	tests/t/2005-command-driver.sh \
	tests/t/2006-retention.sh \
	tests/t/2011-checkout-hostile.sh \
	tests/t/2012-npm.sh \
	tests/t/2014-service-health.sh \
	tests/t/2024-service-rollback.sh \
	tests/t/2031-descriptors.sh \
	tests/t/2032-env.sh \
	tests/t/2033-service-logs.sh \
	tests/t/2035-ratelimit.sh \
	tests/t/2036-pushed-ini.sh \
	tests/t/2041-source.sh \
	tests/t/2051-notify.sh \
	tests/t/2052-doctor.sh \
	tests/t/2061-shared.sh \
	tests/t/2062-hooks.sh \
	tests/t/2071-submodules.sh \
	tests/t/2072-lfs.sh \
	tests/t/2073-subdirectory.sh \
	tests/t/2081-scenarios.sh \
	tests/t/2091-confinement.sh \
	tests/t/2101-node.sh \
	tests/t/2104-static.sh \
	tests/t/2105-many-files.sh \
	tests/t/3001-push-refs.sh \
	tests/t/3002-push-output.sh \
	tests/t/3011-deploy-command.sh \
	tests/t/3021-push-again.sh \
	tests/t/3101-ssh.sh \
	tests/t/3103-two-pushes.sh \
	tests/t/3104-hook-by-hand.sh \
	tests/t/3105-concurrency.sh \
	tests/t/3106-rollback.sh \
	tests/t/3107-pause.sh \
	tests/t/3114-odd-pushes.sh \
	tests/t/3121-pre-receive.sh \
	tests/t/3122-strict.sh \
	tests/t/4001-deployments.sh \
	tests/t/4002-logs.sh \
	tests/t/4021-secrets.sh \
	tests/t/4033-snapshots.sh \
	tests/t/4035-checkpoints-command.sh \
	tests/t/5001-keys.sh \
	tests/t/5003-who-pushed.sh \
	tests/t/6001-project-root.sh \
	tests/t/6004-root-becomes.sh \
	tests/t/6012-unit.sh \
	tests/t/6013-systemd-recovery.sh \
	tests/t/6014-unit-outside.sh \
	tests/t/6021-keys.sh \
	tests/t/6031-build-scopes.sh \
	tests/t/6041-apps-systemd.sh \
	tests/t/6052-sites.sh \
	tests/t/6055-postinstall.sh \
	tests/t/9001-worker-killed.sh \
	tests/t/9003-disk-full.sh \
	tests/t/9004-repository-damaged.sh \
	tests/t/9006-resources.sh \
	tests/t/9011-valgrind.sh

TESTS += $(unit_tests) $(shell_tests)
EXTRA_DIST += $(shell_tests) \
	tests/unit/conf-fixture.h \
	tests/unit/export-fixture.h \
	tests/unit/ledger-fixture.h \
	tests/unit/process-fixture.h \
	tests/unit/repo-fixture.h \
	tests/t/apps.sh \
	tests/t/deploying.sh \
	tests/t/faults.sh \
	tests/t/lib.sh \
	tests/t/machine-init.sh \
	tests/t/machine.sh \
	tests/t/units.sh \
	tests/t/postgresql.sh \
	tests/t/vps.sh \
	tests/t/.shellcheckrc \
	tests/demo.sh \
	tests/check.sh \
	tests/bench/export-vs-git.sh \
	tests/bench/push-old-vs-new.sh
