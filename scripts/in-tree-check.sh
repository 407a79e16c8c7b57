#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# in-tree-check.sh: put iodemo into a real kernel tree, and see that it builds, reads, boots and is tested there
#
# usage: [KERNEL=6.1] [TESTS="multiplexing signal"] scripts/in-tree-check.sh [CASES]
#
# CASES is some of "place documents tests build boot" (default: all), of Debian's linux-source-6.1, of which build/in-tree
# has a copy: place puts the files there; documents makes the pages of "make htmldocs"; tests builds and installs the selftests
# as kernel trees do, and runs them, or those in TESTS, in the virtual machine, on KERNEL; build compiles the driver with
# W=1, built in, as a module, and in the smallest kernel; boot builds that kernel whole, which takes some minutes the first
# time, and starts it with the device built in, and with the tree's own module. The last line is "N passed, N failed, N
# skipped".
set -eu
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/cases.sh"

[ $# -le 1 ] || usage 2 >&2
case ${1-} in
-*) arguments 0 "$@" ;;
esac
cases=${1:-place documents tests build boot}
kernel=${KERNEL:-6.1}
unset KERNEL
for case in $cases; do
	case $case in
	place | documents | tests | build | boot) ;;
	*) die "$case: no such case; there are: place documents tests build boot" ;;
	esac
done

build=$top/build/in-tree
tree=$build/tree
jobs=$(nproc)
listed='MAINTAINERS drivers/misc/Kconfig drivers/misc/Makefile Documentation/misc-devices/index.rst
Documentation/userspace-api/ioctl/ioctl-number.rst tools/testing/selftests/Makefile'
ours='Documentation/misc-devices/iodemo.rst drivers/misc/iodemo* include/uapi/linux/iodemo.h tools/testing/selftests/iodemo'
cases_said=$build/said

# A copy takes no room where links can be made; in-tree.sh alters no file in place, and make writes elsewhere
copy_tree()
{
	rm -rf "$tree" "$tree.new" "$build/link"
	links=
	! ln "$source/Makefile" "$build/link" 2>/dev/null || links=l
	cp "-a$links" "$source" "$tree.new" && mv "$tree.new" "$tree" && basename "$source" >"$build/of"
}

in_tree()
{
	"$top/scripts/in-tree.sh" "$tree"
}

# configure OUT: the smallest kernel, and what stands in $build/config
configure()
{
	mkdir -p "$1"
	make -C "$tree" O="$1" tinyconfig &&
		"$tree/scripts/kconfig/merge_config.sh" -m -O "$1" "$1/.config" "$build/config" &&
		make -C "$1" olddefconfig
}

# A machine to run the tests in, and nothing that watches it
machine()
{
	cat "$top/scripts/kernel/machine.config"
	echo "CONFIG_IODEMO=$1"
}

# What make had to say; some files have such a word in their name
warnings()
{
	grep -iE '(warning|error):|Error [0-9]' "$build/said" || :
}

# refused WHAT FILE TREE: with these words, and a status
refused()
{
	status=0
	"$top/scripts/in-tree.sh" "$3" >"$build/said" 2>&1 || status=$?
	check "$1" "1 $2" "$status $(sed -n "s|^in-tree.sh: \([^:]*\): .*|\1|p" "$build/said")"
}

# state: of all that in-tree.sh has to do with
state()
{
	# shellcheck disable=SC2086
	(cd "$tree" && find $listed $ours ! -type d ! -path '*/iodemo/*.o' -exec ls -l --time-style=full-iso {} + | sort -k 9)
}

check_place()
{
	state >"$build/before"
	step 'putting it there again' in_tree
	check 'to do it twice is harmless' '' "$(state | diff "$build/before" -)"

	echo >"$tree/drivers/misc/iodemo/gone.c"
	step 'and again' in_tree
	check 'what is no longer ours goes' '' "$(state | diff "$build/before" -)"

	for file in $listed; do
		echo "$file $(diff "$source/$file" "$tree/$file" | grep -c '^[<>]')"
	done >"$build/hooks"
	stanza=$(sed -n '/^IODEMO DEVICE$/,/^$/p' "$tree/MAINTAINERS" | grep -c '')
	modules=$(find "$top/modules" -name Kbuild | grep -c '')
	check 'what lists such files has what it needs more, and no other line' \
		"$(echo "$listed" | tr ' ' '\n' | sed "s/\$/ 1/; s/^MAINTAINERS 1/MAINTAINERS $stanza/
			s/^\(drivers.*\) 1/\1 $modules/")" "$(cat "$build/hooks")"
	check 'the kernel finds who answers for the driver' 'maintainer:IODEMO DEVICE' \
		"$(cd "$tree" && perl scripts/get_maintainer.pl --no-git --no-git-fallback -f drivers/misc/iodemo/main.c |
			grep -o '[^(]*:IODEMO DEVICE')"
	perl "$tree/scripts/parse-maintainers.pl" --order --input="$tree/MAINTAINERS" --output="$build/ordered"
	check 'the stanza is where the order of titles has it' "$(around "$build/ordered")" "$(around "$tree/MAINTAINERS")"
	check 'the tree it was copied from is as it was' '' "$(find "$source" -newer "$build/begun" ! -type d)"

	refused 'a folder that is no kernel tree' "$build" "$build"
	odd_tree
	refused 'a list that has no place for it' "$build/odd/drivers/misc/Kconfig" "$build/odd"
}

# The titles beside ours
around()
{
	grep -E '^[A-Z0-9][^:]' "$1" | grep -A 1 -B 1 '^IODEMO DEVICE$'
}

# A tree whose drivers/misc/Kconfig has nothing
odd_tree()
{
	rm -rf "$build/odd"
	for file in $listed Makefile Kbuild include/uapi/linux/types.h; do
		mkdir -p "$build/odd/$(dirname "$file")"
		cp "$source/$file" "$build/odd/$file"
	done
	: >"$build/odd/drivers/misc/Kconfig"
}

check_documents()
{
	"$top/scripts/setup.sh" htmldocs
	# shellcheck disable=SC2086
	(cd "$tree" && find $ours -name '*.[ch]' -exec scripts/kernel-doc -Werror -none {} +) >"$build/said" 2>&1 || :
	check 'kernel-doc has nothing to say of our files' '' "$(cat "$build/said")"

	page=$build/documents/Documentation/output/misc-devices/iodemo.html
	rm -rf "$build/documents"
	mkdir "$build/documents"
	step 'make htmldocs' make -C "$tree" O="$build/documents" SPHINXDIRS=misc-devices SPHINXOPTS="-w $build/said" htmldocs
	check 'make htmldocs has nothing to say of our files' '' "$(grep -E 'iodemo|undefined' "$build/said" || :)"
	{
		sed -n 's/^\.S[hs] //p' "$top/userspace/man/iodemo.4"
		echo INTERFACE
		sed -n 's/^ \* \(struct \)\{0,1\}\(iodemo_[a-z_]*\)\(()\)\{0,1\} - .*/\2/p' "$top/uapi/iodemo.h"
	} >"$build/wanted"
	check 'the page has every section of the manual, and the whole interface' "$(cat "$build/wanted")" \
		"$(sed -n 's|^<h[23]>\(.*\)<a .*</h[23]>$|\1|p; s/.*id="c\.\(iodemo_[a-z_]*\)">.*/\1/p' "$page")"
}

# compiled WHAT OUT OBJECT: our folder alone, anew
compiled()
{
	rm -rf "$2/drivers/misc/iodemo"
	step "preparing the kernel: $1" make -C "$2" -j "$jobs" prepare
	make -C "$2" -j "$jobs" W=1 drivers/misc/iodemo/ >"$build/said" 2>&1 || echo "Error $?" >>"$build/said"
	check "$1, W=1: no warning" '' "$(warnings)"
	check "$1: compiled" yes "$([ -s "$2/drivers/misc/iodemo/$3" ] && echo yes)"
}

check_build()
{
	machine y >"$build/config"
	step 'configuring the kernel: built in' configure "$build/out"
	compiled 'built in' "$build/out" built-in.a
	machine m >"$build/config"
	step 'configuring the kernel: as a module' configure "$build/out"
	compiled 'as a module' "$build/out" iodemo.o
	printf '%s\n' CONFIG_64BIT=y CONFIG_IO_URING=y CONFIG_IODEMO=y >"$build/config"
	step 'configuring the kernel: the smallest' configure "$build/tiny"
	compiled 'in the smallest kernel' "$build/tiny" built-in.a
}

make_kernel()
{
	make -C "$build/out" -j "$jobs" bzImage modules >"$build/said" 2>&1 || { cat "$build/said" && return 1; }
}

# build_kernel CHOICE: all of it
build_kernel()
{
	machine "$1" >"$build/config"
	step "configuring the kernel: IODEMO=$1" configure "$build/out"
	step "building the kernel, IODEMO=$1 (some minutes, once)" make_kernel
	check "IODEMO=$1: the link has nothing to say of ours" '' "$(warnings)"
}

# in_machine COMMAND OPTION...: on the kernel that was just built
in_machine()
{
	command=$1
	shift
	status=0
	KDIR=$build/out "$top/scripts/vm.sh" -k "$build/out/arch/x86/boot/bzImage" -p userspace -o "$build/output" "$@" \
		run "$command" || status=$?
	echo "status $status" >>"$build/output"
}

# In the guest: two devices, of which the second is fired
drive()
{
	cat <<-'END'
		echo "version $(cat /sys/module/iodemo/version)"
		grep -o '^iodemo ' /proc/modules
		printf '%s\n' /dev/iodemo*
		exec 3</dev/iodemo1
		iodemo-ctl -d /dev/iodemo1 trigger 3
		head -n 3 <&3 | cut -d ' ' -f 1,4,5
	END
}

# driven [LINE]: what that says, where modules tell of LINE
driven()
{
	printf '%s\n' "version $(cat "$top/VERSION")" "$@" /dev/iodemo /dev/iodemo1 \
		'0 sample 0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcd' \
		'1 sample 123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcde' \
		'2 sample 23456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdef' \
		'status 0'
}

install_modules()
{
	rm -rf "$build/guest"
	make -C "$build/out" INSTALL_MOD_PATH="$build/guest/usr" modules_install
}

check_boot()
{
	build_kernel y
	in_machine "$(drive)" -l log.built-in -a 'iodemo.devices=2 iodemo.period_us=0'
	check 'built in, the device is there from the boot on, as the command line says, and works' \
		"$(driven)" "$(cat "$build/output")"
	build_kernel m
	step 'make modules_install' install_modules
	in_machine "modprobe iodemo devices=2 period_us=0; $(drive)" -l log.module -f "$build/guest"
	check "the tree's own module is loaded, and works" "$(driven 'iodemo ')" "$(cat "$build/output")"
}

# As Documentation/dev-tools/kselftest.rst has it
install_tests()
{
	rm -rf "$build/guest"
	make -C "$tree/tools/testing/selftests" O="$build/kselftest" TARGETS=iodemo FORCE_TARGETS=1 \
		KSFT_INSTALL_PATH="$build/guest/opt/kselftest" install
}

# In the guest
run_tests()
{
	echo 'cd /opt/kselftest || exit 1'
	printf './run_kselftest.sh'
	for test in ${TESTS-}; do
		printf ' -t iodemo:%s' "$test"
	done
}

check_tests()
{
	"$top/scripts/setup.sh" test
	step 'make kselftest-install' install_tests
	check 'all tests are installed, and listed' "$(programs | sort)" \
		"$(cd "$build/guest/opt/kselftest" && sed -n 's/^iodemo://p' kselftest-list.txt | sort | while read -r test; do
			[ ! -x "iodemo/$test" ] || echo "$test"
		done)"
	status=0
	"$top/scripts/vm.sh" -k "$kernel" -p 'modules userspace' -f "$build/guest" -t 1200 -l log.in-tree -o "$build/output" \
		run "$(run_tests)" || status=$?
	check 'the tests run, and the machine ends well' 0 "$status"
	awk -f "$top/scripts/ktap.awk" -f "$top/scripts/count.awk" "$build/output" >"$build/verdict" || :
	grep -v ' passed, ' "$build/verdict" || :
	# shellcheck disable=SC2046
	add $(sed -n 's/^\([0-9]*\) passed, \([0-9]*\) failed, \([0-9]*\) skipped$/\1 \2 \3/p' "$build/verdict")
}

# What selftests/Makefile says that there are
programs()
{
	sed -n 's/^TEST_\(GEN_\)\{0,1\}PROGS [:+]= //p' "$top/selftests/Makefile" | tr ' ' '\n'
}

# add PASSED FAILED SKIPPED
add()
{
	passed=$((passed + $1))
	failed=$((failed + $2))
	skipped=$((skipped + $3))
}

"$top/scripts/setup.sh" kernel in-tree
source=$("$top/scripts/kernel.sh" source)
mkdir -p "$build"
lock "$build/lock"
: >"$build/begun"
[ "$(cat "$build/of" 2>/dev/null)" = "$(basename "$source")" ] || step "copying $(basename "$source")" copy_tree
step 'putting iodemo into the tree' in_tree
for case in $cases; do
	"check_$case"
done
verdict
