/*
 * The pre-receive hook binary; see hook/pre_receive.h.
 */
#include <hook/pre_receive.h>

int main(void)
{
	return hk_pre_receive();
}
