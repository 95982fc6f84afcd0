import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

type Collect = (options?: { type: 'major'; execution: 'sync'; flavor: 'last-resort' }) => void;

/** Electron's V8 can also give the memory back to the system. In Node 20's, an argument selects a smaller collection. */
const KNOWS_FLAVORS = Number.parseInt(process.versions.v8, 10) >= 13;

let collector: Collect | null = null;

/** Collects this thread's garbage. V8 exposes its collector to contexts created after the flag was set. */
export function collectGarbage(): void {
  if (collector === null) {
    setFlagsFromString('--expose-gc');
    collector = runInNewContext('gc') as Collect;
  }
  if (KNOWS_FLAVORS) collector({ type: 'major', execution: 'sync', flavor: 'last-resort' });
  else collector();
}
