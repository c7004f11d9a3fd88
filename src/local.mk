# The library that the programs and the unit tests link, and the programs' entry points.

noinst_LIBRARIES += src/libhostkit.a

src_libhostkit_a_CPPFLAGS = $(AM_CPPFLAGS) $(LIBGIT2_CFLAGS) $(CURL_CFLAGS) $(INIH_CFLAGS) \
	$(SQLITE_CFLAGS) $(JANSSON_CFLAGS) $(SODIUM_CFLAGS) $(LIBSYSTEMD_CFLAGS)
src_libhostkit_a_SOURCES = \
	src/base/alloc.c src/base/alloc.h \
	src/base/banned.h \
	src/base/buf.c src/base/buf.h \
	src/base/cleanup.h \
	src/base/clock.c src/base/clock.h \
	src/base/codes.def \
	src/base/error.c src/base/error.h \
	src/base/human.c src/base/human.h \
	src/base/json.c src/base/json.h \
	src/base/lines.c src/base/lines.h \
	src/base/log.c src/base/log.h \
	src/base/nearest.c src/base/nearest.h \
	src/base/roff.c src/base/roff.h \
	src/base/strlist.c src/base/strlist.h \
	src/base/utf8.c src/base/utf8.h \
	src/base/words.c src/base/words.h \
	src/sys/cgroup.c src/sys/cgroup.h \
	src/sys/copy.c \
	src/sys/detach.c \
	src/sys/dumps.c src/sys/dumps.h \
	src/sys/exec.c src/sys/exec.h \
	src/sys/failpoint.c src/sys/failpoint.h \
	src/sys/failpoints.def \
	src/sys/faultcall.c src/sys/faultcalls.def \
	src/sys/fs.c src/sys/fs.h \
	src/sys/inuse.c src/sys/inuse.h \
	src/sys/landlock.c src/sys/landlock.h \
	src/sys/lock.c src/sys/lock.h \
	src/sys/mounts.c src/sys/mounts.h \
	src/sys/namespaces.c src/sys/namespaces.h \
	src/sys/privileges.c src/sys/privileges.h \
	src/sys/process.c src/sys/process.h \
	src/sys/procid.c src/sys/procid.h \
	src/sys/proclist.c src/sys/proclist.h \
	src/sys/sandbox.c src/sys/sandbox.h \
	src/sys/self.c src/sys/self.h \
	src/sys/session.c \
	src/sys/signals.c src/sys/signals.h \
	src/sys/spawn.c src/sys/spawn.h \
	src/sys/supervisor.c src/sys/supervisor.h \
	src/sys/user.c src/sys/user.h \
	src/conf/conf.c src/conf/conf.h \
	src/conf/edit.c src/conf/edit.h \
	src/conf/file.c src/conf/file.h \
	src/conf/man.c \
	src/conf/options.c src/conf/options.def src/conf/options.h \
	src/conf/parse.c src/conf/parse.h \
	src/conf/relpath.c src/conf/relpath.h \
	src/conf/show.c src/conf/show.h \
	src/store/adopt.c \
	src/store/checkpoints.c src/store/checkpoints.h \
	src/store/db.c src/store/db.h \
	src/store/deployments.c \
	src/store/digest.c src/store/digest.h \
	src/store/dotenv.c src/store/dotenv.h \
	src/store/dotenv_edit.c \
	src/store/fingerprint.c src/store/fingerprint.h \
	src/store/hmac.c src/store/hmac.h \
	src/store/ledger.c src/store/ledger.h \
	src/store/limits.c \
	src/store/notifications.c \
	src/store/pause.c \
	src/store/refs.c \
	src/store/releases.c \
	src/store/restores.c \
	src/store/stages.c \
	src/store/sqlite_file.c src/store/sqlite_file.h \
	src/store/vault.c src/store/vault.h \
	src/store/vault_file.c src/store/vault_file.h \
	src/database/command.c \
	src/database/database.c src/database/database.h \
	src/database/kinds.h \
	src/database/postgresql.c \
	src/database/postgresql.h \
	src/database/postgresql_look.c \
	src/database/rows.c src/database/rows.h \
	src/database/sqlite.c \
	src/database/url.c \
	src/net/http.c src/net/http.h \
	src/repo/blob.c src/repo/blob.h \
	src/repo/compare.c src/repo/compare.h \
	src/repo/entry_name.c src/repo/entry_name.h \
	src/repo/export.c src/repo/export.h \
	src/repo/fetch.c src/repo/fetch.h \
	src/repo/git_checkout.c src/repo/git_checkout.h \
	src/repo/git_edge.c src/repo/git_edge.h \
	src/repo/git_run.c src/repo/git_run.h \
	src/repo/lfs.c src/repo/lfs.h \
	src/repo/mirror.c src/repo/mirror.h \
	src/repo/refname.c src/repo/refname.h \
	src/repo/repo.c src/repo/repo.h \
	src/repo/stale.c src/repo/stale.h \
	src/repo/submodule_url.c src/repo/submodule_url.h \
	src/repo/submodules.c src/repo/submodules.h \
	src/repo/subtree.c src/repo/subtree.h \
	src/repo/tree_entry.c src/repo/tree_entry.h \
	src/repo/treecheck.c src/repo/treecheck.h \
	src/repo/upload_pack.c src/repo/upload_pack.h \
	src/repo/url.c src/repo/url.h \
	src/service/command_driver.c \
	src/service/drivers.h \
	src/service/logs.c src/service/logs.h \
	src/service/none_driver.c \
	src/service/port.c src/service/port.h \
	src/service/process_driver.c \
	src/service/record.c src/service/record.h \
	src/service/scope.c src/service/scope.h \
	src/service/sdbus.h \
	src/service/service.c src/service/service.h \
	src/service/startfile.c src/service/startfile.h \
	src/service/systemd_driver.c \
	src/service/systemd_unit.c src/service/systemd_unit.h \
	src/host/account.c src/host/account.h \
	src/host/file.c src/host/file.h \
	src/host/folders.c src/host/folders.h \
	src/host/host.h \
	src/host/key_line.c src/host/key_line.h \
	src/host/keys.c src/host/keys.h \
	src/host/keys_read.c \
	src/host/label.c src/host/label.h \
	src/host/nginx.c src/host/nginx.h \
	src/host/parts.c src/host/parts.h \
	src/host/run.c src/host/run.h \
	src/host/shell.c src/host/shell.h \
	src/host/site.c src/host/site.h \
	src/host/template.c src/host/template.h \
	src/host/unit.c src/host/unit.h \
	src/deploy/activate.c src/deploy/activate.h \
	src/deploy/advice.c src/deploy/advice.h \
	src/deploy/adopt.c src/deploy/adopt.h \
	src/deploy/adopt_checkpoints.c \
	src/deploy/apply.c src/deploy/apply.h \
	src/deploy/assemble.c \
	src/deploy/checkout.c \
	src/deploy/checkpoint.c src/deploy/checkpoint.h \
	src/deploy/cleanup.c \
	src/deploy/command.c \
	src/deploy/confine.c src/deploy/confine.h \
	src/deploy/confinement.c src/deploy/confinement.h \
	src/deploy/content.c src/deploy/content.h \
	src/deploy/create.c src/deploy/create.h \
	src/deploy/dead.c src/deploy/dead.h \
	src/deploy/deploy.c src/deploy/deploy.h \
	src/deploy/detect.c src/deploy/detect.h \
	src/deploy/doctor.c src/deploy/doctor.h src/deploy/doctor_checks.h \
	src/deploy/doctor_confinement.c \
	src/deploy/doctor_database.c \
	src/deploy/doctor_files.c \
	src/deploy/doctor_host.c \
	src/deploy/doctor_keys.c \
	src/deploy/doctor_programs.c \
	src/deploy/doctor_state.c \
	src/deploy/environment.c src/deploy/environment.h \
	src/deploy/envlink.c src/deploy/envlink.h \
	src/deploy/facts.c src/deploy/facts.h \
	src/deploy/fetch.c src/deploy/fetch.h \
	src/deploy/gate.c src/deploy/gate.h \
	src/deploy/health.c src/deploy/health.h \
	src/deploy/hooks.c src/deploy/hooks.h \
	src/deploy/hosted.c src/deploy/hosted.h \
	src/deploy/inspect.c src/deploy/inspect.h \
	src/deploy/installation.c src/deploy/installation.h \
	src/deploy/key_reader.c src/deploy/key_reader.h \
	src/deploy/limits.c src/deploy/limits.h \
	src/deploy/live.c src/deploy/live.h \
	src/deploy/missed.c src/deploy/missed.h \
	src/deploy/notify.c src/deploy/notify.h \
	src/deploy/owner.c src/deploy/owner.h \
	src/deploy/package.c src/deploy/package.h \
	src/deploy/pipeline.c \
	src/deploy/plan.c src/deploy/plan.h \
	src/deploy/port.c src/deploy/port.h \
	src/deploy/preflight.c \
	src/deploy/prepare.c \
	src/deploy/project.c src/deploy/project.h \
	src/deploy/pushed_ini.c src/deploy/pushed_ini.h \
	src/deploy/pusher.c src/deploy/pusher.h \
	src/deploy/pushopt.c src/deploy/pushopt.h \
	src/deploy/queue.c src/deploy/queue.h \
	src/deploy/reconcile.c src/deploy/reconcile.h \
	src/deploy/recover.c src/deploy/recover.h \
	src/deploy/refrule.c src/deploy/refrule.h \
	src/deploy/release.c src/deploy/release.h \
	src/deploy/remove.c src/deploy/remove.h \
	src/deploy/report.c src/deploy/report.h \
	src/deploy/repository.c src/deploy/repository.h \
	src/deploy/request.c src/deploy/request.h \
	src/deploy/restore.c src/deploy/restore.h \
	src/deploy/retention.c src/deploy/retention.h \
	src/deploy/rollback.c src/deploy/rollback.h \
	src/deploy/rollback_state.c src/deploy/rollback_state.h \
	src/deploy/running.c src/deploy/running.h \
	src/deploy/secrets.c src/deploy/secrets.h \
	src/deploy/shared.c src/deploy/shared.h \
	src/deploy/snapshot.c src/deploy/snapshot.h \
	src/deploy/source.c src/deploy/source.h \
	src/deploy/start.c src/deploy/start.h \
	src/deploy/submit.c src/deploy/submit.h \
	src/deploy/sync.c \
	src/deploy/verdict.c src/deploy/verdict.h \
	src/ui/head.c src/ui/head.h \
	src/ui/relay.c src/ui/relay.h \
	src/ui/text.c src/ui/text.h \
	src/hook/drop.c src/hook/drop.h \
	src/hook/locate.c src/hook/locate.h \
	src/hook/pktline.c src/hook/pktline.h \
	src/hook/post_receive.c src/hook/post_receive.h \
	src/hook/pre_receive.c src/hook/pre_receive.h \
	src/hook/proc_receive.c src/hook/proc_receive.h \
	src/hook/push.c src/hook/push.h \
	src/hook/serve.c src/hook/serve.h \
	src/hook/strict.c src/hook/strict.h \
	src/cli/become.c src/cli/become.h \
	src/cli/cli.h \
	src/cli/checkpoint.c \
	src/cli/cleanup.c src/cli/cleanup.h \
	src/cli/config.c \
	src/cli/deploy.c \
	src/cli/deployments.c \
	src/cli/doctor.c \
	src/cli/env.c \
	src/cli/follow.c src/cli/follow.h \
	src/cli/health.c \
	src/cli/journal.c src/cli/journal.h \
	src/cli/key.c src/cli/key.h \
	src/cli/logs.c \
	src/cli/open.c src/cli/open.h \
	src/cli/pause.c \
	src/cli/project.c \
	src/cli/ratelimit.c src/cli/ratelimit.h \
	src/cli/recover.c \
	src/cli/remote.c src/cli/remote.h \
	src/cli/rollback.c \
	src/cli/run.c \
	src/cli/secrets.c src/cli/secrets_input.c src/cli/secrets_input.h \
	src/cli/service.c src/cli/service.h \
	src/cli/shell.c \
	src/cli/start.c \
	src/cli/table.c src/cli/table.h

if HAVE_LIBSYSTEMD
src_libhostkit_a_SOURCES += src/service/sdbus.c
else
src_libhostkit_a_SOURCES += src/service/sdbus_none.c
endif

# Programs that do all of it.
HK_ALL_LIBS = src/libhostkit.a $(LIBGIT2_LIBS) $(CURL_LIBS) $(SQLITE_LIBS) $(INIH_LIBS) \
	$(JANSSON_LIBS) $(SODIUM_LIBS) $(LIBSYSTEMD_LIBS)
# What git starts for every push: no libgit2, no libcurl, no libsystemd (a test reads their dynamic sections).
HK_HOOK_LIBS = src/libhostkit.a $(SQLITE_LIBS) $(INIH_LIBS) $(JANSSON_LIBS)

bin_PROGRAMS += src/hostkit
src_hostkit_SOURCES = src/cli/main.c
src_hostkit_LDADD = $(HK_ALL_LIBS)

pkglibexec_PROGRAMS += src/hostkit-worker
src_hostkit_worker_SOURCES = src/worker/main.c src/worker/fetch.c src/worker/fetch.h
src_hostkit_worker_LDADD = $(HK_ALL_LIBS)

noinst_PROGRAMS += src/docgen
src_docgen_SOURCES = src/cli/docgen.c
src_docgen_LDADD = $(HK_ALL_LIBS)
