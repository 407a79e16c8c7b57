# SPDX-License-Identifier: GPL-2.0-only
# ktap.awk: count the test cases in what run_kselftest.sh printed, and find the programs that did not say how they ended
#
# usage: awk -v also=N -f scripts/ktap.awk FILE     also: failures known from elsewhere
#
# FILE can hold several runs, each with a plan of its own, which it is checked against.
# Prints a line for each failure, then "N passed, N failed, N skipped"; status 1 when something failed or nothing ran.

function fault(text)
{
	failed++
	print "# failed: " text
}

# A case, one level down: "# ok 3 name", "# not ok 4 name", "# ok 5 # SKIP why"
function count(line)
{
	cases++
	if (line ~ /^# not ok/) {
		bad++
		fault(program ": " substr(line, 3))
	} else if (line ~ /# *SKIP/) {
		skipped++
	} else {
		passed++
	}
}

# The program's own line: "ok 1 selftests: iodemo: poll", "not ok 2 selftests: iodemo: signal # exit=1"
function finish(line)
{
	finished++
	if (cases == 0 && line ~ /^ok .*# SKIP/)
		skipped++
	else if (plan < 0)
		fault(program ": printed no plan (1..N)")
	else if (cases != plan)
		fault(program ": planned " plan " cases, and reported " cases)
	if (line ~ /^not ok/ && bad == 0)
		fault(line)
	program = ""
}

# A run is over: the next one begins, or there is none
function close_run()
{
	if (program != "")
		fault(program ": did not finish")
	if (total >= 0 && finished != total)
		fault("of " total " programs, " finished + 0 " finished")
	program = ""
	total = -1
	finished = 0
}

BEGIN { total = -1 }
{ sub(/\r$/, "") }
/^TAP version/ { close_run() }
/^1\.\.[0-9]+/ { total = substr($0, 4) + 0 }
/^# selftests: [^ ]+: / { program = $4; plan = -1; cases = 0; bad = 0 }
/^# 1\.\.[0-9]+/ { plan = substr($0, 6) + 0 }
/^# (not )?ok / { count($0) }
/^(not )?ok [0-9]+ selftests: / { finish($0) }
END {
	close_run()
	failed += also
	if (passed + failed + skipped == 0)
		fault("no test ran")
	printf "%d passed, %d failed, %d skipped\n", passed, failed, skipped
	exit failed > 0
}
