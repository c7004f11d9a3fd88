# Commented examples of the two INI files, with every option.

hkconfigdir = $(docdir)/config
dist_hkconfig_DATA = config/hostkit.ini config/project.ini

# Into the source tree, after a change of options.def; a unit test compares.
update-examples: src/docgen$(EXEEXT)
	echo @DEFAULTS_EXAMPLE@ | src/docgen$(EXEEXT) /dev/stdin >$(top_srcdir)/config/hostkit.ini
	echo @PROJECT_EXAMPLE@ | src/docgen$(EXEEXT) /dev/stdin >$(top_srcdir)/config/project.ini
.PHONY: update-examples
