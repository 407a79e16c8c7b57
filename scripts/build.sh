#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# build.sh: build the module, the programs and the selftests for one guest kernel
#
# usage: [ARCH=amd64] [BITS=64] scripts/build.sh KERNEL-FOLDER BUILD-FOLDER [PART...]
#
# KERNEL-FOLDER is what scripts/kernel.sh printed. PART is modules, userspace, selftests, exercises or none; the first three
# without. What goes into the guest is left in BUILD-FOLDER/root. The build runs in BUILD-FOLDER/tree, a tree of links to
# the sources here, so that the builds for several kernels, and one's own in place, never meet. The caller holds
# BUILD-FOLDER/lock. ARCH=arm64 builds for a guest of that architecture, BITS=32 the programs and the selftests for 32 bits,
# either with Debian's libraries for it (scripts/sysroot.sh).
set -eu
. "$(dirname "$0")/lib.sh"

case ${1-} in
-h | --help) usage ;;
esac
[ $# -ge 2 ] || usage 2 >&2

kernel=$1
build=$2
shift 2
parts=${*:-modules userspace selftests}
tree=$build/tree
root=$build/root
jobs=$(nproc)

# The sources: what git tracks or would track; in a tree that is not a checkout, even if it lies in one of another
# project's, all that is there but what make leaves in place
sources()
{
	cd "$top"
	set -- VERSION Kbuild modules uapi userspace selftests docs/exercises
	{ [ -e .git ] && git ls-files --cached --others --exclude-standard -- "$@" 2>/dev/null; } ||
		find "$@" ! -type d ! -name '*.[oad]' ! -name '*.ko' ! -name '*.mod' ! -name '*.mod.c' ! -name '*.so.*' \
			! -name '.*' ! -name modules.order ! -path 'userspace/iodemo-*[!c]'
}

link_sources()
{
	mkdir -p "$tree"
	sources | sort -u | while read -r file; do
		[ -e "$top/$file" ] || continue
		mkdir -p "$(dirname "$tree/$file")"
		ln -sfn "$top/$file" "$tree/$file"
	done
	find "$tree" -xtype l -delete
}

build_modules()
{
	# With a kernel that has UBSAN or gcov, the module is checked and counted even where the kernel itself is not
	cross=$(tools "$arch")
	# shellcheck disable=SC2046
	make -C "$kernel/build" M="$tree" -j "$jobs" $(cat "$kernel/arguments" 2>/dev/null) \
		${cross:+ARCH="$(echo "$arch" | sed s/amd64/x86_64/)" CROSS_COMPILE="$cross"} UBSAN_SANITIZE=y \
		GCOV_PROFILE=y IODEMO_SELFTESTS=y modules || return
	for module in "$tree"/modules/*/*.ko "$tree"/selftests/modules/*.ko; do
		release=$(PATH=$PATH:/usr/sbin:/sbin modinfo -F vermagic "$module" | cut -d ' ' -f 1)
		place=$root/lib/modules/$release
		mkdir -p "$place/extra" && cp "$module" "$place/extra/" || return
	done
	[ ! -d "$kernel/modules" ] || cp -r "$kernel/modules/." "$place/" || return
	touch "$place/modules.order" "$place/modules.builtin" &&
		PATH=$PATH:/usr/sbin:/sbin depmod -b "$root" "$release"
}

# make for the guest's programs: with this machine's libraries, or with those of another architecture
make_programs()
{
	if [ "$target" = "$native" ]; then
		make "$@"
		return
	fi
	prefix=$(tools "$target")
	PKG_CONFIG_SYSROOT_DIR=$sysroot PKG_CONFIG_LIBDIR=$sysroot/usr/lib/$("${prefix}gcc" -print-multiarch)/pkgconfig \
		make CC="${prefix}gcc --sysroot=$sysroot" AR="${prefix}ar" "$@"
}

build_userspace()
{
	make_programs -C "$tree/userspace" -j "$jobs" all &&
		make_programs -C "$tree/userspace" DESTDIR="$root" PREFIX=/usr install
}

# As the kernel's own "make kselftest-install" lays it out, so that its run_kselftest.sh runs it
build_selftests()
{
	kselftest=$source/tools/testing/selftests
	install=$root/opt/kselftest
	mkdir -p "$build/selftests" "$install"
	set -- -C "$tree/selftests" KSELFTEST="$kselftest" OUTPUT="$build/selftests"
	make_programs "$@" -j "$jobs" all &&
		make_programs "$@" INSTALL_PATH="$install/iodemo" install &&
		cp -a "$kselftest/run_kselftest.sh" "$kselftest/kselftest" "$install/" &&
		make_programs -s --no-print-directory "$@" COLLECTION=iodemo emit_tests >"$install/kselftest-list.txt"
}

build_exercises()
{
	make_programs -C "$tree/docs/exercises" -j "$jobs" OUTPUT="$root/opt/exercises" all
}

[ -e "$kernel/build" ] || die "$kernel: not a kernel folder (no link build); scripts/kernel.sh prints one"
"$top/scripts/setup.sh" build
[ "$target" = "$native" ] || sysroot=$("$top/scripts/sysroot.sh" "$target")
case $parts in
*selftests*)
	"$top/scripts/setup.sh" test
	source=$("$top/scripts/kernel.sh" source)
	;;
esac

mkdir -p "$build"
rm -rf "$root"
mkdir "$root"
step "linking the sources into $tree" link_sources
for part in $parts; do
	case $part in
	none) ;;
	modules | userspace | selftests | exercises) step "building $part" "build_$part" ;;
	*) die "$part: not a part; there are modules, userspace, selftests, exercises and none" ;;
	esac
done
