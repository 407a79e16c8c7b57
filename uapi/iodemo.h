/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * iodemo: a device whose ring buffer is fed by simulated interrupts
 *
 * Everything a program needs to know about /dev/iodemo. All types have a fixed
 * width, there is no implicit padding and there are no pointers, so 32-bit
 * programs see the same layout as 64-bit ones.
 *
 * Reserved fields: the driver returns zero in them, and refuses with EINVAL
 * what passes anything else, so that they can get a meaning later.
 *
 * "Since" below names the version that struct iodemo_info.version reports.
 */
#ifndef _UAPI_IODEMO_H
#define _UAPI_IODEMO_H

#include <linux/ioctl.h>
#include <linux/types.h>

/* The version of this interface; it grows by one when something is added. */
#define IODEMO_VERSION		6

/* Ranges. A value outside of its range is refused with EINVAL. */
#define IODEMO_DEVICES_MIN	1
#define IODEMO_DEVICES_MAX	16
#define IODEMO_PERIOD_US_MIN	10		/* or 0: no timer, only TRIGGER */
#define IODEMO_PERIOD_US_MAX	60000000
#define IODEMO_BURST_MIN	1
#define IODEMO_BURST_MAX	1024
#define IODEMO_POLL_US_MIN	100		/* module parameter poll_us. Since: 6 */
#define IODEMO_POLL_US_MAX	1000000
#define IODEMO_CAPACITY_MIN	16		/* capacity is a power of two */
#define IODEMO_CAPACITY_MAX	65536
#define IODEMO_LOW_WATER_MIN	1		/* and at most the capacity */

/*
 * What one file may leave pending: requests of kernel AIO and URING_WAITs, all
 * together. One more completes with EAGAIN. Since: 4
 */
#define IODEMO_PENDING_MAX	4096

/* The most that one request of kernel AIO reads or writes, in bytes. Since: 4 */
#define IODEMO_AIO_SIZE_MAX	65536

/*
 * Writers that sleep are served in the order in which they came: write(), and requests
 * of kernel AIO. A write brings so many records with it, which are sent together in
 * its turn; of a longer one the next come to the end of the line again. While somebody
 * waits, who comes does too, or gets EAGAIN. Only splice(), which can't bring its
 * records, may find the room that it was woken for taken, and waits again. Since: 6
 */
#define IODEMO_WRITE_TURN	16

/* What a record holds. 0 is not used, so an empty record is no valid one. */
#define IODEMO_TYPE_SAMPLE	1	/* made by the device: iodemo_sample(seq) */
#define IODEMO_TYPE_ECHO	2	/* written by a program, sent back */
#define IODEMO_TYPE_RECEIVED	3	/* came from outside. Since: 6 */
#define IODEMO_TYPE_MAX		IODEMO_TYPE_RECEIVED	/* the last. Since: 6 */

#define IODEMO_DATA_SIZE	40

/**
 * struct iodemo_record - what one interrupt (or one write) leaves in the ring
 * @seq: position in the device's stream, from 0; never reused. A gap between
 *	two records that one reader got is what that reader lost.
 * @timestamp: nanoseconds of CLOCK_MONOTONIC, taken in the interrupt handler
 * @cpu: the processor that the handler ran on
 * @type: IODEMO_TYPE_*
 * @len: bytes of @data in use, 0..IODEMO_DATA_SIZE; the rest is zero
 * @data: the payload
 *
 * 64 bytes, one cache line. The driver writes all fields. A program that
 * writes raw records sets @len and @data; it leaves @seq, @timestamp, @cpu and
 * @type zero (EINVAL if not), and the bytes past @len are not sent.
 *
 * A file in text format shows the same as one line a record:
 *
 *	seq seconds.nanoseconds cpuN type data
 *
 * with type "sample", "echo" or "received". In data the backslash and what is not printable
 * ASCII are escaped: \\ \a \e \f \n \r \t \v, else \ooo in octal. So a line is
 * always one line, and printf %b gives the data back.
 *
 * Since: 1
 */
struct iodemo_record {
	__aligned_u64	seq;
	__aligned_u64	timestamp;
	__u32		cpu;
	__u16		type;
	__u16		len;
	__u8		data[IODEMO_DATA_SIZE];
};

/*
 * How many different samples there are. No power of two is a multiple of it,
 * so what successive laps of the ring leave in one slot differs in every byte,
 * and a torn record can't look like a whole one.
 */
#define IODEMO_SAMPLES		62

/**
 * iodemo_sample() - the data of the sample with this seq
 * @seq: the record's position in the stream
 *
 * IODEMO_DATA_SIZE characters of 0-9A-Za-z, one further on for each record,
 * as the old chargen service did it (RFC 864): a reader can prove that it got
 * what the device made.
 *
 * Return: IODEMO_DATA_SIZE bytes, not terminated
 */
static inline const __u8 *iodemo_sample(__u64 seq)
{
	static const char letters[] =
		"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
		"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabc";

	return (const __u8 *)letters + (__u32)seq % IODEMO_SAMPLES;
}

/*
 * The ring can be mapped, and read without a copy by the kernel and without a
 * system call. Two mappings, told apart by the offset:
 *
 * IODEMO_MMAP_RING, PROT_READ (EACCES for PROT_WRITE, by mprotect() too, but not in
 * a private mapping, where a page that is written to becomes a copy; since: 6)
 *	A struct iodemo_ring_page, and from IODEMO_MMAP_RECORDS bytes on the
 *	records: seq is at index seq % capacity. Length: IODEMO_MMAP_RECORDS +
 *	capacity * 64 bytes at most, else EINVAL.
 *
 * IODEMO_MMAP_CURSOR, MAP_SHARED (EINVAL for MAP_PRIVATE)
 *	One page, a struct iodemo_cursor_page: where this file stands. read(),
 *	poll() and SIGIO go by it. To write it takes a file open for both.
 *
 * Who reads the mapping does what read() does in the kernel:
 *
 *	load cursor; load head, acquire; nothing is there if they are equal
 *	copy or use the record at cursor
 *	fence, acquire; load begun: if cursor + capacity < begun, then what was
 *		used is void, since the device had begun to overwrite it, and
 *		this file was lapped: GET_STATS counts that and moves the cursor
 *	compare-and-exchange cursor to cursor + 1: who succeeds owns the record
 *
 * Since: 2
 */
#define IODEMO_MMAP_RING	0x00000000
#define IODEMO_MMAP_CURSOR	0x10000000
#define IODEMO_MMAP_RECORDS	4096

/**
 * struct iodemo_ring_page - how far the device is; written by the driver
 * @begun: seq up to which it has begun to store records
 * @head: seq up to which it has finished; the next record's seq
 * @capacity: records in the ring
 * @reserved: zero
 *
 * Since: 2
 */
struct iodemo_ring_page {
	__aligned_u64	begun;
	__aligned_u64	head;
	__u32		capacity;
	__u32		reserved[11];
};

/**
 * struct iodemo_cursor_page - how far this file is; written by both
 * @cursor: seq of the next record to read. Whatever a program puts there, it
 *	harms only this file: beyond head there is nothing to read until the
 *	device gets there, and before what the ring holds the file is lapped.
 *
 * Since: 2
 */
struct iodemo_cursor_page {
	__aligned_u64	cursor;
};

/* How a file shows the records. */
#define IODEMO_FORMAT_TEXT	0	/* lines; what open() gives */
#define IODEMO_FORMAT_RAW	1	/* struct iodemo_record */

#define IODEMO_INFO_THREADED	(1U << 0)	/* module parameter threaded=1 */
/* URING_WAIT in rings of any kind; without, only in polled ones. Since: 4 */
#define IODEMO_INFO_URING_WAIT	(1U << 1)
/* The source has a period and a burst: SET_CONFIG; without, EOPNOTSUPP. Since: 6 */
#define IODEMO_INFO_CONFIG	(1U << 2)
/* The source can be fired by hand: TRIGGER; without, EOPNOTSUPP. Since: 6 */
#define IODEMO_INFO_TRIGGER	(1U << 3)
/*
 * The source waits for room instead of overwriting what a file has yet to read that is
 * open for reading and was opened by one who is in charge (see the ioctls). Others are
 * lapped, as all are without it. While no file is open for reading, what comes from
 * outside stays there. Since: 6
 */
#define IODEMO_INFO_WAITS	(1U << 4)
/* It is polled: module parameter service=polling, or hybrid, which has a line too. Since: 6 */
#define IODEMO_INFO_POLLED	(1U << 5)

#define IODEMO_SOURCE_SIZE	16

/**
 * struct iodemo_info - what this device is
 * @version: IODEMO_VERSION of the driver
 * @record_size: sizeof(struct iodemo_record)
 * @capacity: records that the ring holds
 * @tx_capacity: records that the transmit queue holds
 * @tx_drain: records that one interrupt takes from the transmit queue at most; 0 if
 *	that depends on the source
 * @index: of its kind: 0 is /dev/iodemo, n is /dev/iodemon
 * @irq: number of the interrupt line, as in /proc/interrupts; 0 if there is none
 * @flags: IODEMO_INFO_*
 * @source: what feeds it: "timer" for /dev/iodemo; terminated. Since: 6
 * @reserved: zero
 *
 * Since: 1
 */
struct iodemo_info {
	__u32	version;
	__u32	record_size;
	__u32	capacity;
	__u32	tx_capacity;
	__u32	tx_drain;
	__u32	index;
	__u32	irq;
	__u32	flags;
	char	source[IODEMO_SOURCE_SIZE];
	__u32	reserved[4];
};

/**
 * struct iodemo_config - how the device makes interrupts; for all its files
 * @period_us: microseconds between two interrupts,
 *	IODEMO_PERIOD_US_MIN..IODEMO_PERIOD_US_MAX, or 0: only TRIGGER makes any.
 *	The timer runs while a file is open.
 * @burst: samples an interrupt, IODEMO_BURST_MIN..IODEMO_BURST_MAX
 * @reserved: must be zero
 *
 * Since: 1
 */
struct iodemo_config {
	__u32	period_us;
	__u32	burst;
	__u32	reserved[6];
};

/**
 * struct iodemo_client_config - how this open file reads
 * @format: IODEMO_FORMAT_*
 * @low_water: a sleeping reader, poll() and SIGIO wait until so many records
 *	are there, IODEMO_LOW_WATER_MIN..capacity; 1 to begin with. A read that
 *	doesn't sleep takes what is there, as with SO_RCVLOWAT.
 *	Lowering it wakes whom the new mark satisfies.
 * @types: the types of records that this file wants: 1U << IODEMO_TYPE_SAMPLE and so
 *	on; 0, as to begin with: all. Records of other types don't wake it, don't
 *	count for @low_water, and no read gets them: the cursor passes them when a
 *	read comes to them. A mapped ring shows them all, and who moves a mapped
 *	cursor past them has read them. A source that waits (IODEMO_INFO_WAITS) does
 *	so for none of them. A change wakes whom the new mask satisfies.
 *	EINVAL: a bit that is no type's. Since: 6; before, it had to be 0
 * @reserved: must be zero
 *
 * A change of @format while a line is half read drops the rest of the line; one of
 * @types leaves it.
 *
 * Since: 1
 */
struct iodemo_client_config {
	__u32	format;
	__u32	low_water;
	__u32	types;
	__u32	reserved[5];
};

/**
 * struct iodemo_stats - counters; those of the device run from probe on
 * @interrupts: interrupts that the handler has taken
 * @records: records stored, of all types; the next record's seq
 * @echoes: of @records, those of type echo
 * @wakeups: times that the device woke somebody: one for each file whose
 *	readers or pollers it woke, and one if it woke sleeping writers
 * @signals: SIGIO (or F_SETSIG) notifications sent, one for each file
 * @read: records that this file has consumed (a line counts from its first byte)
 * @lost: records that this file lost to overwriting, of those that it wants
 * @lag: records after this file's cursor, of whatever type
 * @expires: when the timer makes the next interrupt, nanoseconds of
 *	CLOCK_MONOTONIC; 0 if the period is 0. While an interrupt is handled it
 *	is still the time of that one, which has passed. Since: 3
 * @overruns: periods that made no interrupt of their own, since the one before
 *	was not done: @interrupts are so many fewer than time / period. The
 *	device takes a third of a processor at most, and then has overruns,
 *	counted when it begins to rest: up to @expires. Where it is polled, those
 *	whose records the hardware could not keep any more. Since: 4
 * @skipped: records of types that this file doesn't want, which its cursor has
 *	passed; also those that were overwritten before. Since: 6
 * @polls: times that the poller looked at the source, which IODEMO_INFO_POLLED has, and
 *	took 64 records at most. Since: 6
 * @exhausted: of these, how often it took so many, and was to look again. Since: 6
 * @reserved: zero
 *
 * For each file, read + lost + skipped + lag is the number of records stored since
 * it was opened.
 *
 * Since: 1
 */
struct iodemo_stats {
	__aligned_u64	interrupts;
	__aligned_u64	records;
	__aligned_u64	echoes;
	__aligned_u64	wakeups;
	__aligned_u64	signals;
	__aligned_u64	read;
	__aligned_u64	lost;
	__aligned_u64	lag;
	__aligned_u64	expires;
	__aligned_u64	overruns;
	__aligned_u64	skipped;
	__aligned_u64	polls;
	__aligned_u64	exhausted;
	__aligned_u64	reserved[1];
};

/*
 * The ioctls. All but FIONREAD give ENODEV once the device is unplugged. All give
 * EFAULT for a bad pointer, and ENOTTY for a number that is not listed here.
 *
 * To change the device for all is for a file that was opened for writing by one who
 * is in charge: the owner of the node, its group, or who has CAP_SYS_ADMIN. Through
 * another file SET_CONFIG, RESERVE, RELEASE and FLUSH give EPERM. Since: 5; before,
 * each file that was open for writing could.
 *
 * IODEMO_GET_INFO, IODEMO_GET_CLIENT
 *	No further errors.
 * IODEMO_GET_CONFIG
 *	EOPNOTSUPP: the source has none; see IODEMO_INFO_CONFIG.
 * IODEMO_SET_CONFIG
 *	Takes effect at once, a running period begins anew.
 *	EBADF: file not open for writing. EBUSY: device reserved by another
 *	file. EINVAL: value out of range, of this source's too, or reserved field
 *	not zero. EOPNOTSUPP: as GET_CONFIG.
 * IODEMO_SET_CLIENT
 *	EINVAL: value out of range or reserved field not zero.
 * IODEMO_GET_STATS
 *	Also takes back this file's EPOLLPRI: the reader now knows what it lost.
 * IODEMO_TRIGGER
 *	Fires the interrupt line so many times, 1..4294967295. When it returns,
 *	the records are in the ring and whoever waits for them has been woken,
 *	with threaded=1 too; but SIGIO to a process group of more than 16 threads
 *	is sent some time later.
 *	EBADF, EBUSY: as SET_CONFIG. EINVAL: 0. EFAULT: the count can't be read
 *	or not be written; nothing was fired. EOPNOTSUPP: the source can't be fired
 *	by hand; see IODEMO_INFO_TRIGGER. EIO: the hardware did not do it in time, or
 *	no interrupt of its line gets through any more. EINTR: a signal came.
 *	With each error but EFAULT the count has become what is still to fire, so
 *	that calling again completes it; before 6, with EINTR only.
 * IODEMO_RESERVE
 *	Exclusive use for this file until RELEASE, or until the process that has
 *	reserved it closes its last descriptor of the file: open gives EBUSY
 *	(but not to CAP_SYS_ADMIN), and files already open can go on reading,
 *	but not write, SET_CONFIG or TRIGGER (EBUSY). When RESERVE returns, no
 *	write of another file gets in any more. Reserving again what one holds
 *	is no error.
 *	EBADF: file not open for writing. EBUSY: reserved by another file.
 * IODEMO_RELEASE
 *	EBUSY: reserved by another file. EINVAL: not reserved.
 * IODEMO_FLUSH
 *	Empties the transmit queue: what was written, by any file, and not yet taken
 *	by an interrupt, is not sent. What is in the ring stays, and so does a write
 *	that sleeps or is pending: it goes on into the room that there is now. If the
 *	queue was full, whoever waits for room has been woken when this returns.
 *	EBADF, EBUSY: as SET_CONFIG. Since: 5
 * FIONREAD (of <sys/ioctl.h>, an int)
 *	The bytes that a read would get which is large enough and does not sleep: of
 *	a text file those of the lines and of what is left of one that is half read,
 *	of a raw one 64 a record; 0 if nothing is there. Exact, unless a record comes
 *	or another reader of the file is faster. In text this takes as long as that
 *	read. It works on an unplugged device too.
 *	EBADF: file not open for reading. Since: 5
 *
 * Since: 1
 */
#define IODEMO_IOC		0xED
#define IODEMO_GET_INFO		_IOR(IODEMO_IOC, 0x00, struct iodemo_info)
#define IODEMO_GET_CONFIG	_IOR(IODEMO_IOC, 0x01, struct iodemo_config)
#define IODEMO_SET_CONFIG	_IOW(IODEMO_IOC, 0x02, struct iodemo_config)
#define IODEMO_GET_CLIENT	_IOR(IODEMO_IOC, 0x03, struct iodemo_client_config)
#define IODEMO_SET_CLIENT	_IOW(IODEMO_IOC, 0x04, struct iodemo_client_config)
#define IODEMO_GET_STATS	_IOR(IODEMO_IOC, 0x05, struct iodemo_stats)
#define IODEMO_TRIGGER		_IOWR(IODEMO_IOC, 0x06, __u32)
#define IODEMO_RESERVE		_IO(IODEMO_IOC, 0x07)
#define IODEMO_RELEASE		_IO(IODEMO_IOC, 0x08)
#define IODEMO_FLUSH		_IO(IODEMO_IOC, 0x09)

/*
 * Kernel AIO: a read or write that would sleep is left pending by io_submit().
 * Its memory is pinned meanwhile: what can go wrong with the buffer goes wrong in
 * io_submit(), and the event is there when that returns:
 *
 * EFAULT: not the program's memory, or not writable. EOPNOTSUPP: memory that
 * can't be pinned for long (to read into: a shared mapping of a file on disk).
 * ENOMEM: RLIMIT_MEMLOCK, to which pinned pages are charged (not with
 * CAP_IPC_LOCK). EAGAIN: IODEMO_PENDING_MAX are pending. ECANCELED: cancelled, or
 * the process has closed its last descriptor of the file.
 *
 * A request takes as many bytes as one lap of the ring has, and
 * IODEMO_AIO_SIZE_MAX at most; of a longer buffer it uses the beginning.
 *
 * Since: 4; before, the memory was looked at when the request completed
 */

/*
 * The commands of IORING_OP_URING_CMD, in sqe->cmd_op. What sqe->cmd holds is
 * given below; its other bytes must be zero (EINVAL).
 *
 * IODEMO_URING_WAIT
 *	Completes when low_water records wait for this file; takes none of them.
 *	The result is the low 31 bits of the seq of the next one, and with
 *	IORING_SETUP_CQE32 big_cqe[0] is its timestamp.
 *	EBADF: file not open for reading. ENODEV: unplugged, nothing left.
 *	ECANCELED: the ring is closed. EAGAIN: IODEMO_PENDING_MAX are pending.
 *	EOPNOTSUPP: Linux before 6.7 can't cancel a command, so one that had to
 *	wait could keep its task from exiting; see IODEMO_INFO_URING_WAIT.
 *	With IORING_SETUP_IOPOLL it completes in the caller's own polling, on
 *	any kernel; ETIME: nothing came within IODEMO_URING_POLL_MS. Such a ring
 *	is for requests that end soon by themselves, so this one does.
 * IODEMO_URING_TRIGGER
 *	sqe->cmd holds a struct iodemo_uring_trigger. Fires the interrupt line as
 *	IODEMO_TRIGGER does: when it completes, the records are in the ring. The
 *	wake-ups may come later.
 *	EBADF, EBUSY, ENODEV, EOPNOTSUPP: as IODEMO_TRIGGER. EINVAL: count out of range.
 *	EIO: likewise; not all were fired. EINTR: the task is being killed; likewise.
 *
 * EOPNOTSUPP for any other.
 *
 * Since: 2
 */
#define IODEMO_URING_WAIT	1
#define IODEMO_URING_TRIGGER	2

#define IODEMO_URING_TRIGGER_MAX	1024

/* How long a URING_WAIT in a polled ring waits, in milliseconds. Since: 4 */
#define IODEMO_URING_POLL_MS		100

/**
 * struct iodemo_uring_trigger - what sqe->cmd holds for IODEMO_URING_TRIGGER
 * @count: interrupts, 1..IODEMO_URING_TRIGGER_MAX
 * @reserved: must be zero
 *
 * Since: 2
 */
struct iodemo_uring_trigger {
	__u32	count;
	__u32	reserved[3];
};

#endif /* _UAPI_IODEMO_H */
