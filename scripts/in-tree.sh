#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# in-tree.sh: put iodemo into a kernel's source tree, where a kernel tree has such things
#
# usage: scripts/in-tree.sh TREE
#
# Each module goes to drivers/misc, the interface to include/uapi/linux, the manual page of the device, as rst, to
# Documentation/misc-devices, and the selftests to tools/testing/selftests/iodemo; what lists such files there lists them
# then, and MAINTAINERS has a stanza of ours, whose maintainer is DEBFULLNAME <DEBEMAIL>, or whom git knows.
#
# To do it again is harmless, and brings the tree up to date: what is the same is not written, what is no longer ours goes.
# No file is altered in place, so a tree of hard links to another one leaves that as it is.
set -eu
. "$(dirname "$0")/lib.sh"

arguments 1 "$@"

tree=$1
version=$(cat "$top/VERSION")
selftests=tools/testing/selftests/iodemo
umask 022

# begin FILE: what is put there, in the tree, comes to $new
begin()
{
	mkdir -p "$tree/$(dirname "$1")"
	new=$tree/$1.iodemo-new
}

# finish FILE
finish()
{
	cmp -s "$new" "$tree/$1" || mv "$new" "$tree/$1"
	rm -f "$new"
	new=
	echo "$1" >>"$temporary/put"
}

# put FILE FROM: of the sources that a tree has elsewhere than we do, their includes follow
put()
{
	begin "$1"
	sed 's|<uapi/iodemo\.h>|<uapi/linux/iodemo.h>|' "$2" >"$new"
	[ ! -x "$2" ] || chmod +x "$new"
	finish "$1"
}

# hook FILE LINE AMONG [KEY]: a line of FILE, among those that match AMONG, before the one that comes after the greatest
# that is smaller; instead of those that hold KEY
hook()
{
	begin "$1"
	cp -p "$tree/$1" "$new"
	line=$2 among=$3 key=${4-} LC_ALL=C awk '
		BEGIN { line = ENVIRON["line"]; among = ENVIRON["among"]; key = ENVIRON["key"] }
		$0 == line || (key && index($0, key)) { next }
		{ text[++lines] = $0 }
		$0 ~ among {
			if (!place || open)
				place = lines
			open = tolower($0) < tolower(line) && tolower($0) > greatest
			if (open) {
				greatest = tolower($0)
				place = lines + 1
			}
		}
		END {
			if (!place)
				exit 1
			for (i = 1; i <= lines + 1; i++) {
				if (i == place)
					print line
				if (i <= lines)
					print text[i]
			}
		}' "$tree/$1" >"$new" || die "$tree/$1: no line as $3, to put ours beside: $2"
	finish "$1"
}

# The C files of a module, by its Kbuild, also those that not every kernel can have, and its headers
sources()
{
	make -s --no-print-directory -C "$module" -f - src="$module" 2>"$temporary/said" <<-'END' ||
		CONFIG_IRQ_POLL := y
		include Kbuild
		all: ; @echo $(foreach object,$(obj-m),$(or $($(object:.o=-y)),$(object)))
	END
		die "$module/Kbuild: $(cat "$temporary/said")"
	for header in "$module"/*.h; do
		[ ! -e "$header" ] || echo "${header##*/}"
	done
}

# In the tree, the option decides, the version is a word, and <uapi/...> is where the kernel's own is
# shellcheck disable=SC2016
write_makefile()
{
	sed -e "s/^obj-m/obj-\$(CONFIG_$option)/" -e "s|\$(shell cat \$(src)/../../VERSION)|$version|" \
		-e '/^ccflags-y := -I\$(src)\/\.\.\/\.\.$/d' "$module/Kbuild"
}

put_module()
{
	folder=drivers/misc/$name
	sources >"$temporary/sources"
	for file in $(sed 's/\.o\>/.c/g' "$temporary/sources") Kconfig; do
		[ -e "$module/$file" ] || die "$module/$file: not there, although the module is made of it"
		put "$folder/$file" "$module/$file"
	done
	begin "$folder/Makefile"
	write_makefile >"$new"
	finish "$folder/Makefile"
	hook drivers/misc/Kconfig "source \"$folder/Kconfig\"" '^source "drivers/misc/'
	hook drivers/misc/Makefile "obj-\$(CONFIG_$option)	+= $name/" '^obj-[$][(]CONFIG_'
	echo "F:	$folder/" >>"$temporary/stanza"
}

# title TEXT
title()
{
	echo "$1" | sed 'h; s/./=/g; p; x; p; x'
}

put_document()
{
	document=Documentation/misc-devices/$name.rst
	begin "$document"
	{
		printf '%s\n' '.. SPDX-License-Identifier: GPL-2.0-only' \
			".. Made by scripts/in-tree.sh of the manual page $name(4) and of the interface" ''
		title "$name" &&
			echo && sed "s|^\.In $name\.h|.In linux/$name.h|" "$top/userspace/man/$name.4" | mandoc -T man |
			pandoc -f man -t rst &&
			printf '\n%s\n=========\n\n.. kernel-doc:: %s\n' INTERFACE "include/uapi/linux/$name.h"
	} >"$new"
	finish "$document"
	hook Documentation/misc-devices/index.rst "   $name" '^   [a-z0-9][a-z0-9_-]*$'
	echo "F:	$document" >>"$temporary/stanza"
}

put_interface()
{
	interface=include/uapi/linux/$name.h
	put "$interface" "$top/uapi/$name.h"
	echo "F:	$interface" >>"$temporary/stanza"
	magic=$(sed -n 's/^#define IODEMO_IOC[[:space:]]*//p' "$top/uapi/$name.h")
	numbers=$(sed -n 's/.*(IODEMO_IOC, 0x\([0-9A-F]*\).*/\1/p' "$top/uapi/$name.h" | sort | sed -n '1p; $p' | paste -s -d - -)
	hook Documentation/userspace-api/ioctl/ioctl-number.rst \
		"$(printf '%-4s  %-5s  %-56s  %s' "$magic" "$numbers" "uapi/linux/$name.h" "Documentation/misc-devices/$name.rst")" \
		'^0x[0-9A-F][0-9A-F]  ' "linux/$name.h"
}

# The header is there once, and the tests have a link to it
put_selftests()
{
	for file in "$top"/selftests/*.[ch] "$top"/selftests/*.sh "$top"/selftests/Makefile "$top"/selftests/config \
		"$top"/selftests/settings "$top"/selftests/.gitignore; do
		[ "${file##*/}" = iodemo.h ] || put "$selftests/${file##*/}" "$file"
	done
	header=../../../../include/uapi/linux/iodemo.h
	[ "$(readlink "$tree/$selftests/iodemo.h")" = "$header" ] || ln -sfn "$header" "$tree/$selftests/iodemo.h"
	echo "$selftests/iodemo.h" >>"$temporary/put"
	hook tools/testing/selftests/Makefile 'TARGETS += iodemo' '^TARGETS [+]= '
	echo "F:	$selftests/" >>"$temporary/stanza"
}

# In the order of the titles, as the kernel has them
put_stanza()
{
	{
		printf '%s\nM:\t%s\nS:\tMaintained\n' "IODEMO DEVICE" "$(maintainer)"
		LC_ALL=C sort "$temporary/stanza"
		echo
	} >"$temporary/sorted"
	begin MAINTAINERS
	cp -p "$tree/MAINTAINERS" "$new"
	LC_ALL=C awk -v stanza="$temporary/sorted" '
		FNR == 1 { pass++; list = 0; before = "-" }
		{ title = list && before == "" && /^[A-Z0-9]/ && !/^[A-Z]:/ ? toupper($0) : "" }
		/^Maintainers List/ { list = 1 }
		{ before = $0 }
		pass == 1 {
			if (title != "" && title < "IODEMO DEVICE" && title > greatest)
				greatest = title
			next
		}
		title != "" {
			ours = (title == "IODEMO DEVICE")
			if (here && !ours) {
				while ((getline line <stanza) > 0)
					print line
				here = 0
				done = 1
			}
			here = here || title == greatest
		}
		!ours
		END { exit !done }' "$tree/MAINTAINERS" "$tree/MAINTAINERS" >"$new" ||
		die "$tree/MAINTAINERS: no place for a stanza: no titles around IODEMO DEVICE below \"Maintainers List\""
	finish MAINTAINERS
}

# What an earlier run has put there, and we no longer have
remove_stale()
{
	for file in "$tree"/drivers/misc/iodemo*/*.[ch] "$tree/$selftests"/*.[ch] "$tree/$selftests"/*.sh; do
		case $file in
		*.mod.c) continue ;;
		esac
		[ ! -e "$file" ] || grep -qxF "${file#"$tree"/}" "$temporary/put" || rm "$file"
	done
}

for file in Makefile Kbuild MAINTAINERS drivers/misc/Kconfig drivers/misc/Makefile Documentation/misc-devices/index.rst \
	Documentation/userspace-api/ioctl/ioctl-number.rst tools/testing/selftests/Makefile include/uapi/linux; do
	[ -e "$tree/$file" ] || die "$tree: no kernel's source tree, it has no $file"
	[ -w "$tree/$file" ] || die "$tree/$file: cannot be written to"
done
"$top/scripts/setup.sh" in-tree

temporary=$(mktemp -d "${TMPDIR:-/tmp}/iodemo.XXXXXX")
new=
trap 'rm -rf "$temporary"; [ -z "$new" ] || rm -f "$new"' EXIT
for module in "$top"/modules/*; do
	name=${module##*/}
	option=$(echo "$name" | tr 'a-z-' 'A-Z_')
	[ -e "$module/Kconfig" ] || die "$module: no Kconfig, without which no kernel can be configured to have it"
	put_module
	[ ! -e "$top/uapi/$name.h" ] || put_interface
	[ ! -e "$top/userspace/man/$name.4" ] || put_document
done
put_selftests
put_stanza
remove_stale
echo "$tree: has iodemo, CONFIG_IODEMO in drivers/misc"
