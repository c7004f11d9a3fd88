/*
 * Core dumps, of a process that holds secrets.
 */
#ifndef HK_SYS_DUMPS_H
#define HK_SYS_DUMPS_H

/*
 * This process makes none from here on, whatever the core pattern is, and nobody but root attaches
 * to it or reads its memory (prctl(2), PR_SET_DUMPABLE). Programs that it runs are dumpable again,
 * but begin with a limit of 0, which they may raise.
 */
void hk_dumps_prevent(void);

#endif
