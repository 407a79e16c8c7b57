# SPDX-License-Identifier: GPL-2.0-only
# matrix.awk: one table of several runs of the selftests, in Markdown
#
# usage: awk -f scripts/ktap.awk -f scripts/matrix.awk FILE...
#
# FILE is what scripts/check.sh leaves, with a line before it, "# kernel: NAME RELEASE". Prints a row for each program, a
# column for each run, and what was skipped, and why.

# What the run says of itself
function begin_run()
{
	close_run()
	run = ++runs
	name[run] = $3
	release[run] = $4
}

# A program has its row, in the order of their coming
function note_program(program)
{
	if (!(program in known)) {
		known[program] = ++programs
		order[programs] = program
	}
	ran[run, program] = 1
}

function passed(program, name)
{
	note_program(program)
	passes[run, program]++
}

function failed(program, name, text)
{
	if (program == "")
		program = "run_kselftest.sh"
	note_program(program)
	failures[run, program]++
}

function skipped(program, name, why)
{
	note_program(program)
	skips[run, program]++
	if (!((program, why) in seen)) {
		seen[program, why] = ++reasons
		reason[reasons] = why == "" ? "(says nothing)" : why
		reason_program[reasons] = program
	}
	times[seen[program, why], run]++
}

function cell(passes, skips, failures)
{
	return (passes + 0) (skips ? " (" skips ")" : "") (failures ? ", **" failures " failed**" : "")
}

# Where that was skipped, and how often
function places(which,    i, text)
{
	for (i = 1; i <= runs; i++)
		if ((which, i) in times)
			text = text (text ? ", " : "") name[i] (times[which, i] > 1 ? " (" times[which, i] ")" : "")
	return text
}

function row(title,    i, text)
{
	text = "| " title " |"
	for (i = 1; i <= runs; i++)
		text = text " " value[i] " |"
	print text
}

/^# kernel: / { begin_run() }
/^[0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$/ { sum[run] = cell($1, $5, $3) }

function report(    i, j)
{
	for (i = 1; i <= runs; i++)
		value[i] = name[i]
	row("passed (skipped)")
	for (i = 1; i <= runs; i++)
		value[i] = "---:"
	row("---")
	for (j = 1; j <= programs; j++) {
		for (i = 1; i <= runs; i++) {
			value[i] = "–"
			if ((i, order[j]) in ran)
				value[i] = cell(passes[i, order[j]], skips[i, order[j]], failures[i, order[j]])
		}
		row(order[j])
	}
	for (i = 1; i <= runs; i++)
		value[i] = (i in sum) ? sum[i] : "did not end"
	row("**all**")
	print ""
	for (i = 1; i <= runs; i++)
		print "- " name[i] ": Linux " release[i]
	if (!reasons)
		return
	print "\n| skipped in | on (how often) | why |\n|---|---|---|"
	for (i = 1; i <= reasons; i++)
		print "| " reason_program[i] " | " places(i) " | " reason[i] " |"
}
