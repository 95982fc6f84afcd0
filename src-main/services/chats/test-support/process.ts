/**
 * Another process on the same folder. `write FOLDER NAME COUNT` adds so many turns to chat `c`, and more until the
 * folder has a file `enough`, and prints their number; `compact FOLDER` compacts its journal until it is killed.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { ChatPaths } from '../chat-paths.ts';
import { compact } from '../compaction.ts';
import { appendDetails } from '../details-file.ts';
import { ChatFiles } from '../files.ts';
import { Journal } from '../journal.ts';
import { eventLine } from '../journal-format.ts';

const { positionals } = parseArgs({ allowPositionals: true });
const [what = '', folder = '', name = '', count = '0'] = positionals;
const AT = '2026-01-02T03:04:05.678Z';
/** Turns after which a writer ends, even if nobody tells it to. */
const MAX_TURNS = 20_000;
const paths = new ChatPaths(folder);
const files = new ChatFiles();
const journal = new Journal('c', paths.journal('c'), files);

async function write(): Promise<void> {
  let parent: string | null = null;
  let turn = 0;
  for (; turn < Number(count) || (turn < MAX_TURNS && !existsSync(join(folder, 'enough'))); turn++) {
    const id = `${name}-${turn}`;
    const details = { piece: id, rank: 1, sampledProbability: 1, survivors: 1, candidates: [] };
    const places = await appendDetails(files, paths.details('c'), [{ turn: id, from: 0, details: [details] }]);
    const event = {
      type: 'turn',
      at: AT,
      turn: { id, parent, role: 'user', text: `text of ${id}`, createdAt: AT },
    } as const;
    await journal.append(eventLine(event, places), AT);
    parent = id;
  }
  process.stdout.write(`${turn}\n`);
}

async function compactForever(): Promise<never> {
  for (;;) {
    await journal.catchUp();
    await compact(journal, paths);
    await sleep(2);
  }
}

process.stdout.write('ready\n');
if (what === 'write') await write();
else await compactForever();
