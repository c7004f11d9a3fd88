/*
 * Uses of folders, from /proc (contract in inuse.h). The kernel tells resolved paths.
 */
#include <sys/inuse.h>

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <base/alloc.h>
#include <base/lines.h>
#include <base/strlist.h>
#include <sys/proclist.h>

struct search {
	char *folder; /* resolved */
	size_t len;
	hk_inuse_fn *fn;
	void *ctx;
	struct hk_inuse use;
	struct hk_strlist told; /* names, of the present process */
};

static void note_path(struct search *s, const char *path, const char *as)
{
	hk_auto_free char *name = NULL;

	if (strncmp(path, s->folder, s->len) || path[s->len] != '/' || !path[s->len + 1])
		return;
	path += s->len + 1;
	name = hk_xstrndup(path, strcspn(path, "/"));
	if (hk_strlist_has(&s->told, name))
		return;
	hk_strlist_add(&s->told, name);
	s->use.as = as;
	s->fn(s->ctx, name, &s->use);
}

static void look_at_link(struct search *s, const char *link, const char *as)
{
	hk_auto_free char *path = hk_xasprintf("/proc/%d/%s", (int)s->use.pid, link);
	char target[PATH_MAX];
	ssize_t n = readlink(path, target, sizeof(target) - 1);

	if (n <= 0)
		return;
	target[n] = '\0';
	note_path(s, target, as);
}

static FILE *open_file(pid_t pid, const char *name)
{
	hk_auto_free char *path = hk_xasprintf("/proc/%d/%s", (int)pid, name);

	return fopen(path, "re");
}

static void look_at_maps(struct search *s)
{
	FILE *maps = open_file(s->use.pid, "maps");
	char *line = NULL;
	size_t size = 0;
	ssize_t n;

	while (maps && (n = getline(&line, &size, maps)) > 0) {
		char *path = strchr(line, '/');

		if (!path)
			continue;
		if (line[n - 1] == '\n')
			line[n - 1] = '\0';
		note_path(s, path, "mapped file");
	}
	free(line);
	if (maps)
		fclose(maps);
}

static void read_program(struct search *s)
{
	FILE *comm = open_file(s->use.pid, "comm");
	hk_auto_buf text = HK_BUF_INIT;
	char name[32];

	s->use.program[0] = '\0';
	if (comm && fgets(name, sizeof(name), comm)) {
		name[strcspn(name, "\n")] = '\0';
		hk_lines_sanitize(&text, name, strlen(name), sizeof(s->use.program) - 1);
		snprintf(s->use.program, sizeof(s->use.program), "%s", text.data);
	}
	if (comm)
		fclose(comm);
}

static void look_at(struct search *s, pid_t pid)
{
	s->use.pid = pid;
	read_program(s);
	look_at_link(s, "cwd", "working folder");
	look_at_link(s, "exe", "program");
	look_at_maps(s);
	hk_strlist_release(&s->told);
}

void hk_inuse_each(const char *folder, hk_inuse_fn *fn, void *ctx)
{
	struct search s = { .folder = realpath(folder, NULL), .fn = fn, .ctx = ctx };
	hk_auto_proclist all = HK_PROCLIST_INIT;

	if (!s.folder)
		return;
	s.len = strlen(s.folder);
	hk_proclist_all(&all);
	for (size_t i = 0; i < all.len; i++)
		look_at(&s, all.items[i].pid);
	free(s.folder);
}

static bool has_open(pid_t pid, const struct stat *file)
{
	hk_auto_free char *path = hk_xasprintf("/proc/%d/fd", (int)pid);
	hk_auto_closedir DIR *dir = opendir(path);
	struct dirent *e;
	struct stat st;

	while (dir && (e = readdir(dir)))
		if (*e->d_name != '.' && !fstatat(dirfd(dir), e->d_name, &st, 0) &&
		    st.st_dev == file->st_dev && st.st_ino == file->st_ino)
			return true;
	return false;
}

bool hk_inuse_find_file(const struct stat *file, struct hk_inuse *ret)
{
	struct search s = { .use = { .as = "open file" } };
	hk_auto_proclist all = HK_PROCLIST_INIT;

	hk_proclist_all(&all);
	for (size_t i = 0; i < all.len; i++) {
		if (all.items[i].pid == getpid() || !has_open(all.items[i].pid, file))
			continue;
		s.use.pid = all.items[i].pid;
		read_program(&s);
		*ret = s.use;
		return true;
	}
	return false;
}
