/*
 * The proc-receive hook binary; see hook/proc_receive.h.
 */
#include <hook/proc_receive.h>

int main(void)
{
	return hk_proc_receive();
}
