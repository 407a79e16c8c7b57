/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The ring's protocol (modules/iodemo/ring.c), as a model for spin
 *
 * One producer; two readers of one file, who share its cursor: read(), and a
 * program that has the ring mapped. A slot is two words, and each holds the seq of
 * the record that was last stored there, so a torn copy shows as two that differ,
 * or as one that is not what was asked for. The record's tally (tally.c) is one more such
 * word, stored and loaded in the same places, and lasts longer; so it is not here.
 *
 * Memory is as weak as the kernel's model allows: what a barrier does not order,
 * happens in any order. So the producer is a set of stores, and a reader's attempt
 * a set of loads; each step takes any of them whose order is not against it. Only
 * stores to one place keep their order. A barrier is a macro which says what must
 * have happened before; to compile with NO_WMB, NO_RELEASE, NO_ACQUIRE or NO_RMB
 * takes one away, and then a record is torn: scripts/model.sh sees to both.
 */
#define CAPACITY	2
#define RECORDS		3	/* one is overwritten */
#define NONE		255

#ifdef NO_WMB
#define WMB(r)		true
#else
/* smp_wmb() (begun): all stores before it, and so those of the records before */
#define WMB(r)		(stored_begun > (r) && (stored_head >= (r)))
#endif

#ifdef NO_RELEASE
#define RELEASE(r)	true
#else
/* smp_store_release(&head) (finished) */
#define RELEASE(r)	(stored_begun > (r) && stored_first[r] && stored_second[r])
#endif

#ifdef NO_ACQUIRE
#define ACQUIRE		true
#else
/* smp_load_acquire(&head) (finished) */
#define ACQUIRE		has_head
#endif

#ifdef NO_RMB
#define RMB		true
#else
/* smp_rmb(), or atomic_thread_fence(memory_order_acquire), (begun) */
#define RMB		(has_head && has_first && has_second)
#endif

/* What is in memory */
byte begun, head;
byte first[CAPACITY] = NONE, second[CAPACITY] = NONE;
byte cursor;

/* The producer: which of its stores are done */
byte stored_begun, stored_head;		/* up to which record */
bool stored_first[RECORDS], stored_second[RECORDS];

/* What became of each record */
byte taken[RECORDS];
byte lost;

/* To one place, an older store first */
#define FIRST_IN_TURN(r)	((r) < CAPACITY || stored_first[(r) - CAPACITY])
#define SECOND_IN_TURN(r)	((r) < CAPACITY || stored_second[(r) - CAPACITY])

/* The slot of any record, since stores may run ahead of each other */
#define STORE_SLOT(r)								\
	:: d_step { !stored_first[r] && WMB(r) && FIRST_IN_TURN(r) ->		\
		first[r % CAPACITY] = r; stored_first[r] = true }		\
	:: d_step { !stored_second[r] && WMB(r) && SECOND_IN_TURN(r) ->		\
		second[r % CAPACITY] = r; stored_second[r] = true }

active proctype producer()
{
	do
	:: d_step { stored_begun < RECORDS ->
		stored_begun++;
		begun = stored_begun }
	STORE_SLOT(0)
	STORE_SLOT(1)
	STORE_SLOT(2)
	:: d_step { stored_head < RECORDS && RELEASE(stored_head) ->
		stored_head++;
		head = stored_head }
	:: stored_begun == RECORDS && stored_head == RECORDS && stored_first[1] &&
	   stored_first[2] && stored_second[1] && stored_second[2] -> break
	od
}

/* One tries to read the record at the cursor, until there is none any more */
proctype reader()
{
	byte seq, got_head, got_first, got_second, got_begun;
	bool has_head, has_first, has_second, has_begun;

next:
	atomic {
		seq = cursor;
		if
		:: seq >= RECORDS -> goto done
		:: else
		fi;
		has_head = false; has_first = false; has_second = false; has_begun = false
	}
	do
	:: d_step { !has_head -> got_head = head; has_head = true }
	:: d_step { !has_first && ACQUIRE -> got_first = first[seq % CAPACITY]; has_first = true }
	:: d_step { !has_second && ACQUIRE -> got_second = second[seq % CAPACITY]; has_second = true }
	:: d_step { !has_begun && RMB -> got_begun = begun; has_begun = true }
	:: has_head && has_first && has_second && has_begun -> break
	od;
	atomic {
		if
		/* Not finished: ask again when it is, or when another has moved the cursor */
		:: got_head <= seq ->
			(head > seq || cursor != seq); goto next
		/* Overwritten: the oldest is next, and what lies between is lost, by cmpxchg */
		:: got_head > seq && got_begun > seq + CAPACITY ->
			if
			:: cursor == seq ->
				cursor = got_begun - CAPACITY;
				lost = lost + got_begun - CAPACITY - seq
			:: else
			fi
		/* Whole, and ours if nobody was faster */
		:: else ->
			assert(got_first == seq && got_second == seq);
			if
			:: cursor == seq ->
				cursor = seq + 1;
				taken[seq]++
			:: else
			fi
		fi;
		got_head = 0; got_first = 0; got_second = 0; got_begun = 0;
		goto next
	}
done:
	skip
}

/* When all is over each record was taken once, or is counted as lost */
init
{
	byte r, sum;

	atomic {
		run reader();
		run reader()
	}
	(_nr_pr == 2);	/* the readers are gone */
	d_step {
		sum = lost;
		r = 0;
		do
		:: r < RECORDS -> assert(taken[r] <= 1); sum = sum + taken[r]; r++
		:: else -> break
		od;
		assert(sum == RECORDS)
	}
}
