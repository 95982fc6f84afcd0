/** Executors on the CPU that choose tokens as a GPU does, for tests of runs in flight. */
import type { Executor, LogitsHandle, Outputs, RunResult } from '../executors/executor.ts';
import { HostLogits } from '../executors/logits.ts';
import type { NextChoice } from '../sampling/next-choice.ts';
import { bestOf } from './best-logits.ts';

/** The token that a GPU chooses, in double precision. */
export function chosenToken(logits: Float32Array, how: NextChoice): number {
  if (how === 'greedy') return logits.indexOf(Math.max(...logits));
  let best = Array.from(logits, (logit, id) => ({ id, logit })).sort((a, b) => b.logit - a.logit || a.id - b.id);
  const weigh = () => best.map(({ logit }) => Math.exp(logit - best[0].logit));
  /** Index at which the sum of the weights reaches a share of all. */
  const reaching = (share: number) => {
    const weights = weigh();
    let left = share * weights.reduce((sum, weight) => sum + weight, 0);
    const at = weights.findIndex((weight) => (left -= weight) <= 0);
    return at === -1 ? weights.length - 1 : at;
  };
  for (const [kind, value] of how.steps) {
    if (kind === 'count') best = best.slice(0, value);
    else if (kind === 'difference') best = best.filter(({ logit }) => logit >= best[0].logit + value);
    else if (kind === 'mass') best = best.slice(0, reaching(value) + 1);
    else best = best.map(({ id, logit }) => ({ id, logit: logit / value }));
  }
  return best[reaching(how.random)].id;
}

/**
 * Makes an executor choose tokens. Its runs wait for each other.
 * @param best how many of the best logits are read first
 */
export function choosing(executor: Executor, best: number): Executor {
  const compute = executor.run.bind(executor);
  let chosen = 0;
  const handleOf = (values: Float32Array, { bestFirst, choose }: Outputs): LogitsHandle => {
    if (!bestFirst) return new HostLogits(values);
    const lent = bestOf(values, best, () => undefined);
    const handle = { read: () => Promise.resolve(values), lend: () => Promise.resolve(lent) };
    if (choose === undefined) return handle;
    chosen = chosenToken(values, choose);
    return { ...handle, chosen };
  };
  const runInTurn: Executor['run'] = async (batch, outputs, cancel): Promise<RunResult> => {
    const tokens = batch.isChosen ? Int32Array.of(chosen) : batch.tokens;
    const result = await compute({ ...batch, tokens }, outputs, cancel);
    const logits: LogitsHandle[] = [];
    // Copies: the next run overwrites them.
    for (const handle of result.logits) logits.push(handleOf((await handle.read()).slice(), outputs));
    return { ...result, logits };
  };
  let turn: Promise<unknown> = Promise.resolve();
  const run: Executor['run'] = (batch, outputs, cancel) => {
    // Copies: the next run changes them.
    const contexts = batch.contexts.map(({ cells, positions }) => ({
      cells: cells.slice(),
      positions: positions.slice(),
    }));
    const result = turn.then(() => runInTurn({ ...batch, contexts }, outputs, cancel));
    turn = result.catch(() => undefined);
    return result;
  };
  return Object.assign(executor, { choosesTokens: true, run });
}
