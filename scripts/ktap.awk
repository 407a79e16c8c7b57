# SPDX-License-Identifier: GPL-2.0-only
# ktap.awk: read what run_kselftest.sh printed, and find the programs that did not say how they ended
#
# usage: awk -f scripts/ktap.awk -f scripts/count.awk FILE
#
# The second script is told of each case: passed(program, name), failed(program, name, text), skipped(program, name, why);
# and prints. A fault has the name "", and of one that is the machine's, "# failed: machine: ...", the program is "machine".
# FILE can hold several runs, each with a plan of its own, which it is checked against. "said" has what the program has
# printed since the case before.

function fault(text)
{
	bad++
	failed(program, "", text)
}

# A case, one level down: "# ok 3 name", "# not ok 4 name", "# ok 5 # SKIP why", which leaves the name to the line before
function one_case(line,    name, why)
{
	cases++
	name = line
	sub(/^# (not )?ok [0-9]* *(- )?/, "", name)
	if (line ~ /^# not ok/) {
		bad++
		failed(program, name, substr(line, 3))
	} else if (match(name, /# *SKIP */)) {
		why = substr(name, RSTART + RLENGTH)
		name = substr(name, 1, RSTART - 1)
		sub(/ *$/, "", name)
		skipped(program, name == "" ? begun : name, why)
	} else {
		passed(program, name)
	}
	said = begun = ""
}

# The program's own line: "ok 1 selftests: iodemo: poll", "not ok 2 selftests: iodemo: signal # exit=1"
function finish(line)
{
	finished++
	if (cases == 0 && line ~ /^ok .*# SKIP/)
		skipped(program, "", said_skip)
	else if (plan < 0)
		fault("printed no plan (1..N)")
	else if (cases != plan)
		fault("planned " plan " cases, and reported " cases)
	if (line ~ /^not ok/ && bad == 0)
		fault(line)
	program = said = ""
}

# A run is over: the next one begins, or there is none
function close_run()
{
	if (program != "")
		fault("did not finish")
	program = ""
	if (total >= 0 && finished != total)
		fault("of " total " programs, " finished + 0 " finished")
	total = -1
	finished = 0
}

BEGIN { total = -1 }
{ sub(/\r+$/, "") }
/^TAP version/ { close_run() }
/^1\.\.[0-9]+/ { total = substr($0, 4) + 0 }
/^# / { said = said substr($0, 3) "\n" }
/^# selftests: [^ ]+: / {
	program = $4
	plan = -1
	cases = bad = 0
	said = begun = said_skip = ""
}
/^# 1\.\.[0-9]+/ {
	plan = substr($0, 6) + 0
	said_skip = $0
	sub(/.*# *SKIP */, "", said_skip)
}
/^# #  RUN / { begun = $4 }
/^# failed: machine: / { failed("machine", "", substr($0, 20)) }
/^# (not )?ok / { one_case($0) }
/^(not )?ok [0-9]+ selftests: / { finish($0) }
END {
	close_run()
	report()
}
