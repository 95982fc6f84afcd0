import { EngineError } from '../api/errors.ts';
import { sumUp } from '../executors/wasm/op-profile.ts';
import type { CancelToken } from '../api/platform.ts';
import type { Profile, ProfileParams, RunProfile } from '../api/types.ts';
import type { TokenWindow } from './context-window.ts';

/**
 * Profiles the prefill of a prompt and the decoding of single tokens. Each runs once before as a warm-up. The window is
 * empty afterwards.
 * @throws EngineError BAD_REQUEST when the executor cannot measure; CANCELLED, CONTEXT_FULL
 */
export async function profile(
  window: TokenWindow,
  vocabularySize: number,
  { prompt, context, generate }: ProfileParams,
  cancel?: CancelToken,
): Promise<Profile> {
  // Arbitrary ids that differ.
  const ids = (count: number) => Array.from({ length: count }, (_, i) => (i * 2971 + 7919) % vocabularySize);
  const measure = async (tokens: readonly number[]) => {
    const run = await window.run(tokens, { logits: [tokens.length - 1], lend: true, profile: true }, cancel);
    if (run.profile) return run.profile;
    throw new EngineError(
      'BAD_REQUEST',
      'The reference executor cannot time operations. Load the model with another one.',
    );
  };
  window.fresh();
  try {
    await measure(ids(prompt));
    window.clear();
    const prefill = await measure(ids(prompt));
    window.clear();
    await measure(ids(context));
    const runs: RunProfile[] = [];
    for (const id of ids(generate + 1)) runs.push(await measure([id]));
    return { prefill, decode: together(runs.slice(1)) };
  } finally {
    window.clear();
  }
}

/** @param runs at least one */
function together(runs: readonly RunProfile[]): RunProfile {
  const sum = (of: (run: RunProfile) => number) => runs.reduce((total, run) => total + of(run), 0);
  return {
    tokens: sum((run) => run.tokens),
    threads: runs[0].threads,
    ms: sum((run) => run.ms),
    ops: sumUp(runs.flatMap((run) => run.ops)),
  };
}
