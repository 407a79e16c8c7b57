#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# model.sh: prove the ring's protocol on its model, in all orders that memory allows
#
# usage: scripts/model.sh
#
# spin goes through every state of selftests/model/ring.pml: no record may be torn, taken twice or forgotten. Then each
# barrier is taken away in turn, and a torn record must be found. The last line is "N passed, N failed, N skipped".
set -eu
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/cases.sh"

arguments 0 "$@"
"$top/scripts/setup.sh" spin build

temporary=$(mktemp -d "${TMPDIR:-/tmp}/iodemo.XXXXXX")
trap 'rm -rf "$temporary"' EXIT

# found [MUTATION]: how many errors there are, which must be none or one of an assertion
found()
{
	cd "$temporary"
	spin -a ${1:+"-D$1"} "$top/selftests/model/ring.pml" >spin.log || die "spin: $(cat spin.log)"
	gcc -O2 -DSAFETY -DCOLLAPSE -o pan pan.c || die "the model's search does not compile"
	./pan -m1000000 >pan.log 2>&1 || die "the model's search failed: $(tail -n 3 pan.log)"
	! grep -q 'max search depth too small' pan.log || die "the model's search was not complete"
	sed -n 's/.*assertion violated (\(.*\)) (at depth [0-9]*)/\1/p' pan.log
	grep -q 'errors: 0' pan.log || grep -q 'assertion violated' pan.log || echo 'an end that is none'
}

check 'no record is torn, taken twice or forgotten' '' "$(found)"
for barrier in WMB RELEASE ACQUIRE RMB; do
	check "without $barrier one is torn" '(got_first==seq)&&(got_second==seq)' "$(found NO_$barrier)"
done

verdict
