# Fuzzers: built by `make fuzz` only, always with clang, from the library's sources.

fuzz_programs = \
	tests/fuzz/fuzz-dotenv \
	tests/fuzz/fuzz-entry-name \
	tests/fuzz/fuzz-ini \
	tests/fuzz/fuzz-json \
	tests/fuzz/fuzz-lines \
	tests/fuzz/fuzz-pktline \
	tests/fuzz/fuzz-push-options \
	tests/fuzz/fuzz-shell \
	tests/fuzz/fuzz-update \
	tests/fuzz/fuzz-words
EXTRA_PROGRAMS = $(fuzz_programs)
EXTRA_LIBRARIES = tests/fuzz/libhostkit.a
CLEANFILES += $(fuzz_programs) $(EXTRA_LIBRARIES)

# Flags of its own, though the same ones: so its objects have names of their own.
tests_fuzz_libhostkit_a_CPPFLAGS = $(src_libhostkit_a_CPPFLAGS)
tests_fuzz_libhostkit_a_SOURCES = $(src_libhostkit_a_SOURCES) tests/fuzz/fuzz.h

fuzz_libs = tests/fuzz/libhostkit.a $(SQLITE_LIBS) $(INIH_LIBS) $(JANSSON_LIBS)
tests_fuzz_fuzz_dotenv_LDADD = $(fuzz_libs)
tests_fuzz_fuzz_entry_name_LDADD = $(fuzz_libs)
tests_fuzz_fuzz_ini_LDADD = $(fuzz_libs)
tests_fuzz_fuzz_json_LDADD = $(fuzz_libs)
tests_fuzz_fuzz_lines_LDADD = $(fuzz_libs)
tests_fuzz_fuzz_pktline_LDADD = $(fuzz_libs)
tests_fuzz_fuzz_push_options_LDADD = $(fuzz_libs)
tests_fuzz_fuzz_shell_LDADD = $(fuzz_libs)
tests_fuzz_fuzz_update_LDADD = $(fuzz_libs)
tests_fuzz_fuzz_words_LDADD = $(fuzz_libs)

FUZZ_CC = clang
FUZZ_SANITIZE = -fsanitize=address,undefined,fuzzer-no-link -fno-sanitize-recover=undefined \
	-fno-omit-frame-pointer
FUZZ_SECONDS = 20
FUZZ = $(fuzz_programs:tests/fuzz/fuzz-%=%)

.PHONY: fuzz fuzz-programs
fuzz-programs: $(fuzz_programs)
fuzz:
	@if reason=`sh $(srcdir)/tests/fuzz.sh probe '$(FUZZ_CC)'`; then \
		$(MAKE) $(AM_MAKEFLAGS) CC='$(FUZZ_CC)' CFLAGS='-g -O1' LDFLAGS=-fsanitize=fuzzer \
			HK_SANITIZE='$(FUZZ_SANITIZE)' fuzz-programs && \
		sh $(srcdir)/tests/fuzz.sh run $(srcdir)/tests/fuzz tests/fuzz $(FUZZ_SECONDS) $(FUZZ); \
	else \
		echo "1..0 # SKIP $$reason"; \
	fi

EXTRA_DIST += tests/fuzz.sh tests/fuzz/corpus tests/fuzz/dict
