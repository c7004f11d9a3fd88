/*
 * Hints for whoever has no shell on this machine but an ssh key of `hostkit key add`: the commands
 * that [project] shell lets a key run are named as they have to be typed over there.
 */
#ifndef HK_DEPLOY_KEY_READER_H
#define HK_DEPLOY_KEY_READER_H

#include <base/strlist.h>

struct hk_key_reader {
	char to[320];		    /* "shop@vps"; "": the reader has a shell here */
	struct hk_strlist commands; /* as [project] shell lists them */
};

#define HK_KEY_READER_INIT \
	{                  \
		.to = ""   \
	}

/* Takes a copy of the commands. The host is called as it calls itself. */
void hk_key_reader_init(struct hk_key_reader *r, const struct hk_strlist *commands);

/*
 * For commands that `hostkit shell` starts: from HOSTKIT_KEY_COMMANDS, words between ", ". Leaves
 * *r as it is where that is not set.
 */
void hk_key_reader_find(struct hk_key_reader *r);

void hk_key_reader_release(struct hk_key_reader *r);

/*
 * "to go on: hostkit resume shop" becomes "to go on: ssh shop@vps resume shop". What a key may not
 * run, what is for root ("as root: …"), and git's remote of the name hostkit, stay. The caller
 * frees it.
 */
char *hk_key_reader_say(const struct hk_key_reader *r, const char *hint);

#endif
