# SPDX-License-Identifier: GPL-2.0-only
# count.awk: count the test cases
#
# usage: awk -f scripts/ktap.awk -f scripts/count.awk FILE
#
# Prints a line for each failure, then "N passed, N failed, N skipped"; status 1 when something failed or nothing ran.

function passed(program, name)
{
	passes++
}

# What the machine did wrong has been printed
function failed(program, name, text)
{
	failures++
	if (program != "machine")
		print "# failed: " (program == "" ? "" : program ": ") text
}

function skipped(program, name, why)
{
	skips++
}

function report()
{
	if (passes + failures + skips == 0)
		failed("", "", "no test ran")
	printf "%d passed, %d failed, %d skipped\n", passes, failures, skips
	exit failures > 0
}
