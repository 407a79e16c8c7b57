#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# fleet.sh: make what others boot who run kernels on many machines: a kernel, a file system with the tests, a LAVA job
#
# usage: [KERNEL=6.1] [TESTS="multiplexing signal"] [URL=https://files.example.org/iodemo] scripts/fleet.sh
#
# Leaves in build/fleet-KERNEL: bzImage and initramfs.cpio.gz, which load the module, run the tests (those in TESTS, or
# all) and show KTAP on the console, and then the kernel's log; modules.tar.xz and kselftest.tar.xz, the same for who
# has a file system of his own; and lava.yaml, a job with the files at URL (default: where they are here). See
# docs/fleet.md.
set -eu
. "$(dirname "$0")/lib.sh"

arguments 0 "$@"
kernel=${KERNEL:-6.1}

# In the guest, before the kernel's log comes
guest_command()
{
	echo '#!/bin/sh'
	echo 'cd /opt/kselftest || exit 1'
	printf './run_kselftest.sh'
	for test in ${TESTS-}; do
		printf ' -t iodemo:%s' "$test"
	done
	echo
}

make_initramfs()
{
	"$top/scripts/initramfs.sh" "$build/root" "$temporary/command" "$temporary/initramfs" &&
		gzip -n "$temporary/initramfs" && mv "$temporary/initramfs.gz" "$fleet/initramfs.cpio.gz"
}

# archive NAME FOLDER: the same files make the same archive
archive()
{
	tar -cJf "$fleet/$1" -C "$build/root" --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner "$2"
}

[ "$arch" = amd64 ] || die "ARCH=$arch: the job in docs/fleet is for amd64"
for test in ${TESTS-}; do
	grep -qE "^TEST_(GEN_)?PROGS .*= .*\<$test(\>|\.)" "$top/selftests/Makefile" || die "TESTS: no test program $test"
done
"$top/scripts/setup.sh" vm test
folder=$("$top/scripts/kernel.sh" "$kernel")
build=$(build_folder "$kernel" "$folder")
fleet=$top/build/fleet-${build##*/}
temporary=$(mktemp -d "${TMPDIR:-/tmp}/iodemo.XXXXXX")
trap 'rm -rf "$temporary"' EXIT
lock "$build/lock"
"$top/scripts/build.sh" "$folder" "$build"
rm -rf "$fleet"
mkdir -p "$fleet"
cp -L "$folder/bzImage" "$fleet/bzImage"
guest_command >"$temporary/command"
step 'making the initramfs' make_initramfs
step 'packing modules and tests' archive modules.tar.xz lib/modules
step 'packing the tests' archive kselftest.tar.xz opt/kselftest
sed "s|https://example.org/iodemo|${URL:-file://$fleet}|" "$top/docs/fleet/lava.yaml" >"$fleet/lava.yaml"
ls "$fleet"/*
