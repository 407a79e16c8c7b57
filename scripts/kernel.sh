#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# kernel.sh: get a kernel for the virtual machine, and print the folder which holds it
#
# usage: scripts/kernel.sh KERNEL
#
# KERNEL is a version which Debian has or had (6.1, 6.12: the newest cloud kernel of that series in any suite that this
# machine has the compiler for), "debug" (built here from Debian's source and scripts/debug.config), or the path of a
# bzImage whose build tree is KDIR= in the environment. "source" prints where the unpacked kernel source is, "clang" a
# folder with a build tree alone, prepared for modules that clang compiles.
#
# The folder holds bzImage and build (a link, for make -C); it is kept in ~/.cache/iodemo.
set -eu
. "$(dirname "$0")/lib.sh"

source_package=linux-source-6.1
debian=$top/scripts/debian.sh
new=

# A folder is made under another name and renamed when it is whole, so what has the name is whole
begin_folder()
{
	folder=$cache/$1
	lock "$folder.lock"
	[ ! -d "$folder" ] || return 1
	rm -rf "$folder".new.*
	new=$folder.new.$$
	trap '[ -z "$new" ] || rm -rf "$new"' EXIT
	mkdir -p "$new"
}

finish_folder()
{
	mv "$new" "$folder"
	new=
}

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

have_compiler()
{
	command -v "$1" >/dev/null || apt-cache policy "$1" | grep -q 'Candidate: [0-9]'
}

resolve()
{
	"$debian" names 'linux-headers-' | grep -E '^linux-headers-[0-9].*-cloud-amd64$' >"$list" || :
	grep -E "^linux-headers-$(echo "$1" | sed 's/[.+]/\\&/g')([.+-].*)?-cloud-amd64\$" "$list" | table >"$list.found" || :
	if [ ! -s "$list.found" ]; then
		echo "kernel.sh: Debian has no cloud kernel $1; it has:" \
			"$(sed 's/linux-headers-\([0-9]*\.[0-9]*\).*/\1/' "$list" | sort -Vu | tr '\n' ' ')" >&2
		exit 1
	fi
	while read -r version release compiler; do
		[ "$version" = "${version#*:}" ] || continue
		! have_compiler "$compiler" || return 0
	done <"$list.found"
	die "no kernel $1 can be built for here: its compiler $compiler is not in this machine's archive"
}

get_debian()
{
	"$debian" update
	list=$(mktemp "${TMPDIR:-/tmp}/iodemo.XXXXXX")
	trap 'rm -f "$list" "$list.found"' EXIT
	resolve "$1"
	rm -f "$list" "$list.found"
	# linux-kbuild depends on the compiler and, where modules have BTF, on pahole; both run here
	case $("$debian" show "linux-headers-$release" "linux-kbuild-${release%-cloud-amd64}" 2>/dev/null) in
	*pahole*) "$top/scripts/setup.sh" "$compiler" pahole ;;
	*) "$top/scripts/setup.sh" "$compiler" ;;
	esac
	begin_folder "kernel/$release-$version" || return 0

	image=linux-image-$release
	headers=linux-headers-$release
	depends=$("$debian" show "$headers=$version" | sed -n 's/^Depends: //p')
	common=$(echo "$depends" | grep -o 'linux-headers-[^ ,]*-common' | head -n 1)
	kbuild=$(echo "$depends" | grep -o 'linux-kbuild-[^ ,]*' | head -n 1)
	"$debian" unpack "$new/packages" "$image=$version" "$headers=$version" "$common=$version" "$kbuild=$version"

	# The packages name each other as if they stood under /
	grep -rlIs /usr/src "$new/packages/usr/src/$headers" --include=Makefile --include=.kernelvariables |
		xargs sed -i "s|/usr/src|$folder/packages/usr/src|g"
	ln -s "packages/usr/src/$headers" "$new/build"
	ln -s "packages/boot/vmlinuz-$release" "$new/bzImage"
	rm -rf "$new/packages/lib/modules/$release/kernel" "$new/packages/usr/share"
	finish_folder
}

get_source()
{
	"$debian" update
	version=$(field "$source_package" Version)
	begin_folder "source/$source_package-$version" || return 0
	"$debian" unpack "$new/package" "$source_package=$version"
	step "unpacking the source of Linux $version" \
		tar -xf "$new/package/usr/src/$source_package.tar.xz" -C "$new" --strip-components=1
	rm -rf "$new/package"
	finish_folder
}

# An option that Kconfig dropped would leave a check out in silence
check_config()
{
	grep -E '^(# )?CONFIG_' "$top/scripts/debug.config" | while read -r line; do
		grep -qxF "$line" "$new/tree/.config" || echo "$line"
	done >"$new/dropped"
	[ ! -s "$new/dropped" ] || die "scripts/debug.config: Kconfig did not take: $(tr '\n' ' ' <"$new/dropped")"
}

# configure MAKE-ARGUMENT...
configure()
{
	make -C "$source" O="$new/tree" "$@" tinyconfig &&
		"$source/scripts/kconfig/merge_config.sh" -m -O "$new/tree" "$new/tree/.config" "$top/scripts/debug.config" &&
		make -C "$new/tree" "$@" olddefconfig
}

# The key of what is built here: all that made it
key()
{
	{ basename "$source"; "$1" --version; cat "$top/scripts/debug.config"; } | cksum | cut -d ' ' -f 1
}

# The tree knows its own place, and is about to move
finish_tree()
{
	ln -s tree "$new/build"
	grep -lIs "$new" "$new/tree/Makefile" "$new/tree/scripts/"*.cmd | xargs -r sed -i "s|$new|$folder|g"
	finish_folder
}

get_debug()
{
	"$top/scripts/setup.sh" build kernel
	source=$("$0" source)
	begin_folder "kernel/debug-$(key gcc)" || return 0
	mkdir "$new/tree"
	step "configuring the debug kernel" configure
	check_config
	step "building the debug kernel (some minutes, once)" make -C "$new/tree" -j "$(nproc)" bzImage modules
	ln -s tree/arch/x86/boot/bzImage "$new/bzImage"
	# Modules need the headers and the tools, not the objects
	find "$new/tree" -name '*.[oa]' ! -path '*/scripts/*' ! -path '*/tools/*' -delete
	rm -f "$new/tree/vmlinux" "$new/tree/.tmp_vmlinux"*
	finish_tree
}

get_clang()
{
	"$top/scripts/setup.sh" build kernel clang
	source=$("$0" source)
	begin_folder "kernel/clang-$(key clang)" || return 0
	mkdir "$new/tree"
	step "configuring a kernel for clang" configure CC=clang
	step "preparing a kernel tree for clang" make -C "$new/tree" -j "$(nproc)" CC=clang modules_prepare
	finish_tree
}

get_path()
{
	[ -r "$1" ] || die "KERNEL=$1: no such file"
	[ -n "${KDIR-}" ] || die "KERNEL=$1: give its build tree too, KDIR=<where that kernel was built>"
	for file in Makefile Module.symvers; do
		[ -r "$KDIR/$file" ] || die "KDIR=$KDIR: not a built kernel tree, it has no $file"
	done
	folder=$cache/kernel/own-$(echo "$1 $KDIR" | cksum | cut -d ' ' -f 1)
	mkdir -p "$folder"
	ln -sfn "$(realpath "$1")" "$folder/bzImage"
	ln -sfn "$(realpath "$KDIR")" "$folder/build"
}

case ${1-} in
-h | --help) usage ;;
'' | -*) usage 2 >&2 ;;
source) get_source ;;
debug) get_debug ;;
clang) get_clang ;;
*/*) get_path "$1" ;;
[0-9]*) get_debian "$1" ;;
*) die "KERNEL=$1: neither a version (6.1), nor debug, nor the path of a bzImage" ;;
esac
echo "$folder"
