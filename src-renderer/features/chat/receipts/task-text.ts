import type { Difference } from '../../../../src-main/protocol/engine/receipt/differences.ts';
import type { RepeatOutcome } from '../../../../src-main/protocol/engine/receipt/repeat-reply.ts';
import { formatCount, formatInteger } from '../../../ui/format.ts';
import { OTHER_PROMPT, type ReceiptTask } from './receipts.svelte.ts';

/** For people: tokens count from 1. */
export interface TaskText {
  title: string;
  detail: string;
}

export function taskText({ kind, state }: ReceiptTask): TaskText {
  switch (state.phase) {
    case 'running': {
      const { tokens, of } = state;
      const detail = of === 0 ? '' : `${formatInteger(tokens)} of ${formatCount(of, 'token')}`;
      return { title: 'Generating the reply again…', detail };
    }
    case 'failed':
      return { title: kind === 'save' ? 'The receipt was not saved' : CANNOT, detail: state.problem };
    case 'done':
      return outcomeText(state.outcome, state.tokens);
  }
}

const CANNOT = 'The reply cannot be repeated';

function outcomeText(outcome: RepeatOutcome, tokens: number): TaskText {
  switch (outcome.result) {
    case 'identical':
      return { title: 'Identical', detail: allMatchText(tokens) };
    case 'differs':
      return {
        title: `Differs from token ${formatInteger(outcome.at + 1)}`,
        detail: outcome.at === 0 ? 'No tokens match.' : matchingText(outcome.at),
      };
    case 'other_prompt':
      return { title: CANNOT, detail: OTHER_PROMPT };
  }
}

function allMatchText(tokens: number): string {
  if (tokens === 0) return 'Both replies are empty.';
  return tokens === 1 ? 'The token matches.' : `All ${formatInteger(tokens)} tokens match.`;
}

function matchingText(tokens: number): string {
  return tokens === 1 ? 'The first token matches.' : `The first ${formatInteger(tokens)} tokens match.`;
}

/** Sentence case, for the table of differences. */
export const DIFFERENCE_LABELS: Readonly<Record<Difference['what'], string>> = {
  'model file': 'Model file',
  executor: 'Executor',
  'KV cache type': 'KV cache type',
  kernels: 'Kernels',
  'context size': 'Context size',
  threads: 'Threads',
  versions: 'Versions',
};

/** Shortens SHA-256 hashes to their first 12 digits. */
export function withShortHashes(text: string): string {
  return text.replaceAll(/\b([0-9a-f]{12})[0-9a-f]{52}\b/g, '$1…');
}

export interface DifferingText {
  label: string;
  testId: string;
  /** The start of both texts. */
  shared: string;
  /** The first token that differs, without leading spaces; empty if the reply ends before it. */
  first: string;
  rest: string;
}

/** The two replies side by side; null unless they differ. */
export function differingTexts({ state, reply }: ReceiptTask): DifferingText[] | null {
  if (state.phase !== 'done' || state.outcome.result !== 'differs') return null;
  const { at, shared, recorded, repeated, firstRepeated } = state.outcome;
  const index = reply.runStart + at;
  const firstRecorded = index < reply.count ? reply.token(index).text : '';
  return [
    { label: 'Recorded', testId: 'recorded-text', ...marked(shared, firstRecorded, recorded.text) },
    { label: 'Repeated', testId: 'repeated-text', ...marked(shared, firstRepeated, repeated.text) },
  ];
}

/** @param text from the first token that differs */
function marked(shared: string, token: string, text: string): Pick<DifferingText, 'shared' | 'first' | 'rest'> {
  const word = token.trimStart();
  const first = word === '' ? token : word;
  const spaces = token.length - first.length;
  return { shared: shared + token.slice(0, spaces), first, rest: text.slice(token.length) };
}
