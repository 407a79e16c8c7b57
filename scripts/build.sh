#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# build.sh: build the module, the programs and the selftests for one guest kernel
#
# usage: [BITS=64] scripts/build.sh KERNEL-FOLDER BUILD-FOLDER [PART...]
#
# KERNEL-FOLDER is what scripts/kernel.sh printed. PART is modules, userspace, selftests, exercises or none; the first three
# without. What goes into the guest is left in BUILD-FOLDER/root. The build runs in BUILD-FOLDER/tree, a tree of links to
# the sources here, so that the builds for several kernels, and one's own in place, never meet. The caller holds
# BUILD-FOLDER/lock. BITS=32 builds the programs and the selftests for 32 bits, with a C library and more of Debian's i386
# (scripts/sysroot.sh), which the guest gets too.
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
bits=${BITS:-64}
case $bits in
32 | 64) ;;
*) die "BITS=$bits: there are 32 and 64" ;;
esac

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
	# shellcheck disable=SC2046
	make -C "$kernel/build" M="$tree" -j "$jobs" $(cat "$kernel/arguments" 2>/dev/null) UBSAN_SANITIZE=y \
		GCOV_PROFILE=y modules || return
	for module in "$tree"/modules/*/*.ko; do
		release=$(PATH=$PATH:/usr/sbin:/sbin modinfo -F vermagic "$module" | cut -d ' ' -f 1)
		place=$root/lib/modules/$release
		mkdir -p "$place/extra" && cp "$module" "$place/extra/" || return
	done
	[ ! -d "$kernel/modules" ] || cp -r "$kernel/modules/." "$place/" || return
	touch "$place/modules.order" "$place/modules.builtin" &&
		PATH=$PATH:/usr/sbin:/sbin depmod -b "$root" "$release"
}

build_userspace()
{
	make -C "$tree/userspace" -j "$jobs" "$@" all &&
		make -C "$tree/userspace" DESTDIR="$root" PREFIX=/usr "$@" install
}

# As the kernel's own "make kselftest-install" lays it out, so that its run_kselftest.sh runs it
build_selftests()
{
	kselftest=$source/tools/testing/selftests
	install=$root/opt/kselftest
	mkdir -p "$build/selftests" "$install"
	set -- -C "$tree/selftests" "$@" KSELFTEST="$kselftest" OUTPUT="$build/selftests"
	make "$@" -j "$jobs" all &&
		make "$@" INSTALL_PATH="$install/iodemo" install &&
		cp -a "$kselftest/run_kselftest.sh" "$kselftest/kselftest" "$install/" &&
		make -s --no-print-directory "$@" COLLECTION=iodemo emit_tests >"$install/kselftest-list.txt"
}

build_exercises()
{
	make -C "$tree/docs/exercises" -j "$jobs" "$@" OUTPUT="$root/opt/exercises" all
}

# Of another architecture: what is named by the programs, and by what these name; and the library that ends a thread
copy_libraries()
{
	multiarch=$root/usr/lib/$triplet
	mkdir -p "$multiarch" "$root/lib" && cp "$sysroot/lib/ld-linux.so.2" "$root/lib/" &&
		cp "$sysroot/usr/libexec/coreutils/libstdbuf.so" "$multiarch/" || return
	wanted='libgcc_s.so.1'
	while [ -n "$wanted" ]; do
		for library in $wanted; do
			cp "$(find "$sysroot/lib/$triplet" "$sysroot/usr/lib/$triplet" -name "$library" | head -n 1)" \
				"$multiarch/" || return
		done
		wanted=$(find "$root/usr" "$root/opt" -type f \( -perm -u+x -o -name '*.so*' \) -exec readelf -d {} + 2>/dev/null |
			sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' | sort -u | while read -r library; do
			[ -e "$multiarch/$library" ] || [ -e "$root/lib/$library" ] || echo "$library"
		done)
	done
}

# stdbuf names one library, for programs of one kind; the loader puts its own folder for $LIB
write_stdbuf()
{
	mkdir -p "$root/usr/bin" "$root/usr/lib/x86_64-linux-gnu" &&
		cp /usr/libexec/coreutils/libstdbuf.so "$root/usr/lib/x86_64-linux-gnu/" || return
	cat >"$root/usr/bin/stdbuf" <<-'END'
		#!/bin/sh
		# stdbuf -oL|--output=L PROGRAM..., for programs of 32 and of 64 bits
		while [ "${1#-}" != "$1" ]; do
			shift
		done
		_STDBUF_O=L LD_PRELOAD='/usr/$LIB/libstdbuf.so' exec "$@"
	END
	chmod +x "$root/usr/bin/stdbuf"
}

# For programs of 32 bits: what make is to be told, and how pkg-config finds what they are built with
for_32_bits()
{
	triplet=i386-linux-gnu
	sysroot=$("$top/scripts/sysroot.sh" i386)
	compiler="gcc -m32 --sysroot=$sysroot -B$sysroot/usr/lib/gcc/i686-linux-gnu/$(gcc -dumpversion | cut -d . -f 1)/"
	PKG_CONFIG_SYSROOT_DIR=$sysroot
	PKG_CONFIG_LIBDIR=$sysroot/usr/lib/$triplet/pkgconfig:$sysroot/usr/share/pkgconfig
	export PKG_CONFIG_SYSROOT_DIR PKG_CONFIG_LIBDIR
}

[ -e "$kernel/build" ] || die "$kernel: not a kernel folder (no link build); scripts/kernel.sh prints one"
"$top/scripts/setup.sh" build
case $parts in
*selftests*)
	"$top/scripts/setup.sh" test
	source=$("$top/scripts/kernel.sh" source)
	;;
esac

compiler=gcc
[ "$bits" = 64 ] || for_32_bits
mkdir -p "$build"
rm -rf "$root"
mkdir "$root"
step "linking the sources into $tree" link_sources
for part in $parts; do
	case $part in
	none) ;;
	modules) step "building $part" "build_$part" ;;
	userspace | selftests | exercises) step "building $part" "build_$part" CC="$compiler" ;;
	*) die "$part: not a part; there are modules, userspace, selftests, exercises and none" ;;
	esac
done
if [ "$bits" = 32 ]; then
	step "taking the libraries of $sysroot along" copy_libraries
	write_stdbuf
fi
