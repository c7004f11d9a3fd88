/*
 * The post-receive hook binary; see hook/post_receive.h.
 */
#include <hook/post_receive.h>

int main(void)
{
	return hk_post_receive();
}
