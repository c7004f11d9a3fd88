/*
 * export REPO COMMIT DIR: writes a commit's tree into an empty folder, as the checkout stage does.
 * HOME is where the user's git configuration is looked for.
 */
#include <fcntl.h>

#include <repo/export.h>
#include <repo/repo.h>

static int run(char **argv, struct hk_error *err)
{
	HK_CLEANUP(hk_cleanup_repo) struct hk_repo *repo = NULL;
	struct hk_export_spec spec = { .cancel_fd = -1, .deadline = INT64_MAX };
	struct hk_export_result result = { .files = 0 };
	const char *home = getenv("HOME");
	hk_auto_close int dir = -1;
	struct hk_commit commit;
	int rc = hk_repo_open(argv[1], home ? home : "/", &repo, err);

	if (!rc)
		rc = hk_repo_resolve(repo, argv[2], &commit, err);
	if (rc)
		return rc;
	dir = open(argv[3], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	spec.commit = commit.oid;
	spec.dir_fd = dir;
	rc = hk_repo_export(repo, &spec, &result, err);
	hk_export_result_release(&result);
	if (!rc)
		printf("%lld files, %lld bytes\n", (long long)result.files,
		       (long long)result.bytes);
	return rc;
}

int main(int argc, char **argv)
{
	struct hk_error err = HK_ERROR_INIT;

	if (argc != 4) {
		fputs("usage: export REPO COMMIT DIR\n", stderr);
		return 2;
	}
	if (run(argv, &err)) {
		fprintf(stderr, "error: %s\n", err.message);
		if (*err.hint)
			fprintf(stderr, "hint: %s\n", err.hint);
		return hk_code_exit(err.code);
	}
	return 0;
}
