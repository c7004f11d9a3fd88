# The hook binaries that git runs; repositories link to the installed ones.

pkglibexec_PROGRAMS += hooks/post-receive
hooks_post_receive_SOURCES = hooks/post-receive.c
hooks_post_receive_LDADD = $(HK_HOOK_LIBS)
