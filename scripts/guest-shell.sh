#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# guest-shell.sh: what "make shell" runs in the guest

# command NAME LINE
command()
{
	rm -f "/usr/bin/$1"
	printf '#!/bin/sh\n%s\n' "$2" >"/usr/sbin/$1"
	chmod 755 "/usr/sbin/$1"
}

# The machine ends when this shell does
for name in poweroff reboot halt shutdown; do
	command "$name" "kill -HUP $$"
done

# Debian's mandoc is man by the name of mman alone
ln -s mandoc /usr/bin/mman
ln -s mandoc /usr/bin/makewhatis
command man 'exec mman "$@"'
makewhatis
PAGER=less
export PAGER

modprobe iodemo
iodemo-virtio-load
cat <<'END'

/dev/iodemo is ready: try    head -n 3 /dev/iodemo    or    iodemo-compare    or    grep iodemo /proc/interrupts
man iodemo tells what it does. exit, poweroff, or Ctrl-A x, ends the machine.

END
outside=$(sed -n 's/.*iodemo.outside=\([^ ]*\).*/\1/p' /proc/cmdline)
[ ! -c /dev/iodemo-virtio ] || cat <<END
/dev/iodemo-virtio is what you type in another terminal of the machine outside, and there you see what is written to it:
	socat - UNIX-CONNECT:$outside		(or: nc -U $outside)

END
PS1='iodemo:\w\$ '
export PS1
exec bash --norc -i
