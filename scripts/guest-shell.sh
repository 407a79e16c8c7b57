#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# guest-shell.sh: what "make shell" runs in the guest

modprobe iodemo
cat <<'END'

/dev/iodemo is ready: try    head -n 3 /dev/iodemo    or    iodemo-compare    or    grep iodemo /proc/interrupts
exit, or Ctrl-A x, ends the machine.

END
PS1='iodemo:\w\$ '
export PS1
exec bash --norc -i
