/*
 * hostkit, the command line; see cli.h.
 */
#include <cli/cli.h>

int main(int argc, char **argv)
{
	return hk_cli_main(argc, argv);
}
