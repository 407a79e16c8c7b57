#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC2016
# run-check.sh: see that "make run" does what docs/run.md says, and that what docs/ci says to CI services works
#
# usage: [KERNEL=6.1] scripts/run-check.sh [CASES]
#
# CASES is some of "caller programs order terminal files ends parameters refusals ci" (default: all). The guest is booted
# some 15 times. The last line is "N passed, N failed, N skipped", of checks.
set -eu
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/cases.sh"

[ $# -le 1 ] || usage 2 >&2
case ${1-} in
-*) arguments 0 "$@" ;;
esac
cases=${1:-caller programs order terminal files ends parameters refusals ci}
kernel=${KERNEL:-6.1}
unset KERNEL
"$top/scripts/setup.sh" vm build python3

temporary=$(mktemp -d "${TMPDIR:-/tmp}/iodemo.XXXXXX")
session=
trap '[ -z "$session" ] || kill -s TERM -- "-$session" 2>/dev/null || :; rm -rf "$temporary"' EXIT
# A folder of which a script can get wrong what there is to get wrong, and one to find what is left behind
folder="$temporary/it's \$HOME"
mkdir "$folder" "$temporary/left"
cases_said=$temporary/errors

# run ARGUMENT...: run.sh in the folder; leaves output, errors and $status
run()
{
	status=0
	(cd "$folder" && TMPDIR="$temporary/left" exec "$top/scripts/run.sh" -k "$kernel" -t 300 "$@") \
		>"$temporary/output" 2>"$temporary/errors" || status=$?
}

# says PATTERN: whether the errors have it, as a word for check
says()
{
	grep -q "$1" "$temporary/errors" && echo yes || echo no
}

# What runs, or lies about, of what run.sh began
left()
{
	ls "$temporary/left"
	for process in /proc/[0-9]*; do
		words=$(tr '\0' ' ' 2>/dev/null <"$process/cmdline") || continue
		case $words in
		*qemu*"$temporary/left"* | *cat*"$temporary/left"*) echo "$words" ;;
		esac
	done
}

caller()
{
	# As they are here, so they are there; what the shell makes of PATH and _ is another thing
	command='id; pwd; umask; env -0 | sort -z | grep -zv "^\(PATH\|_\)=" | tr "\0" "\n"; sha256sum "$(command -v python3)"
		python3 -c "import sys; print(sys.version, sys.prefix)"; stat -c "%n %a %U %s %y" . ../left /etc/passwd'
	odd="two
lines, 'quotes' and \$HOME"
	(cd "$folder" && umask 027 && ODD=$odd sh -c "$command") >"$temporary/here"
	status=0
	(cd "$folder" && umask 027 && ODD=$odd make -s -C "$top" run KERNEL="$kernel" \
		CMD="$command; echo \"errors of \$PWD\" >&2" PARAMS=period_us=0) \
		>"$temporary/output" 2>"$temporary/errors" </dev/null || status=$?
	check 'make run: folder, user, environment, umask and files are the caller'"'"'s' \
		"$(cat "$temporary/here")" "$(cat "$temporary/output")"
	check 'make run: errors are not output' "errors of $folder" "$(tail -n 1 "$temporary/errors")"
	check 'make run: the status of a command that is content' 0 "$status"
}

# The program that docs/run.md shows
example()
{
	sed -n '/^```python/,/^```$/{/^```/d;p;}' "$top/docs/run.md"
}

programs()
{
	example >"$folder/mytest.py"
	cat >"$folder/program.c" <<-'END'
		#include <fcntl.h>
		#include <stdio.h>
		#include <sys/ioctl.h>
		#include <unistd.h>
		#include "iodemo.h"

		int main(void)
		{
			int fd = open("/dev/iodemo", O_RDWR);
			struct iodemo_client_config client = {};
			struct iodemo_record record;
			__u32 count = 2;

			if (ioctl(fd, IODEMO_GET_CLIENT, &client))
				return 1;
			client.format = IODEMO_FORMAT_RAW;
			if (ioctl(fd, IODEMO_SET_CLIENT, &client) || ioctl(fd, IODEMO_TRIGGER, &count))
				return 1;
			while (count-- && read(fd, &record, sizeof(record)) == sizeof(record))
				printf("record %llu\n", (unsigned long long)record.seq);
			return 7;
		}
	END
	gcc -I"$top/uapi" -o "$folder/program" "$folder/program.c"
	# It ends only if every answer comes before the next question
	mkfifo "$temporary/questions" "$temporary/answers" "$temporary/complaints"
	cat >"$folder/talk.sh" <<-'END'
		echo output; read -r line; echo "$line" >&2; read -r line; echo "$line"; cat | sha256sum
		python3 mytest.py && ./program
	END
	# shellcheck disable=SC2094
	(cd "$folder" && TMPDIR="$temporary/left" exec "$top/scripts/run.sh" -k "$kernel" -t 300 -p period_us=0 '. ./talk.sh') \
		<"$temporary/questions" >"$temporary/answers" 2>"$temporary/complaints" &
	talker=$!
	exec 5>"$temporary/questions" 6<"$temporary/answers" 7<"$temporary/complaints"
	read -r line <&6 || :
	check 'output comes before the command ends' output "$line"
	echo errors >&5
	while read -r line <&7 && [ "$line" != errors ]; do :; done
	check 'errors come before the command ends' errors "$line"
	echo input >&5
	read -r line <&6 || :
	check 'input comes as it is written' input "$line"
	head -c 300000 /bin/sh >"$temporary/blob"
	cat "$temporary/blob" >&5
	exec 5>&-
	check 'input ends, and is whole' "$(sha256sum <"$temporary/blob")" "$(head -n 1 <&6)"
	status=0
	wait "$talker" || status=$?
	check 'a program that this machine compiled, and its status' 7 "$status"
	exec 6<&- 7<&-
	run -p period_us=0 'python3 mytest.py && ./program; head -c 3000000 /dev/zero | tr "\0" x' </dev/null
	check 'a python3 program has the record that it asked for' 0 "$(head -n 1 "$temporary/output" | cut -d ' ' -f 1)"
	check 'a C program has the records that it asked for' 'record 1 record 2 ' \
		"$(grep '^record' "$temporary/output" | tr '\n' ' ')"
	check 'much output is whole' 3000000 "$(tail -n 1 "$temporary/output" | wc -c)"
}

order()
{
	command='for i in 1 2 3 4 5 6 7 8 9; do echo $i; echo $i >&2; done; kill -9 $$'
	status=0
	(cd "$folder" && exec "$top/scripts/run.sh" -k "$kernel" "$command") >"$temporary/output" 2>&1 </dev/null || status=$?
	check 'output and errors are in their order where they go to one place' '1 1 2 2 3 3 4 4 5 5 6 6 7 7 8 8 9 9 ' \
		"$(grep '^[1-9]$' "$temporary/output" | tr '\n' ' ')"
	check 'a command that a signal ended' 137 "$status"
}

terminal()
{
	command='test -t 1 && test -t 2 && ! read -r line && stty -F /dev/stdout size'
	script -qec "stty rows 33 cols 99; '$top/scripts/run.sh' -k $kernel '$command'" "$temporary/script" \
		</dev/null >"$temporary/output" 2>&1 || :
	check 'a terminal is one, of its size' '33 99' "$(tr -d '\r' <"$temporary/output" | grep '^[0-9]* [0-9]*$')"
}

# look: all that can be seen of the files that are not to change
look()
{
	(cd "$folder" && find victim -printf '%p %y %m %U %G %n %s %T@ %C@ %l\n' | sort &&
		find victim -type f -exec sha256sum {} +)
}

files()
{
	mkdir -p "$folder/victim/folder"
	echo old >"$folder/victim/file"
	ln -s file "$folder/victim/link"
	# Each of them alters, and each is tried in the command's view, and from a root shell outside of it
	cat >"$folder/alter.sh" <<-'END'
		cd "$1" || exit
		echo x >>file
		: >file
		true 1<>file && echo x 1<>file
		truncate -s 1 file
		perl -e 'use Fcntl; sysopen(F, "file", O_RDONLY | O_TRUNC) or die "$!\n"'
		perl -e '$f = "file"; syscall(76, $f, 1) == 0 or die "$!\n"'
		perl -e '@a = ("file", "user.x", "x"); syscall(188, @a, 1, 0) == 0 or die "$!\n"'
		chmod 777 file
		chown 1:1 file
		touch -d @1000000000 file
		ln file hard
		ln -s file soft
		mknod node p
		mknod disk b 7 0
		mkdir new
		mv file moved
		mv folder moved-folder
		rm -f link
		rmdir folder
	END
	# What runs there is told line by line: "cd" first, and each alone
	cat >"$folder/each.sh" <<-'END'
		sed 1d "$2/../alter.sh" | while IFS= read -r line; do
			if said=$(cd "$1" && sh -c "$line" 2>&1); then
				echo "altered: $line"
			else
				case $said in
				*'Read-only file system'*) echo refused ;;
				*) echo "$line: $said" ;;
				esac
			fi
		done
	END
	cat >"$folder/outside.sh" <<-'END'
		mount -o remount,rw /host
		grep -c '^host /host 9p rw' /proc/mounts
		sh "/host$1/each.sh" "/host$1/victim" "/host$1/victim"
		umount /new/run/iodemo/job /job
		mount -t 9p -o rw,trans=virtio,version=9p2000.L job /job && grep -c '^job /job 9p rw' /proc/mounts
		echo x >/job/new || echo refused
		echo x >/job/first || echo refused
	END
	count=$(($(wc -l <"$folder/alter.sh") - 1))
	look >"$temporary/before"
	run 'mv victim/file victim/other; echo new >victim/file; cat victim/file victim/link; rm -r victim/folder; ls victim
		mkdir -p /etc/new && echo x >>/etc/passwd && tail -n 1 /etc/passwd' </dev/null
	look >"$temporary/after"
	if [ "$(id -u)" -eq 0 ]; then
		expected='new new file link other x '
	else
		expected='new new file link other '
	fi
	check 'what the command writes, it reads' "$expected" "$(tr '\n' ' ' <"$temporary/output")"
	check 'and this machine does not' "$(cat "$temporary/before")" "$(cat "$temporary/after")"
	check 'nor are the files of the system altered' no "$([ -e /etc/new ] && echo yes || echo no)"
	if [ "$(id -u)" -ne 0 ]; then
		skip 'root of the guest alters nothing of this machine' 'the command is not root'
		return
	fi
	run 'chroot /proc/1/root /bin/sh "/host$PWD/outside.sh" "$PWD"' </dev/null
	look >"$temporary/after"
	check "root of the guest alters nothing of this machine: all $count attempts are refused, and those at the job" \
		"$(echo 1; yes refused | head -n "$count"; echo 1; echo refused; echo refused)" "$(cat "$temporary/output")"
	check 'and nothing is altered' "$(cat "$temporary/before")" "$(cat "$temporary/after")"
}

# begin COMMAND...: run it in a session of its own, as a terminal would, and wait until it says "ready"
begin()
{
	rm -f "$temporary/ready"
	mkfifo "$temporary/ready"
	(cd "$folder" && TMPDIR="$temporary/left" exec setsid env --default-signal=INT "$@") \
		</dev/null >"$temporary/ready" 2>"$temporary/errors" &
	session=$!
	exec 6<"$temporary/ready"
}

# ended WHAT EXPECTED: what the session has said, its status, and what it has left
ended()
{
	status=0
	wait "$session" || status=$?
	session=
	exec 6<&-
	check "$1" "$2" "$line $status $(left)"
}

ends()
{
	command='echo ready; cat /dev/iodemo'
	begin make -s -C "$top" run KERNEL="$kernel" CMD="$command" PARAMS=period_us=0
	read -r line <&6 || :
	kill -s INT -- "-$session"
	ended 'Ctrl-C ends the guest and all that belongs to it' 'ready 130 '

	begin "$top/scripts/run.sh" -k "$kernel" -p period_us=0 "$command"
	read -r line <&6 || :
	kill -TERM "$session"
	ended 'so does a SIGTERM to the script alone' 'ready 143 '

	begin "$top/scripts/run.sh" -k "$kernel" "$command"
	line=
	until left | grep -q qemu || ! kill -0 "$session" 2>/dev/null; do sleep 0.2; done
	kill -s INT -- "-$session"
	ended 'so does Ctrl-C while the guest boots' ' 130 '

	begin "$top/scripts/run.sh" -k "$kernel" 'yes ready'
	read -r line <&6 || :
	exec 6<&-
	ended 'so does a reader that has enough' 'ready 141 '

	begin "$top/scripts/run.sh" -k "$kernel" '(trap "" HUP; sleep 1000) </dev/iodemo & echo ready'
	read -r line <&6 || :
	ended 'so does the end of a command which leaves others behind' 'ready 0 '
}

parameters()
{
	run -p 'period_us=3' 'echo not to be run' </dev/null
	check "a parameter out of range: the module's words" '125 yes yes' \
		"$status $(says 'period_us=3 is out of range: 10\.\.60000000') $(says 'Invalid argument')"
	check 'and no command' '' "$(cat "$temporary/output")"
	run -p 'perod_us=0' 'echo not to be run' </dev/null
	check 'a parameter that there is not' '125 yes' "$status $(says "unknown parameter 'perod_us'")"
	run -p 'period_us=0 devices=2' 'ls /dev/iodemo*' </dev/null
	check 'two parameters' '0 /dev/iodemo /dev/iodemo1 ' "$status $(tr '\n' ' ' <"$temporary/output")"
}

# refused WHAT PATTERN MAKE-ARGUMENT...
refused()
{
	what=$1
	pattern=$2
	shift 2
	status=0
	make -s -C "$top" run "$@" </dev/null >"$temporary/output" 2>"$temporary/errors" || status=$?
	check "$what is refused" '2 yes' "$status $(says "$pattern")"
}

refusals()
{
	refused 'no command' 'no command: make run CMD='
	refused 'a folder that there is not' "$temporary/nothing" CMD=true DIR="$temporary/nothing"
	refused "a folder that is the guest's own" '/dev/shm: the guest has' CMD=true DIR=/dev/shm
	refused 'the debug kernel' 'KERNEL=debug has no 9p' CMD=true KERNEL=debug
	refused 'a kernel that there is not' 'no generic kernel 5.99' CMD=true KERNEL=5.99
	cloud=$("$top/scripts/kernel.sh" "$kernel")
	refused 'a kernel without 9p' 'has no 9p: take one' CMD=true KERNEL="$cloud/bzImage" KDIR="$cloud/build"
}

# steps FILE KEY...: the commands of these keys, "run: |" or a list, in the order in which they stand
steps()
{
	file=$1
	shift
	awk -v keys=" $* " '
	{
		match($0, /^ */)
		indent = RLENGTH
		line = substr($0, indent + 1)
	}
	inside && line != "" && indent <= at { inside = 0 }
	inside && line !~ /^#/ { sub(/^- /, "", line); print line; next }
	{
		sub(/^- /, "", line)
		name = line
		sub(/:.*/, "", name)
		if (index(keys, " " name ": ")) {
			rest = line
			sub(/^[a-z_]*: */, "", rest)
			if (rest == "" || rest == "|")
				inside = 1
			else
				print rest
			at = indent
		}
	}' "$file"
}

# reported: the reports that check.sh has left, and of which program they are
reported()
{
	cd "$project/.iodemo/build" && for file in check-*.xml; do
		echo "$file $(sed -n 's/.*<testsuite name="iodemo\.\([^"]*\)".*/\1/p' "$file")"
	done
}

ci()
{
	project=$temporary/project
	mkdir "$project"
	example >"$project/mytest.py"
	: >"$temporary/variables"
	{ steps "$top/docs/ci/github/workflow.yml" run:; steps "$top/docs/ci/github/action.yml" run:; } >"$temporary/github"
	status=0
	(cd "$project" && COMMAND='python3 mytest.py; exit 5' PARAMS=period_us=0 KERNEL="$kernel" TIMEOUT=600 \
		GITHUB_OUTPUT="$temporary/variables" GITHUB_ACTION_PATH="$top/docs/ci/github" sh -e "$temporary/github") \
		</dev/null >"$temporary/output" 2>"$temporary/errors" || status=$?
	check 'GitHub: the steps run the command, and have its status' '5 0' \
		"$status $(tail -n 1 "$temporary/output" | cut -d ' ' -f 1)"
	check 'GitHub: the key of the cache' "week=$(date +%G-%V)" "$(cat "$temporary/variables")"

	steps "$top/docs/ci/gitlab-ci.yml" before_script: script: >"$temporary/gitlab"
	mkdir "$temporary/cache"
	ln -s "$cache" "$temporary/cache/iodemo"
	status=0
	(cd "$project" && IODEMO_URL="file://$top" IODEMO_KERNEL="$kernel" IODEMO_TESTS=blocking CI_PROJECT_DIR="$project" \
		XDG_CACHE_HOME="$temporary/cache" sh -e "$temporary/gitlab") \
		</dev/null >"$temporary/output" 2>"$temporary/errors" || status=$?
	check 'GitLab: the script runs the command' '0 0' "$status $(sed -n 's/^\(0\) .*sample.*/\1/p' "$temporary/output")"
	check 'GitLab: the report is where the file says' "check-$kernel.xml blocking" "$(reported)"

	rm -f "$project"/.iodemo/build/check-*
	mv "$project/.iodemo" "$project/iodemo"
	steps "$top/docs/ci/github/selftests.yml" run: >"$temporary/github"
	status=0
	(cd "$project" && KERNEL="$kernel" TESTS=blocking XDG_CACHE_HOME="$temporary/cache" sh -e "$temporary/github") \
		</dev/null >"$temporary/output" 2>"$temporary/errors" || status=$?
	mv "$project/iodemo" "$project/.iodemo"
	check 'GitHub: the selftests run, and leave their report' "0 check-$kernel.xml blocking" "$status $(reported)"
}

for case in $cases; do
	case $case in
	caller | programs | order | terminal | files | ends | parameters | refusals | ci) "$case" ;;
	*) die "$case: no such case; there are caller, programs, order, terminal, files, ends, parameters, refusals and ci" ;;
	esac
done
check 'nothing is left behind' '' "$(left)"
verdict
