# SPDX-License-Identifier: GPL-2.0-only
"""asyncio: a pipe writer, with more lines than the file takes at once; writer.py FILE LINES"""
import asyncio
import sys


async def main(path, lines):
    loop = asyncio.get_running_loop()
    transport, protocol = await loop.connect_write_pipe(asyncio.streams.FlowControlMixin, open(path, "wb", 0))
    transport.set_write_buffer_limits(0)
    writer = asyncio.StreamWriter(transport, protocol, None, loop)
    for i in range(1, lines + 1):
        writer.write(b"%d\n" % i)
        await writer.drain()
    writer.close()


asyncio.run(main(sys.argv[1], int(sys.argv[2])))
