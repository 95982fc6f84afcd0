/** Holds a lock file like another Tokenscope: `node lock-child.mjs PATH HOLDER`. */
import { readFileSync, utimesSync, writeFileSync } from 'node:fs';

const [path, holder] = process.argv.slice(2);
let startTicks = null;
if (process.platform === 'linux') {
  const text = readFileSync('/proc/self/stat', 'latin1');
  startTicks = text.slice(text.lastIndexOf(')') + 2).split(' ')[19];
}
writeFileSync(path, JSON.stringify({ ...JSON.parse(holder), pid: process.pid, startTicks }));
process.send('held');
setInterval(() => utimesSync(path, new Date(), new Date()), 100);
