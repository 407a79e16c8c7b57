// SPDX-License-Identifier: GPL-2.0-only
/*
 * Model four: a signal tells that there is something to read
 */

#include "iodemo.h"

/* O_ASYNC is set or cleared, or the file is closed. */
int iodemo_fasync(int fd, struct file *file, int on)
{
	struct iodemo_client *client = file->private_data;
	int ret = fasync_helper(fd, file, on, &client->fasync);

	if (ret >= 0 && on)
		iodemo_client_listen(client);
	return ret;
}

/* Return: notifications sent. Called with the listeners locked. */
unsigned int iodemo_fasync_signal(struct iodemo_client *client, __poll_t events)
{
	unsigned int sent = 0;

	lockdep_assert_held(&client->dev->listeners_lock);

	if (!client->fasync)
		return 0;

	if (events & EPOLLHUP) {
		kill_fasync(&client->fasync, SIGIO, POLL_HUP);
		return 1;
	}
	if (events & EPOLLIN) {
		kill_fasync(&client->fasync, SIGIO, POLL_IN);
		sent++;
	}
	if (events & EPOLLPRI && !client->lapped_signalled) {
		client->lapped_signalled = true;
		kill_fasync(&client->fasync, SIGIO, POLL_PRI);
		sent++;
	}
	if (events & EPOLLOUT) {
		kill_fasync(&client->fasync, SIGIO, POLL_OUT);
		sent++;
	}
	return sent;
}
