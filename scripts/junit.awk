# SPDX-License-Identifier: GPL-2.0-only
# junit.awk: the test cases as JUnit's XML, which CI services read
#
# usage: awk -v name=NAME -f scripts/ktap.awk -f scripts/junit.awk FILE
#
# A program is a suite, and so is the machine. What a program said before a failure is the failure's text.

function escape(text)
{
	gsub(/&/, "\\&amp;", text)
	gsub(/</, "\\&lt;", text)
	gsub(/>/, "\\&gt;", text)
	gsub(/"/, "\\&quot;", text)
	gsub(/\t/, "\\&#9;", text)
	return text
}

# In a suite each name is there once
function testcase(program, name, what)
{
	if (program == "")
		program = "run_kselftest.sh"
	if (!(program in tests))
		suite[++suites] = program
	tests[program]++
	if (name == "")
		name = program
	if (named[program, name]++)
		name = name " (" named[program, name] ")"
	text[program] = text[program] "    <testcase classname=\"iodemo." escape(program) "\" name=\"" escape(name) "\"" \
		(what == "" ? "/>" : ">\n      " what "\n    </testcase>") "\n"
}

function passed(program, name)
{
	testcase(program, name, "")
}

function failed(program, name, why)
{
	testcase(program, name, "<failure message=\"" escape(why) "\">" escape(said) "</failure>")
	failures[program == "" ? "run_kselftest.sh" : program]++
}

function skipped(program, name, why)
{
	testcase(program, name, "<skipped message=\"" escape(why) "\"/>")
	skips[program]++
}

function counts(all, bad, left)
{
	return "tests=\"" all + 0 "\" failures=\"" bad + 0 "\" errors=\"0\" skipped=\"" left + 0 "\""
}

function report(    i, program, all, bad, left)
{
	if (!suites)
		failed("", "", "no test ran")
	for (i = 1; i <= suites; i++) {
		all += tests[suite[i]]
		bad += failures[suite[i]]
		left += skips[suite[i]]
	}
	print "<?xml version=\"1.0\" encoding=\"UTF-8\"?>"
	print "<testsuites name=\"" escape(name) "\" " counts(all, bad, left) ">"
	for (i = 1; i <= suites; i++) {
		program = suite[i]
		print "  <testsuite name=\"iodemo." escape(program) "\" " counts(tests[program], failures[program], skips[program]) ">"
		printf "%s", text[program]
		print "  </testsuite>"
	}
	print "</testsuites>"
}
