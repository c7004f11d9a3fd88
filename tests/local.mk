# Tests: cmocka programs that mirror src/, and numbered shell tests that drive the installed programs.

TEST_EXTENSIONS = .sh
TAP_DRIVER = env AM_TAP_AWK='$(AWK)' $(SHELL) $(top_srcdir)/build-aux/tap-driver.sh
LOG_DRIVER = $(TAP_DRIVER)
SH_LOG_DRIVER = $(TAP_DRIVER)
SH_LOG_COMPILER = $(SHELL)
AM_TESTS_ENVIRONMENT = \
	CMOCKA_MESSAGE_OUTPUT=TAP; export CMOCKA_MESSAGE_OUTPUT; \
	HK_BINDIR='$(abs_builddir)/tests/stage$(bindir)'; export HK_BINDIR; \
	HK_LIBEXECDIR='$(abs_builddir)/tests/stage$(pkglibexecdir)'; export HK_LIBEXECDIR; \
	HK_HELPER_DIR='$(abs_builddir)/tests/helper'; export HK_HELPER_DIR; \
	HK_TOP_SRCDIR='$(abs_top_srcdir)'; export HK_TOP_SRCDIR; \
	HK_TOP_BUILDDIR='$(abs_top_builddir)'; export HK_TOP_BUILDDIR;

# The programs as they are installed, below a folder of the build.
check_DATA = tests/stage.stamp
tests/stage.stamp: $(bin_PROGRAMS) $(pkglibexec_PROGRAMS)
	$(AM_V_GEN)$(MKDIR_P) tests && $(MAKE) $(AM_MAKEFLAGS) install-exec \
		DESTDIR='$(abs_builddir)/tests/stage' >/dev/null && touch $@
CLEANFILES += tests/stage.stamp
clean-local:
	rm -rf tests/stage

if HAVE_CMOCKA
unit_tests = \
	tests/unit/test-buf \
	tests/unit/test-conf \
	tests/unit/test-dotenv \
	tests/unit/test-error \
	tests/unit/test-http \
	tests/unit/test-human \
	tests/unit/test-json \
	tests/unit/test-ledger \
	tests/unit/test-ledger-rows \
	tests/unit/test-lines \
	tests/unit/test-lock \
	tests/unit/test-process \
	tests/unit/test-procid \
	tests/unit/test-words
endif
check_PROGRAMS += $(unit_tests) \
	tests/helper/export \
	tests/helper/flaky-http \
	tests/helper/stubborn
HK_TEST_LIBS = $(HK_ALL_LIBS) $(CMOCKA_LIBS)

tests_unit_test_buf_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_buf_LDADD = $(HK_TEST_LIBS)
tests_unit_test_conf_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_conf_LDADD = $(HK_TEST_LIBS)
tests_unit_test_dotenv_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_dotenv_LDADD = $(HK_TEST_LIBS)
tests_unit_test_error_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_error_LDADD = $(HK_TEST_LIBS)
tests_unit_test_http_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_http_LDADD = $(HK_TEST_LIBS)
tests_unit_test_human_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_human_LDADD = $(HK_TEST_LIBS)
tests_unit_test_json_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_json_LDADD = $(HK_TEST_LIBS)
tests_unit_test_ledger_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_ledger_LDADD = $(HK_TEST_LIBS)
tests_unit_test_ledger_rows_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_ledger_rows_LDADD = $(HK_TEST_LIBS)
tests_unit_test_lines_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_lines_LDADD = $(HK_TEST_LIBS)
tests_unit_test_lock_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_lock_LDADD = $(HK_TEST_LIBS)
tests_unit_test_process_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_process_LDADD = $(HK_TEST_LIBS)
tests_unit_test_procid_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_procid_LDADD = $(HK_TEST_LIBS)
tests_unit_test_words_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_words_LDADD = $(HK_TEST_LIBS)

tests_helper_export_LDADD = $(HK_ALL_LIBS)
tests_helper_flaky_http_LDADD = $(HK_ALL_LIBS)
tests_helper_stubborn_LDADD = $(HK_ALL_LIBS)

shell_tests =

TESTS += $(unit_tests) $(shell_tests)
EXTRA_DIST += $(shell_tests) \
	tests/unit/ledger-fixture.h \
	tests/unit/process-fixture.h

if HAVE_CMOCKA
unit_tests = \
	tests/unit/test-buf \
	tests/unit/test-conf \
	tests/unit/test-dotenv \
	tests/unit/test-error \
	tests/unit/test-http \
	tests/unit/test-human \
	tests/unit/test-json \
	tests/unit/test-ledger \
	tests/unit/test-ledger-rows \
	tests/unit/test-lines \
	tests/unit/test-lock \
	tests/unit/test-process \
	tests/unit/test-procid \
	tests/unit/test-words
endif
check_PROGRAMS += $(unit_tests) \
	tests/helper/export \
	tests/helper/flaky-http \
	tests/helper/stubborn
HK_TEST_LIBS = $(HK_ALL_LIBS) $(CMOCKA_LIBS)

tests_unit_test_buf_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_buf_LDADD = $(HK_TEST_LIBS)
tests_unit_test_conf_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_conf_LDADD = $(HK_TEST_LIBS)
tests_unit_test_dotenv_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_dotenv_LDADD = $(HK_TEST_LIBS)
tests_unit_test_error_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_error_LDADD = $(HK_TEST_LIBS)
tests_unit_test_http_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_http_LDADD = $(HK_TEST_LIBS)
tests_unit_test_human_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_human_LDADD = $(HK_TEST_LIBS)
tests_unit_test_json_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_json_LDADD = $(HK_TEST_LIBS)
tests_unit_test_ledger_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_ledger_LDADD = $(HK_TEST_LIBS)
tests_unit_test_ledger_rows_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_ledger_rows_LDADD = $(HK_TEST_LIBS)
tests_unit_test_lines_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_lines_LDADD = $(HK_TEST_LIBS)
tests_unit_test_lock_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_lock_LDADD = $(HK_TEST_LIBS)
tests_unit_test_process_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_process_LDADD = $(HK_TEST_LIBS)
tests_unit_test_procid_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_procid_LDADD = $(HK_TEST_LIBS)
tests_unit_test_words_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_words_LDADD = $(HK_TEST_LIBS)

tests_helper_export_LDADD = $(HK_ALL_LIBS)
tests_helper_flaky_http_LDADD = $(HK_ALL_LIBS)
tests_helper_stubborn_LDADD = $(HK_ALL_LIBS)

shell_tests =

TESTS += $(unit_tests) $(shell_tests)
EXTRA_DIST += $(shell_tests) \
	tests/unit/ledger-fixture.h \
	tests/unit/process-fixture.h \
	tests/demo.sh \
	tests/check.sh

if HAVE_CMOCKA
unit_tests = \
	tests/unit/test-buf \
	tests/unit/test-conf \
	tests/unit/test-conf-show \
	tests/unit/test-dotenv \
	tests/unit/test-error \
	tests/unit/test-http \
	tests/unit/test-human \
	tests/unit/test-json \
	tests/unit/test-ledger \
	tests/unit/test-ledger-rows \
	tests/unit/test-lines \
	tests/unit/test-lock \
	tests/unit/test-process \
	tests/unit/test-procid \
	tests/unit/test-service \
	tests/unit/test-words
endif
check_PROGRAMS += $(unit_tests) \
	tests/helper/export \
	tests/helper/flaky-http \
	tests/helper/stubborn
HK_TEST_LIBS = $(HK_ALL_LIBS) $(CMOCKA_LIBS)

tests_unit_test_buf_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_buf_LDADD = $(HK_TEST_LIBS)
tests_unit_test_conf_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_conf_LDADD = $(HK_TEST_LIBS)
tests_unit_test_conf_show_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_conf_show_LDADD = $(HK_TEST_LIBS)
tests_unit_test_dotenv_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_dotenv_LDADD = $(HK_TEST_LIBS)
tests_unit_test_error_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_error_LDADD = $(HK_TEST_LIBS)
tests_unit_test_http_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_http_LDADD = $(HK_TEST_LIBS)
tests_unit_test_human_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_human_LDADD = $(HK_TEST_LIBS)
tests_unit_test_json_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_json_LDADD = $(HK_TEST_LIBS)
tests_unit_test_ledger_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_ledger_LDADD = $(HK_TEST_LIBS)
tests_unit_test_ledger_rows_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_ledger_rows_LDADD = $(HK_TEST_LIBS)
tests_unit_test_lines_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_lines_LDADD = $(HK_TEST_LIBS)
tests_unit_test_lock_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_lock_LDADD = $(HK_TEST_LIBS)
tests_unit_test_process_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_process_LDADD = $(HK_TEST_LIBS)
tests_unit_test_procid_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_procid_LDADD = $(HK_TEST_LIBS)
tests_unit_test_service_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_service_LDADD = $(HK_TEST_LIBS)
tests_unit_test_words_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_words_LDADD = $(HK_TEST_LIBS)

tests_helper_export_LDADD = $(HK_ALL_LIBS)
tests_helper_flaky_http_LDADD = $(HK_ALL_LIBS)
tests_helper_stubborn_LDADD = $(HK_ALL_LIBS)

shell_tests =

TESTS += $(unit_tests) $(shell_tests)
EXTRA_DIST += $(shell_tests) \
	tests/unit/conf-fixture.h \
	tests/unit/ledger-fixture.h \
	tests/unit/process-fixture.h \
	tests/t/lib.sh \
	tests/demo.sh \
	tests/check.sh \
	tests/bench/export-vs-git.sh
