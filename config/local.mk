# Commented examples of the two INI files, with every option.

hkconfigdir = $(docdir)/config
dist_hkconfig_DATA = config/hostkit.ini config/project.ini
