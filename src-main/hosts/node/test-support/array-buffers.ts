import { setTimeout as sleep } from 'node:timers/promises';
import { collectGarbage } from '../collect-garbage.ts';

/** Bytes of this thread's array buffers once they have stopped falling. Another thread frees those of earlier tests. */
export async function settledArrayBuffers(): Promise<number> {
  let lowest = Infinity;
  for (let same = 0; same < 5; same++) {
    collectGarbage();
    await sleep(50);
    const { arrayBuffers } = process.memoryUsage();
    if (arrayBuffers < lowest) same = 0;
    lowest = Math.min(lowest, arrayBuffers);
  }
  return lowest;
}
