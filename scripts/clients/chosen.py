# SPDX-License-Identifier: GPL-2.0-only
"""selectors: each kind that there is; chosen.py FILE LINES KIND"""
import os
import selectors
import sys

path, left, kind = sys.argv[1], int(sys.argv[2]), sys.argv[3]
fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
with getattr(selectors, kind)() as selector:
    selector.register(fd, selectors.EVENT_READ)
    if not selector.select(0.01):
        print("waits", file=sys.stderr, flush=True)
    while left > 0:
        for key, _ in selector.select():
            data = os.read(key.fd, 4096)
            sys.stdout.write(data.decode())
            left -= data.count(b"\n")
