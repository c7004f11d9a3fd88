#!/bin/bash
#
# The Nth call that changes state fails, for N = 1, 2, … until there are no more.
#
# After each: recovery, exactly the old or the new release is live, complete and served, the ledger
# tells the truth, nothing is left, and the next push deploys.

# shellcheck source=lib.sh
. "$(cd "$(dirname "$0")" && pwd)/lib.sh"
# shellcheck source=deploying.sh
. "$(cd "$(dirname "$0")" && pwd)/deploying.sh"
# shellcheck source=faults.sh
. "$(cd "$(dirname "$0")" && pwd)/faults.sh"

test_begin "calls that fail"
grep -q HOSTKIT_FAULT_LOG "$HK_LIBEXECDIR/hostkit-worker" ||
	skip_all "built without --enable-failpoints"
not_in_quick_run
require_programs flaky-http curl pgrep
fault_project
fault_loop EIO ENOSPC
done_testing
