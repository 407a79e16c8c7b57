# SPDX-License-Identifier: GPL-2.0-only
# matrix.awk: one table of several runs of the selftests, in Markdown
#
# usage: awk -f scripts/matrix.awk FILE...
#
# FILE is what scripts/check.sh leaves, with a line before it, "# kernel: NAME RELEASE". Prints a row for each program, a
# column for each run, and what was skipped, and why.

# A case, one level down, as in ktap.awk
function count(line, why)
{
	if (line ~ /^# not ok/) {
		failed[run, program]++
	} else if (match(line, /# *SKIP */)) {
		skipped[run, program]++
		note(substr(line, RSTART + RLENGTH))
	} else {
		passed[run, program]++
	}
}

function note(why)
{
	if (why == "")
		why = "(says nothing)"
	if (!((program, why) in seen)) {
		seen[program, why] = ++reasons
		reason[reasons] = why
		reason_program[reasons] = program
	}
	times[seen[program, why], run]++
}

# What the run says of itself
function begin_run()
{
	run = ++runs
	name[run] = $3
	release[run] = $4
	program = ""
}

function cell(run, program, text)
{
	text = passed[run, program] + 0
	if (!((run, program) in ran))
		return "–"
	if (failed[run, program])
		text = text ", **" failed[run, program] " failed**"
	if (skipped[run, program])
		text = text ", " skipped[run, program] " skipped"
	return text
}

# Where that was skipped, and how often
function places(which, i, text)
{
	for (i = 1; i <= runs; i++)
		if ((which, i) in times)
			text = text (text ? ", " : "") name[i] (times[which, i] > 1 ? " (" times[which, i] ")" : "")
	return text
}

function row(title, i, text)
{
	text = "| " title " |"
	for (i = 1; i <= runs; i++)
		text = text " " value[i] " |"
	print text
}

{ sub(/\r$/, "") }
/^# kernel: / { begin_run() }
/^# selftests: [^ ]+: / {
	program = $4
	if (!(program in known)) {
		known[program] = ++programs
		order[programs] = program
	}
	ran[run, program] = 1
}
/^# (not )?ok / { count($0) }
/^ok [0-9]+ selftests: .*# SKIP/ && !skipped[run, program] {
	skipped[run, program]++
	note("")
}
# One that failed and can't say in which case
/^not ok [0-9]+ selftests: / && !failed[run, program] { failed[run, program]++ }
/^[0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$/ { total[run] = $1 ", " $3 " failed, " $5 " skipped" }

END {
	for (i = 1; i <= runs; i++)
		value[i] = name[i]
	row("passed")
	for (i = 1; i <= runs; i++)
		value[i] = "---:"
	row("---")
	for (j = 1; j <= programs; j++) {
		for (i = 1; i <= runs; i++)
			value[i] = cell(i, order[j])
		row(order[j])
	}
	for (i = 1; i <= runs; i++)
		value[i] = (i in total) ? total[i] : "did not end"
	row("**all**")
	print ""
	for (i = 1; i <= runs; i++)
		print "- " name[i] ": Linux " release[i]
	if (!reasons)
		exit
	print "\n| skipped in | on | why |\n|---|---|---|"
	for (i = 1; i <= reasons; i++)
		print "| " reason_program[i] " | " places(i) " | " reason[i] " |"
}
