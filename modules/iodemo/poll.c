// SPDX-License-Identifier: GPL-2.0-only
/*
 * Model three: multiplexing. select, poll and epoll all come down to this, and
 * so does an io_uring read that has to wait.
 */

#include "models.h"
#include "trace.h"

/* Does this call put us on a queue? Newer kernels have no name of their own for it. */
static bool gets_on_queue(const poll_table *wait)
{
	return wait && wait->_qproc;
}

__poll_t iodemo_poll(struct file *file, poll_table *wait)
{
	struct iodemo_client *client = file->private_data;
	__poll_t events;

	/*
	 * First get on the queue, then look: else a wake-up in between is lost.
	 * Only the first call of many puts us there; who is there listens.
	 */
	if (gets_on_queue(wait)) {
		poll_wait(file, &client->pollers.head, wait);
		iodemo_client_listen(client);
	}

	events = iodemo_client_events(client);
	if (client->mode & FMODE_WRITE && !(events & EPOLLHUP) &&
	    iodemo_tx_has_room(&client->dev->tx))
		events |= EPOLLOUT | EPOLLWRNORM;
	trace_iodemo_poll(client, events);
	return events;
}
