#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# kunit.sh: what the KUnit tests of the ring say, in the kernel
#
# They are a module of their own, which runs them when it is loaded. Skips where the kernel has no KUnit.

results=/sys/kernel/debug/kunit/iodemo-ring/results

skip()
{
	echo "1..0 # SKIP $*"
	exit 4
}

echo 'TAP version 13'
modprobe -n -q iodemo-ring-test || skip 'the module was built for a kernel without KUnit'
modprobe iodemo-ring-test || exit 1
trap 'modprobe -r iodemo-ring-test' EXIT
[ -r "$results" ] || skip 'this KUnit shows no results in debugfs'

# The cases of one suite stand one level down, with their plan
sed -n '/^    \(1\.\.[0-9]\|ok \|not ok \|# \)/{ s/^    //; p; }' "$results"
grep -q '^ok 1\( -\)\{0,1\} iodemo-ring$' "$results"
