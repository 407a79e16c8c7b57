#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# kernel.sh: get a kernel for the virtual machine, and print the folder which holds it
#
# usage: scripts/kernel.sh KERNEL
#
# KERNEL is a version which Debian has or had (6.1, 6.12: the newest cloud kernel of that series in any suite that this
# machine has the compiler for), the same with "-generic" behind it (6.1-generic: Debian's kernel for real machines, with
# the modules that show the guest this machine's files) or "-rt" (6.1-rt: PREEMPT_RT), "newest" (the newest series that
# Debian has), or the path of a bzImage whose build tree is KDIR= in the environment.
#
# Or it is one that is built here, from Debian's source, scripts/kernel/machine.config and what the kind adds:
#   debug   what watches a driver at work (KASAN, lockdep, kmemleak ...), and what makes it fail
#   kcsan   what finds data races
#   gcov    what tells which lines were run
#   small   nothing
# each of 6.1, or of the series behind it, and by gcc or by clang: debug, small-6.12, debug-clang, small-newest-clang. A
# version for whose packages this machine has no compiler is built as small.
#
# "source" prints where the unpacked kernel source is (source-6.12: of that series), "clang" a folder with a build tree
# alone, prepared for modules that clang compiles.
#
# The folder holds bzImage, build (a link, for make -C) and, if there are any, modules (what the guest can load of the
# kernel's own, as in /lib/modules/RELEASE: virtio's, where it is not built in) and arguments (what make is to be told
# besides, as CC=clang); it is kept in ~/.cache/iodemo. Debian's kernels are for the guest's architecture, ARCH in the
# environment; what is built here is for amd64.
# shellcheck disable=SC2086
set -eu
. "$(dirname "$0")/lib.sh"

debian=$top/scripts/debian.sh
configs=$top/scripts/kernel
PATH=$PATH:/usr/sbin:/sbin

# The kernel's own modules that a guest is to have: to talk to this machine, and to see its files, and write beside them
talking='virtio_pci virtio_console'
sharing="$talking 9pnet_virtio 9p overlay"

# And to give programs the registers of hardware
registers='uio_pci_generic'

field()
{
	"$debian" show "$1" | sed -n "s/^$2: //p;/^$/q"
}

# Of the headers packages on stdin: "version release compiler", the newest first
table()
{
	sort -u | xargs -r "$debian" show | awk '
		/^Package:/ { release = substr($2, 15) }
		/^Version:/ { version = $2 }
		/^Depends:/ { match($0, /gcc-[0-9]+/); compiler = substr($0, RSTART, RLENGTH) }
		/^$/ && version { print version, release, compiler; version = "" }
		END { if (version) print version, release, compiler }' | sort -Vru
}

# Elsewhere than in Debian the kernel's compiler is not to be had, and the machine's own has to do
have_compiler()
{
	compiler_for "$1" "$arch" | {
		read -r package program
		! have_apt || command -v "$program" >/dev/null || apt-cache policy "$package" | grep -q 'Candidate: [0-9]'
	}
}

# Debian's kernels of this flavour; a name without one is of the generic
headers()
{
	"$debian" names 'linux-headers-' | grep -E "^linux-headers-[0-9].*-$flavour\$" |
		if [ "$flavour" = "$arch" ]; then grep -vE -e "-(cloud|rt)-$arch\$"; else cat; fi
}

# The newest series that Debian has kernels of
newest()
{
	"$debian" update
	"$debian" names linux-headers- | sed -n "s/^linux-headers-\([0-9]*\.[0-9]*\)[^ ]*-cloud-$arch\$/\1/p" | sort -V |
		tail -n 1
}

# Of the kernels that Debian has, the series that modules can be built for here
offered()
{
	table <"$list" | sed -n 's/^[^ ]* \([0-9]*\.[0-9]*\)[^ ]*/\1/p' | sort -Vu | while read -r series compiler; do
		! have_compiler "$compiler" || echo "$series"
	done | paste -s -d ' ' -
}

# resolve VERSION: the newest of those that modules can be built for; fails when Debian has some, and none is
resolve()
{
	headers >"$list" || :
	grep -E "^linux-headers-$(echo "$1" | sed 's/[.+]/\\&/g')([.+-].*)?-$flavour\$" "$list" | table >"$list.found" || :
	[ -s "$list" ] || die "KERNEL=$1: Debian's lists of packages have no kernel; to read them again, rm -r $apt"
	while read -r version release compiler; do
		[ "$version" = "${version#*:}" ] || continue
		! have_compiler "$compiler" || return 0
	done <"$list.found"
	[ "$kind" = cloud ] && [ -n "$("$debian" names "linux-source-$1")" ] && return 1
	die "KERNEL=$1: Debian has no $kind kernel $1 for which this machine's archive has the compiler; there are: $(offered)"
}

# keep_modules FOLDER NAME...: of the image's modules, these, unless they are built in, and what they depend on. A kmod
# looks for modules in /lib or in /usr/lib.
keep_modules()
{
	mkdir -p "$new/base/usr/lib/modules" && ln -s usr/lib "$new/base/lib" &&
		ln -s "$1" "$new/base/lib/modules/$release" && depmod -b "$new/base" "$release" || return
	from=$1
	shift
	modprobe -d "$new/base" -S "$release" -a --show-depends "$@" >"$new/depends" || return
	sed -n "s|^insmod .*/lib/modules/$release/\([^ ]*\).*|\1|p" "$new/depends" | sort -u >"$new/kept"
	rm "$new/depends" && mkdir "$new/modules" &&
		tar -cf - -C "$from" -T "$new/kept" modules.order modules.builtin modules.builtin.modinfo |
		tar -xf - -C "$new/modules" && rm -r "$new/base" "$new/kept"
}

# Programs that run here, whatever the guest is
for_native()
{
	IODEMO_ARCH=$native "$debian" "$@"
}

# get_debian VERSION cloud|rt|generic
get_debian()
{
	kind=$2
	case $kind in
	generic) flavour=$arch ;;
	*) flavour=$kind-$arch ;;
	esac
	"$debian" update
	list=$(mktemp "${TMPDIR:-/tmp}/iodemo.XXXXXX")
	trap 'rm -f "$list" "$list.found"' EXIT
	from=packages
	resolve "$1" || from=source
	rm -f "$list" "$list.found"
	if [ "$from" = source ]; then
		get_built small "$1" gcc
		return
	fi
	# linux-kbuild depends on the compiler and, where modules have BTF, on pahole; both run here
	have_apt || compiler=gcc
	case $("$debian" show "linux-headers-$release" "linux-kbuild-${release%-"$flavour"}" 2>/dev/null) in
	*pahole*) "$top/scripts/setup.sh" "$compiler" pahole ;;
	*) "$top/scripts/setup.sh" "$compiler" ;;
	esac
	case $kind in
	generic) wanted="$sharing $registers" ;;
	*) wanted="$talking $registers" ;;
	esac
	begin_folder "kernel/$release-$version-$(echo "$wanted" | cksum | cut -d ' ' -f 1)" 500 || return 0

	image=linux-image-$release
	headers=linux-headers-$release
	depends=$("$debian" show "$headers=$version" | sed -n 's/^Depends: //p')
	common=$(echo "$depends" | grep -o 'linux-headers-[^ ,]*-common[^ ,]*' | head -n 1)
	kbuild=$(echo "$depends" | grep -o 'linux-kbuild-[^ ,]*' | head -n 1)
	"$debian" unpack "$new/packages" "$image=$version" "$headers=$version" "$common=$version"
	for_native update
	for_native unpack "$new/packages" "$kbuild=$version"

	# The packages name each other as if they stood under /
	grep -rlIs /usr/src "$new/packages/usr/src/$headers" --include=Makefile --include=.kernelvariables |
		xargs sed -i "s|/usr/src|$folder/packages/usr/src|g"
	have_apt || sed -i 's/gcc-[0-9]*$/gcc/; s/^override CROSS_COMPILE = .*/override CROSS_COMPILE =/' \
		"$new/packages/usr/src/$headers/.kernelvariables"
	ln -s "packages/usr/src/$headers" "$new/build"
	ln -s "packages/boot/vmlinuz-$release" "$new/bzImage"
	for modules in "$new/packages/lib/modules/$release" "$new/packages/usr/lib/modules/$release"; do
		[ -d "$modules/kernel" ] || continue
		# shellcheck disable=SC2086
		step "choosing modules of Linux $release" keep_modules "$modules" $wanted
		rm -rf "$modules/kernel"
	done
	rm -rf "$new/packages/usr/share"
	finish_folder
}

# get_source SERIES
get_source()
{
	"$debian" update
	version=$(field "linux-source-$1" Version)
	[ -n "$version" ] || die "Debian has no linux-source-$1"
	begin_folder "source/linux-source-$1-$version" 2000 || return 0
	"$debian" unpack "$new/package" "linux-source-$1=$version"
	step "unpacking the source of Linux $version" \
		tar -xf "$new/package/usr/src/linux-source-$1.tar.xz" -C "$new" --strip-components=1
	rm -rf "$new/package"
	finish_folder
}

# Newer series have no more what has got another name, or is always there
is_gone()
{
	option=$(echo "$1" | sed 's/^\(# \)\{0,1\}CONFIG_\([A-Z0-9_]*\).*/\2/')
	[ "$linux" != 6.1 ] && ! grep -rqE "^(menu)?config $option\$" --include='Kconfig*' "$source" &&
		echo "kernel.sh: Linux $linux has no $option" >&2
}

# An option that Kconfig dropped would leave a check out in silence
check_config()
{
	grep -hE '^(# )?CONFIG_' $fragments | while read -r line; do
		grep -qxF "$line" "$new/tree/.config" || is_gone "$line" || echo "$line"
	done >"$new/dropped"
	[ ! -s "$new/dropped" ] || die "scripts/kernel: Kconfig did not take: $(tr '\n' ' ' <"$new/dropped")"
}

configure()
{
	make -C "$source" O="$new/tree" $arguments tinyconfig &&
		"$source/scripts/kconfig/merge_config.sh" -m -O "$new/tree" "$new/tree/.config" $fragments &&
		make -C "$new/tree" $arguments olddefconfig
}

# The key of what is built here: all that made it
key()
{
	{ basename "$source"; "${arguments#CC=}" --version; cat $fragments; } | cksum | cut -d ' ' -f 1
}

# The tree knows its own place, and is about to move
finish_tree()
{
	ln -s tree "$new/build"
	echo "$arguments" >"$new/arguments"
	grep -lIs "$new" "$new/tree/Makefile" "$new/tree/scripts/"*.cmd | xargs -r sed -i "s|$new|$folder|g"
	finish_folder
}

# major COMPILER
major()
{
	command -v "$1" >/dev/null && "$1" -dumpversion | cut -d . -f 1
}

# find_clang: this machine's clang if it is new enough for the source, else the oldest of its archive that is
find_clang()
{
	least=$("$source/scripts/min-tool-version.sh" llvm | cut -d . -f 1)
	[ "$(major clang || echo 0)" -lt "$least" ] || { echo clang; return; }
	for version in $(apt-cache pkgnames clang- | sed -n 's/^clang-\([0-9]*\)$/\1/p' | sort -n); do
		if [ "$version" -ge "$least" ] && have_compiler "clang-$version"; then
			echo "clang-$version"
			return
		fi
	done
	die "$(basename "$source") needs clang $least, and this machine's archive has none"
}

# prepare KIND SERIES gcc|clang: what the source, the fragments and the compiler are
prepare()
{
	[ "$native $arch" = 'amd64 amd64' ] || die "Linux $2: what is built here is for amd64 on amd64, not for $arch"
	linux=$2
	source=$("$0" "source-$linux")
	fragments=$configs/machine.config
	[ "$1" = small ] || fragments="$fragments $configs/$1.config"
	compiler=$3
	[ "$3" = gcc ] || compiler=$(find_clang)
	"$top/scripts/setup.sh" build kernel "$compiler"
	arguments=CC=$compiler
}

# get_built KIND SERIES gcc|clang
get_built()
{
	prepare "$@"
	begin_folder "kernel/$1-$2-$3-$(key)" 4000 || return 0
	mkdir "$new/tree"
	what="the $1 kernel of Linux $2"
	step "configuring $what" configure
	check_config
	step "building $what with $compiler (some minutes, once)" \
		make -C "$new/tree" -j "$(nproc)" $arguments bzImage modules
	ln -s tree/arch/x86/boot/bzImage "$new/bzImage"
	# Modules need the headers and the tools, not the objects
	find "$new/tree" -name '*.[oa]' ! -path '*/scripts/*' ! -path '*/tools/*' -delete
	rm -f "$new/tree/vmlinux" "$new/tree/.tmp_vmlinux"*
	finish_tree
}

get_clang()
{
	prepare debug 6.1 clang
	begin_folder "kernel/clang-$(key)" 300 || return 0
	mkdir "$new/tree"
	step "configuring a kernel for clang" configure
	step "preparing a kernel tree for clang" make -C "$new/tree" -j "$(nproc)" $arguments modules_prepare
	finish_tree
}

# built NAME: as it was typed, KIND[-SERIES][-clang]
built()
{
	with=gcc
	name=$1
	case $name in
	*-clang) with=clang name=${name%-clang} ;;
	esac
	case $name in
	*-newest) get_built "${name%%-*}" "$(newest)" "$with" ;;
	*-*) get_built "${name%%-*}" "${name#*-}" "$with" ;;
	*) get_built "$name" 6.1 "$with" ;;
	esac
}

get_path()
{
	[ -r "$1" ] || die "KERNEL=$1: no such file"
	[ -n "${KDIR-}" ] || die "KERNEL=$1: give its build tree too, KDIR=<where that kernel was built>"
	for file in Makefile Module.symvers; do
		[ -r "$KDIR/$file" ] || die "KDIR=$KDIR: not a built kernel tree, it has no $file"
	done
	folder=$top/build/kernel/own-$(echo "$1 $KDIR" | cksum | cut -d ' ' -f 1)
	mkdir -p "$folder"
	ln -sfn "$(realpath "$1")" "$folder/bzImage"
	ln -sfn "$(realpath "$KDIR")" "$folder/build"
}

case ${1-} in
-h | --help) usage ;;
'' | -*) usage 2 >&2 ;;
source) get_source 6.1 ;;
source-*) get_source "${1#source-}" ;;
clang) get_clang ;;
*/*) get_path "$1" ;;
debug | debug-* | kcsan | kcsan-* | gcov | gcov-* | small | small-*) built "$1" ;;
[0-9]*-generic) get_debian "${1%-generic}" generic ;;
[0-9]*-rt) get_debian "${1%-rt}" rt ;;
[0-9]*) get_debian "$1" cloud ;;
newest) get_debian "$(newest)" cloud ;;
*) die "KERNEL=$1: neither a version (6.1, 6.1-generic), nor newest, nor one that is built here (debug, kcsan, gcov, small)," \
	"nor the path of a bzImage" ;;
esac
echo "$folder"
