// SPDX-License-Identifier: GPL-2.0-only
// A stream of node's under test. Node has no ioctl: iodemo-ctl fires, and the records are lines of text.
const assert = require('node:assert');
const { createReadStream } = require('node:fs');
const { execFileSync } = require('node:child_process');

const made = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'.repeat(2);
const fire = (count) => execFileSync('iodemo-ctl', ['trigger', count]);
const input = createReadStream('/dev/iodemo', { encoding: 'latin1' });
let text = '';

execFileSync('iodemo-ctl', ['set', 'period=0', 'burst=1']);
input.on('open', () => fire(3));
input.on('data', (some) => {
	text += some;
	const lines = text.split('\n').slice(0, -1).map((line) => line.split(' '));
	if (lines.length < 3 || input.destroyed)
		return;
	lines.forEach(([seq, time, cpu, type, data], i) => {
		assert.equal(seq, +lines[0][0] + i);
		assert.equal(data, made.substr(seq % 62, 40));
	});
	console.log('node: 3 lines, whole and in order');
	input.destroy();
	fire(1);	// for the thread of node's pool that sleeps in read(), and can't be told to stop
});
