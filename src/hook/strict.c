/*
 * Following [push] mode from a hook (contract in strict.h).
 */
#include <hook/strict.h>

#include <fcntl.h>
#include <string.h>

#include <base/alloc.h>
#include <base/buf.h>
#include <deploy/repository.h>
#include <deploy/submit.h>
#include <sys/fs.h>

#define CONFIG_MAX (1 << 20)
#define SET_UP_MS 20000

/* The key, in what of a configuration file is no comment. */
static bool has_key(const char *text)
{
	for (size_t n; *text; text += n + (text[n] == '\n')) {
		n = strcspn(text, "\n");
		hk_auto_free char *line = hk_xstrndup(text, n);

		line[strcspn(line, "#;")] = '\0';
		if (strcasestr(line, HK_REPOSITORY_STRICT_KEY))
			return true;
	}
	return false;
}

/*
 * A hint that costs no process: whether the repository's own config file has the key at all. Only
 * hostkit sets it; who has it elsewhere is asked to push once more for nothing, and that is all.
 */
static int is_set_up(const struct hk_project *p, bool *ret, struct hk_error *err)
{
	hk_auto_free char *path = hk_xasprintf("%s/config", p->repo_path);
	hk_auto_buf text = HK_BUF_INIT;

	if (hk_fs_read_file(AT_FDCWD, path, CONFIG_MAX, &text, err))
		return err->code;
	*ret = has_key(text.data);
	return 0;
}

int hk_strict_follow(const struct hk_project *p, struct hk_error *err)
{
	bool wanted = !strcmp(p->conf.push_mode, "strict"), set = false;
	struct hk_procid worker;

	if (is_set_up(p, &set, err))
		return err->code;
	if (set == wanted)
		return 0;
	if (hk_submit_worker(p, "follow", -1, &worker, err))
		return err->code;
	hk_procid_wait(&worker, SET_UP_MS);
	if (!wanted)
		return 0;
	if (is_set_up(p, &set, err))
		return err->code;
	if (!set) {
		hk_error_set(err, HK_E_NOT_SUPPORTED,
			     "[push] mode = strict, but the repository could not be set up for it");
		return hk_error_hint(err, "on the server: hostkit config check %s", p->name);
	}
	hk_error_set(
		err, HK_E_NOT_ALLOWED,
		"the strict mode of '%s' has just been switched on, and this push began before",
		p->name);
	return hk_error_hint(err, "push once more");
}
