# Manual pages: prose from the templates, tables from the program (src/cli/docgen.c).

man_pages = man/hostkit.1 man/hostkit.ini.5
nodist_man_MANS = $(man_pages)
CLEANFILES += $(man_pages)
EXTRA_DIST += man/hostkit.1.in man/hostkit.ini.5.in

man/hostkit.1: man/hostkit.1.in src/docgen$(EXEEXT)
	$(AM_V_GEN)$(MKDIR_P) man && src/docgen$(EXEEXT) $(top_srcdir)/man/hostkit.1.in >$@.tmp && mv $@.tmp $@
man/hostkit.ini.5: man/hostkit.ini.5.in src/docgen$(EXEEXT)
	$(AM_V_GEN)$(MKDIR_P) man && src/docgen$(EXEEXT) $(top_srcdir)/man/hostkit.ini.5.in >$@.tmp && mv $@.tmp $@
