# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh disable=SC2016
# The cases of guest.sh, which says what their words mean.

end='there is no last line of what does not end'
sought='the file is a stream, which has no offsets'

client cat coreutils
try 'shows what comes' 'cat $file | head -n 3' live=3
try 'can be stopped' 'cat $file >copy & until [ "$(wc -l <copy)" -eq 2 ]; do sleep 0.1; done; kill $!; wait $!; cat copy' fire=2
try 'ends where the device ends' 'cat $file' fire=2 unplug=1
try 'copies to a file' 'cat $file >copy; cat copy' fire=3 unplug=1
try 'sends' 'echo hello | cat >$file' when=end fire=1 expect=: echo=hello
try 'sends more than there is room for' 'seq 150 | cat >$file' expect=: sent=150

client head coreutils
try 'takes lines' 'head -n 2 $file' fire=2
try 'takes bytes' 'head -c 100 $file' fire=2 expect='head -c 100'

client tail coreutils
try 'follows' 'stdbuf -oL tail -n +1 -f $file >copy & until [ "$(wc -l <copy)" -eq 3 ]; do sleep 0.1; done; kill $!; cat copy' fire=3
try 'gives the last lines, at the end' 'tail -n 2 $file' fire=5 unplug=1 expect='tail -n 2'
try 'gives the last bytes, at the end' 'tail -c 50 $file' fire=3 unplug=1 expect='tail -c 50'
try 'waits for the last lines' 'timeout 1 tail -n 2 -f $file' fire=3 status=124 expect=: why="$end"

client dd coreutils
try 'puts blocks together' 'dd if=$file bs=64 iflag=fullblock count=3 status=none' fire=3 expect='head -c 192'
try 'takes lines in two pieces' 'dd if=$file bs=64 count=4 status=none' fire=2
try 'passes over bytes' 'dd if=$file ibs=32 skip=2 count=2 iflag=fullblock status=none' fire=2 expect='tail -c +65 | head -c 64'
try 'is told that nothing is there' 'dd if=$file iflag=nonblock count=1 status=none' \
	status=1 says='Resource temporarily unavailable'
try 'sends' 'printf "one\ntwo\n" | dd of=$file status=none' when=end fire=1 expect=: echo=two
try 'sends more than there is room for' 'seq 150 | dd of=$file bs=4k status=none' expect=: sent=150
try 'is to wait for storage' 'echo hello | dd of=$file conv=fsync status=none' when=end fire=1 status=1 \
	says='fsync failed.*Invalid argument' why='there is no storage'
try 'is to go around the cache' 'dd if=$file iflag=direct count=1 status=none' status=1 says='Invalid argument' \
	when=end why='there is no cache'

client split coreutils
try 'makes files of lines' 'split -l 2 $file; cat xaa xab xac' fire=5 unplug=1

client tee coreutils
try 'sends, and shows' 'printf "one\ntwo\n" | tee $file' when=end fire=1 expect='printf "one\ntwo\n"' echo=two
try 'takes, and shows' 'tee copy <$file >shown; cmp shown copy && cat copy' fire=3 unplug=1

client timeout coreutils
try 'ends who waits' 'timeout 0.2 head -n 1 $file' status=124
try 'kills who waits' 'timeout -s KILL 0.2 head -n 1 $file' status=137 says=Killed

client cp coreutils
try 'copies until the end' 'cp $file copy; cat copy' fire=3 unplug=1

client wc coreutils
try 'counts until the end' 'wc -l <$file' fire=7 unplug=1 expect='wc -l'

client grep
try 'ends with the first it finds' 'grep -m 1 sample $file' fire=1

client sed
try 'takes two lines' 'sed -u 2q $file' fire=2

client awk mawk
try 'takes columns' "awk -W interactive '{ print \$1, \$5; if (NR == 3) exit }' \$file" fire=3 expect="awk '{ print \$1, \$5 }'"

client perl perl-base
try 'takes lines' "perl -ne 'print; exit if \$. == 2' \$file" fire=2

client busybox
try 'cat shows what comes' 'busybox cat $file | head -n 3' live=3
try 'cat copies to a file' 'busybox cat $file >copy; cat copy' fire=3 unplug=1
try 'head takes lines' 'busybox head -n 2 $file' fire=2
try 'tail follows' 'timeout 2 busybox tail -n +1 -f $file' fire=3 status=124 expect=: \
	why='it reads until its buffer is full'
try 'tail gives the last lines, at the end' 'busybox tail -n 2 $file' fire=5 unplug=1 expect='tail -n 2'
try 'dd takes lines in two pieces' 'busybox dd if=$file bs=64 count=4 2>/dev/null' fire=2
try 'tee sends, and shows' 'echo hello | busybox tee $file' when=end fire=1 expect='echo hello' echo=hello
try 'ash reads a line' 'busybox ash -c "read -r line <\$file; echo \"\$line\""' fire=1
try 'ash waits a second' 'busybox ash -c "read -t 1 -r line <\$file"' status=1

client dash
try 'reads a line' 'read -r line <$file; echo "$line"' fire=1
try 'loops over lines' 'while read -r seq rest; do echo "$seq $rest"; done <$file' fire=3 unplug=1

client bash
try 'reads a line' 'read -r line <$file; echo "$line"' fire=1 shell=bash
try 'reads characters' 'read -r -N 20 text <$file; printf %s "$text"' fire=1 expect='head -c 20' shell=bash
try 'stops waiting' 'read -t 0.2 -r line <$file' status=142 shell=bash
try 'asks whether there is something' 'exec {f}<$file; read -t 0 <&$f' status=1 shell=bash
try 'finds that there is' 'exec {f}<$file; echo waits >&2; until read -t 0 <&$f; do :; done; read -r line <&$f; echo "$line"' \
	when=waits fire=1 shell=bash
try 'maps lines to an array' 'mapfile -n 3 lines <$file; printf %s "${lines[@]}"' fire=3 shell=bash
try 'sends and receives by one file' 'exec {f}<>$file; echo hello >&$f; until [[ $line == *hello ]]; do read -r line <&$f; echo "$line"; done' \
	when=queued fire=1 echo=hello shell=bash

client socat
try 'from the device to its output' 'socat -u OPEN:$file,rdonly STDOUT' fire=3 unplug=1
try 'from its input to the device' 'echo hello | socat -u STDIN OPEN:$file,wronly' when=end fire=1 expect=: echo=hello
try 'more than there is room for' 'seq 150 | socat -u STDIN OPEN:$file,wronly,nonblock' expect=: sent=150
try 'both ways' 'echo hello | socat -t 60 STDIO $file' when=queued fire=1 unplug=1 echo=hello
try 'to a socket, and on' 'socat -u TCP-LISTEN:7,reuseaddr STDOUT & socat -u $file,rdonly TCP:127.0.0.1:7,retry=100,interval=0.1; wait' \
	fire=3 unplug=1

client python3
try 'io: lines of text' "python3 -c 'import sys; f = open(sys.argv[1]); print(f.readline() + f.readline(), end=\"\")' \$file" fire=2
try 'io: bytes, without a buffer' \
	"python3 -c 'import os, sys; f = open(sys.argv[1], \"rb\", 0); os.write(1, f.read(20)); os.write(1, f.read(500))' \$file" fire=1
try 'io: until the end' "python3 -c 'import sys; print(open(sys.argv[1]).read(), end=\"\")' \$file" fire=3 unplug=1
try 'io: nothing there is None' \
	"python3 -c 'import os, sys; print(open(os.open(sys.argv[1], os.O_RDONLY | os.O_NONBLOCK), \"rb\", 0).read(9))' \$file" expect='echo None'
try 'io: to and fro with a buffer' "python3 -c 'import sys; open(sys.argv[1], \"r+\")' \$file" \
	status=1 says='not seekable' when=end why="python wants to seek: $sought; open it without a buffer, or twice"
try 'selectors: epoll' 'python3 $clients/chosen.py $file 3 EpollSelector' when=waits fire=3
try 'selectors: poll' 'python3 $clients/chosen.py $file 3 PollSelector' when=waits fire=3
try 'selectors: select' 'python3 $clients/chosen.py $file 3 SelectSelector' when=waits fire=3
try 'asyncio: a pipe reader, after a timeout' 'python3 $clients/reader.py $file 3' when=waits fire=3
try 'asyncio: a pipe reader is closed' 'python3 $clients/reader.py $file 0' when=end
try 'asyncio: a pipe writer, more than there is room for' 'python3 $clients/writer.py $file 150' expect=: sent=150
try 'mmap: the ring, without a copy' 'exec 4<$file; head -n 2 <&4 >/dev/null; python3 $clients/ring.py $file 2' fire=2 \
	expect="awk '{ print \$1, \$5 }'"
try 'RWF_NOWAIT' 'python3 $clients/nowait.py $file 3' when=waits fire=3
try 'O_ASYNC: a signal for each arrival' 'python3 $clients/sigio.py $file 3' when=waits fire=3
try 'os.splice' \
	"python3 -c 'import os, sys; os.splice(os.open(sys.argv[1], os.O_RDONLY), 1, 65536)' \$file | cat" fire=1
try 'os.sendfile into it' \
	"echo hello >text; python3 -c 'import os, sys; os.sendfile(os.open(sys.argv[1], os.O_WRONLY), os.open(\"text\", 0), 0, 99)' \$file" \
	when=end fire=1 expect=: echo=hello
try 'os.sendfile out of it' \
	"python3 -c 'import os, sys; os.sendfile(1, os.open(sys.argv[1], os.O_RDONLY), None, 99)' \$file >copy" when=end \
	status=1 says='Invalid argument' why='the kernel sends no stream: what it had taken when the output failed would be lost'
try 'os.pread' "python3 -c 'import os, sys; os.pread(os.open(sys.argv[1], os.O_RDONLY), 9, 0)' \$file" when=end \
	status=1 says='Illegal seek' why="$sought"

client node nodejs
try 'a stream of lines' 'node $clients/stream.js $file' when=waits fire=3 unplug=1
try 'fs.writeFile' "node -e 'fs.writeFile(process.argv[1], \"hello\\n\", (e) => { if (e) throw e })' \$file" when=end fire=1 expect=: echo=hello
try 'a stream to it' "node -e 'fs.createWriteStream(process.argv[1]).end(\"hello\\n\")' \$file" when=end fire=1 expect=: echo=hello
try 'a stream to it, more than there is room for' \
	"node -e 'const s = fs.createWriteStream(process.argv[1]); for (let i = 1; i <= 150; i++) s.write(i + \"\n\"); s.end()' \$file" expect=: sent=150
try 'a stream of it, destroyed while it waits' \
	"timeout 5 node -e 'const s = fs.createReadStream(process.argv[1]); s.resume(); s.on(\"open\", () => setTimeout(() => s.destroy(), 500))' \$file" \
	status=124 why='a thread of its pool sleeps in read(), which nothing but an event ends, and node waits for its threads'
try 'a stream of it that does not block' \
	"node -e 'fs.createReadStream(process.argv[1], { flags: fs.constants.O_NONBLOCK }).resume()' \$file" when=end status=1 says=EAGAIN \
	why='node has no loop for files, but threads that read'
try 'as its input' "node -e 'process.stdin.pipe(process.stdout)' <\$file" fire=3 unplug=1
try 'net.Socket of its descriptor' "node -e 'new net.Socket({ fd: fs.openSync(process.argv[1]) })' \$file" when=end \
	status=1 says=ERR_INVALID_FD_TYPE twin=/dev/zero why='node takes terminals, pipes and sockets, and no other character device'

client go
try 'a deadline, lines, and Close' 'netpoller $file 3' when=waits fire=3
try 'Close ends a read' 'netpoller $file 0' when=end
try 'the end' 'netpoller $file 9' when=waits fire=3 unplug=1
try 'a deadline of a write, and the rest' 'netpoller-write $file 150' when=waits expect=: sent=150

client libuv libuv1-dev
try 'uv_pipe: lines, beside a timer' 'uv $file 3' when=waits fire=3
try 'uv_pipe: closed while it waits' 'uv $file 0' when=end
try 'uv_pipe: the end' 'uv $file 9' when=waits fire=3 unplug=1
try 'uv_write: more than there is room for' 'uv-write $file 150' expect=: sent=150
try 'uv_poll: lines, beside a timer' 'uv $file 3 poll' when=waits fire=3
try 'uv_poll: closed while it waits' 'uv $file 0 poll' when=end
try 'uv_poll: the end' 'uv $file 9 poll' when=waits fire=3 unplug=1

client libevent libevent-dev
try 'lines, after a timeout' 'event $file 3' when=waits fire=3
try 'ends while it waits' 'event $file 0' when=end
try 'the end' 'event $file 9' when=waits fire=3 unplug=1
try 'by poll' 'EVENT_NOEPOLL=1 event $file 3' when=waits fire=3
try 'by select' 'EVENT_NOEPOLL=1 EVENT_NOPOLL=1 event $file 3' when=waits fire=3

client libev libev-dev
try 'epoll' 'ev $file 3 4' when=waits fire=3
try 'poll' 'ev $file 3 2' when=waits fire=3
try 'select' 'ev $file 3 1' when=waits fire=3
try 'io_uring' 'ev $file 3 128' when=waits fire=3
try 'ends while it waits' 'ev $file 0' when=end
try 'the end' 'ev $file 9' when=waits fire=3 unplug=1

client glib libglib2.0-dev
try 'GIOChannel: lines, beside a timer' 'glib $file 3' when=waits fire=3
try 'GIOChannel: ends while it waits' 'glib $file 0' when=end
try 'GIOChannel: the end' 'glib $file 9' when=waits fire=3 unplug=1
try 'GUnixInputStream: lines, then cancelled' 'gstream $file 3' when=waits fire=3
try 'GUnixInputStream: cancelled while it waits' 'gstream $file 0' when=end
try 'GUnixInputStream: the end' 'gstream $file 9' when=waits fire=3 unplug=1

try 'GUnixOutputStream: more than there is room for' 'gstream-write $file 150' expect=: sent=150

client Boost.Asio libboost-dev
try 'stream_descriptor: lines, then cancelled' 'asio $file 3' when=waits fire=3
try 'stream_descriptor: cancelled while it waits' 'asio $file 0' when=end
try 'stream_descriptor: the end' 'asio $file 9' when=waits fire=3 unplug=1

try 'async_write: more than there is room for' 'asio-write $file 150' expect=: sent=150

client fio
fio="fio --name=job --filename=\$file --output=log --output-format=json"
for engine in sync libaio io_uring posixaio; do
	try "$engine reads, one byte at a time" "$fio --ioengine=$engine --iodepth=8 --rw=read --bs=1 --size=64; grep -m 1 io_bytes log" \
		fire=1 says='"io_bytes" : 64,'
done
for engine in sync libaio io_uring posixaio; do
	try "$engine writes" "$fio --ioengine=$engine --rw=write --bs=5 --size=20 --buffer_pattern='\"hello\"'; grep total_ios log" \
		when=end fire=1 says='"total_ios" : 4,' echo=hello
done
try 'psync reads' "$fio --ioengine=psync --rw=read --bs=1 --size=64 || ! cat log" when=end status=1 says='Illegal seek' \
	twin=/dev/ptmx why="$sought"
try 'splice reads' "$fio --ioengine=splice --rw=read --bs=1 --size=64" when=end status=1 \
	says="splice doesn't work" twin=/dev/ptmx why="fio gives splice() an offset, and $sought"

client stress-ng
try '--dev, on this device alone' 'stress-ng --dev 2 --dev-file $file --timeout 10' live=1 says='1 of 1 devices opened and exercised'

client strace
try 'names the calls' 'strace -y -e trace=read -o calls head -c 10 $file >/dev/null; cat calls' fire=1 \
	says='read(3<[^>]*/[a-z]*\(<char [0-9:]*>\)\{0,1\}>, .*, 10) *= 10'

client lsof
try 'shows who has it open' 'exec 4<$file; lsof -t $file | grep -qx $$' when=end

client perf linux-perf
try 'counts events' 'perf stat -x , -o count -e iodemo:iodemo_interrupt -a head -n 3 $file >/dev/null; grep -o "^[0-9]*" count' fire=3 \
	expect='wc -l'
try 'records events' 'perf record -q -o data -a -e iodemo:iodemo_store head -n 3 $file >/dev/null; perf script -i data | grep -c iodemo_store' \
	fire=3 expect='wc -l'

client bpftrace
try 'counts events' "bpftrace -q -e 'BEGIN { printf(\"waits\\n\"); } tracepoint:iodemo:iodemo_store { @n++; if (@n == 3) { exit(); } }'" \
	when=waits fire=3 says='@n: 3'

client trace-cmd
try 'records events' 'trace-cmd record -q -e iodemo:iodemo_store head -n 2 $file >/dev/null; trace-cmd report 2>/dev/null | grep -c iodemo_store' \
	fire=2 expect='wc -l'
