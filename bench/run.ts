/**
 * Measures Tokenscope beside node-llama-cpp and writes what it found into docs/performance.md.
 *
 *     npm run bench                                      everything, about ten minutes
 *     npm run bench -- --quick                           the files after a short context, once; writes nothing
 *     npm run bench -- --files Q4_0,Q8_0 --threads 1     some files
 *     npm run bench -- --parts lanes,start               some parts: files, lanes, runtimes, start, machine
 *     npm run bench -- --repeat 5                        measurements of each kind, of which the median counts
 */
import { ensureBuilt } from '../scripts/ensure-built.mjs';
import { installNodeLlamaCpp } from './lib/node-llama-cpp.ts';
import { readOptions } from './lib/options.ts';
import { formatFiles, measureFiles } from './sections/files.ts';

const options = readOptions(process.argv.slice(2));
await installNodeLlamaCpp(options.say);
await ensureBuilt(['main']);
const started = Date.now();
if (options.parts.includes('files')) console.log(formatFiles(await measureFiles(options), options));
options.say(`done in ${((Date.now() - started) / 1000).toFixed(0)} s`);
