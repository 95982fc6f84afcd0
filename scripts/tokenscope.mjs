#!/usr/bin/env node
/** The `tokenscope` command: builds the command line tool if necessary, then runs it. Standard output is the tool's. */
import { ensureBuilt } from './ensure-built.mjs';

try {
  await ensureBuilt(['main']);
} catch (error) {
  process.stderr.write(`tokenscope: ${/** @type {Error} */ (error).message}\n`);
  process.exit(1);
}
await import(new URL('../out/main/cli.js', import.meta.url).href);
