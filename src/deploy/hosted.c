/*
 * Projects as the machine sees them (contract in hosted.h).
 */
#include <deploy/hosted.h>

#include <base/alloc.h>
#include <host/account.h>

int hk_hosted_find_user(struct hk_hosted *h, struct hk_error *err)
{
	bool found;

	hk_user_release(&h->user);
	if (hk_host_account_find(h->hp.name, &found, &h->user, err))
		return err->code;
	h->hp.uid = found ? h->user.uid : 0;
	h->hp.gid = found ? h->user.gid : 0;
	return 0;
}

int hk_hosted_init(struct hk_hosted *h, const char *name, const struct hk_conf *conf,
		   struct hk_strlist *notes, struct hk_error *err)
{
	*h = (struct hk_hosted){
		.home = hk_xasprintf("/home/%s", name),
		.state = hk_xasprintf("/var/lib/hostkit/%s", name),
		.user = HK_USER_INIT,
	};
	h->hp = (struct hk_host_project){
		.name = name, .home = h->home, .state = h->state, .conf = conf, .notes = notes
	};
	return hk_hosted_find_user(h, err);
}

void hk_hosted_release(struct hk_hosted *h)
{
	free(h->home);
	free(h->state);
	hk_user_release(&h->user);
	*h = (struct hk_hosted)HK_HOSTED_INIT;
}
