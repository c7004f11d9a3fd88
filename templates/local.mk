# What an administrator copies and adapts.

hktemplatesdir = $(pkgdatadir)/templates
dist_hktemplates_DATA = templates/hostkit-recover.timer templates/hostkit.rules \
	templates/hostkit.service templates/nginx-static.conf
nodist_hktemplates_DATA = templates/hostkit-recover.service
EXTRA_DIST += templates/hostkit-recover.service.in
CLEANFILES += templates/hostkit-recover.service

templates/hostkit-recover.service: templates/hostkit-recover.service.in Makefile
	$(AM_V_GEN)$(MKDIR_P) templates && \
		sed 's,@''bindir@,$(bindir),' $(srcdir)/templates/hostkit-recover.service.in >$@
