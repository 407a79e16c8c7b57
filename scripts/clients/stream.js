// SPDX-License-Identifier: GPL-2.0-only
// node: a stream of lines, which ends where the file ends; stream.js FILE
const { createReadStream } = require('node:fs');
const { createInterface } = require('node:readline');

const input = createReadStream(process.argv[2]);
setTimeout(() => console.error('waits'), 10);
createInterface({ input }).on('line', (line) => console.log(line));
