import { EngineError } from '../../../engine/api/errors.ts';
import type { BenchAnswer } from './bench-messages.ts';

/** What a call came to, also when it threw. */
export async function answerTo(run: () => unknown): Promise<BenchAnswer> {
  try {
    return { result: await run() };
  } catch (thrown) {
    return { error: EngineError.from(thrown).payload };
  }
}
