/*
 * A transport for repositories of this machine: git-upload-pack(1) on the other side, over pipes.
 * libgit2's own looks for deltas between all objects anew, where git sends what is packed already
 * as it is: minutes instead of seconds for 300 MB of pictures.
 */
#ifndef HK_REPO_UPLOAD_PACK_H
#define HK_REPO_UPLOAD_PACK_H

#include <git2/remote.h>

/*
 * For git_remote_callbacks.transport: the URL is an absolute path or begins with file://. git is
 * found in PATH, reads the settings of home, and says what it minds on stderr. Returns libgit2's
 * codes.
 */
int hk_upload_pack_transport(git_transport **out, git_remote *owner, const char *home);

#endif
