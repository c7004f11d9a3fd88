# The hook binaries that git runs; repositories link to the installed ones.

pkglibexec_PROGRAMS += hooks/pre-receive hooks/proc-receive hooks/post-receive
hooks_pre_receive_SOURCES = hooks/pre-receive.c
hooks_pre_receive_LDADD = $(HK_HOOK_LIBS)
hooks_proc_receive_SOURCES = hooks/proc-receive.c
hooks_proc_receive_LDADD = $(HK_HOOK_LIBS)
hooks_post_receive_SOURCES = hooks/post-receive.c
hooks_post_receive_LDADD = $(HK_HOOK_LIBS)
