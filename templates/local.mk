# Files that administrators copy: installed under datadir.

hktemplatesdir = $(pkgdatadir)/templates
dist_hktemplates_DATA = templates/nginx-static.conf
