# SPDX-License-Identifier: GPL-2.0-only
"""asyncio: lines of a pipe reader, and a timeout before them; reader.py FILE LINES"""
import asyncio
import sys


async def main(path, lines):
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), open(path, "rb", 0))
    try:
        await asyncio.wait_for(reader.readline(), 0.01)
    except asyncio.TimeoutError:
        print("waits", file=sys.stderr, flush=True)
    for _ in range(lines):
        print((await reader.readline()).decode(), end="")
    transport.close()


asyncio.run(main(sys.argv[1], int(sys.argv[2])))
