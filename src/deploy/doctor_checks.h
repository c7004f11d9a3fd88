/*
 * The checks of doctor, as rows (private to the doctor's files).
 */
#ifndef HK_DEPLOY_DOCTOR_CHECKS_H
#define HK_DEPLOY_DOCTOR_CHECKS_H

#include <deploy/doctor.h>
#include <deploy/hosted.h>
#include <deploy/project.h>

/* The patient: what the checks of one scope share. */
struct hk_doctor {
	const char *root;
	const char *scope;
	hk_doctor_fn *fn;
	void *ctx;
	uid_t owner; /* whom all of it should belong to */
	char *owner_name;
	const struct hk_doctor_check *check; /* that is run */
	bool said;			     /* it has found something */

	/* Of a project only. */
	struct hk_project project;
	char *ini;
	bool bad_settings;
	struct hk_ledger *ledger; /* NULL: it cannot be read, as ledger_err says */
	struct hk_error ledger_err;
	char *active; /* the release that `app` names; NULL: none, or it cannot be told */
	struct hk_release_row release; /* its row; id 0: not known */
	struct hk_strlist *env;

	/* Of a project under "/", for the checks of the machine. */
	struct hk_hosted hosted;
};

struct hk_doctor_check {
	const char *name;
	void (*run)(struct hk_doctor *d);
	/* For the rows of programs. */
	const char *needed_by; /* kinds of applications, "a|b|c" */
	const char *purpose;
};

void hk_doctor_ok(struct hk_doctor *d, const char *fmt, ...) HK_PRINTF(2, 3);

/* hint is freed; it may be NULL only where nothing can be done. */
void hk_doctor_bad(struct hk_doctor *d, enum hk_doctor_level level, char *hint, const char *fmt,
		   ...) HK_PRINTF(4, 5);

/* The same from an error; otherwise is the hint of one that has none. Frees it. */
void hk_doctor_error(struct hk_doctor *d, enum hk_doctor_level level, const struct hk_error *err,
		     char *otherwise);

/* A word for a shell; the caller frees. */
char *hk_doctor_quote(const char *path);

/*
 * The hint that changes the mode of what belongs to owner; how and path are words for a shell.
 * chmod(1) follows links: where a project's user may put one meanwhile, it is run as that user.
 */
char *hk_doctor_chmod(const struct hk_doctor *d, uid_t owner, const char *how, const char *path);

/* Whether a command may be run on behalf of the project: never as root what is another user's. */
bool hk_doctor_may_run(const struct hk_doctor *d);

/* doctor_files.c: folders, owners, modes, hooks, repository. */
void hk_doctor_check_installed(struct hk_doctor *d);
void hk_doctor_check_root(struct hk_doctor *d);
void hk_doctor_check_folders(struct hk_doctor *d);
void hk_doctor_check_owner(struct hk_doctor *d);
void hk_doctor_check_permissions(struct hk_doctor *d);
void hk_doctor_check_hooks(struct hk_doctor *d);
void hk_doctor_check_repository(struct hk_doctor *d);
void hk_doctor_check_disk(struct hk_doctor *d);

/* doctor_host.c: user, modes, unit, rights, site. */
void hk_doctor_check_user(struct hk_doctor *d);
void hk_doctor_check_modes(struct hk_doctor *d);
void hk_doctor_check_unit(struct hk_doctor *d);
void hk_doctor_check_rights(struct hk_doctor *d);
void hk_doctor_check_enabled(struct hk_doctor *d);
void hk_doctor_check_site(struct hk_doctor *d);

/* doctor_keys.c: ssh keys. */
void hk_doctor_check_keys(struct hk_doctor *d);

/* doctor_programs.c: PATH, what is found in it, and the environment. */
void hk_doctor_check_path(struct hk_doctor *d);
void hk_doctor_check_program(struct hk_doctor *d);
void hk_doctor_check_environment(struct hk_doctor *d);

/* doctor_confinement.c: what installs, builds and hooks are kept from. */
void hk_doctor_check_confinement(struct hk_doctor *d);

/* doctor_state.c: ledger, deployments, what is live, service, port. */
void hk_doctor_check_ledger(struct hk_doctor *d);
void hk_doctor_check_deployments(struct hk_doctor *d);
void hk_doctor_check_live(struct hk_doctor *d);
void hk_doctor_check_service(struct hk_doctor *d);
void hk_doctor_check_port(struct hk_doctor *d);
void hk_doctor_check_notify(struct hk_doctor *d);

/* doctor_database.c: the project's database, and its checkpoints. */
void hk_doctor_check_database(struct hk_doctor *d);
void hk_doctor_check_checkpoints(struct hk_doctor *d);

#endif
