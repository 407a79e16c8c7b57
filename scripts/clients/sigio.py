# SPDX-License-Identifier: GPL-2.0-only
"""A signal for each arrival, O_ASYNC; sigio.py FILE LINES"""
import fcntl
import os
import signal
import sys

path, left = sys.argv[1], int(sys.argv[2])
fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGIO})
fcntl.fcntl(fd, fcntl.F_SETOWN, os.getpid())
fcntl.fcntl(fd, fcntl.F_SETFL, os.O_NONBLOCK | os.O_ASYNC)
print("waits", file=sys.stderr, flush=True)
while left > 0:
    signal.sigwait({signal.SIGIO})
    try:
        while data := os.read(fd, 4096):
            sys.stdout.write(data.decode())
            left -= data.count(b"\n")
    except BlockingIOError:
        pass
