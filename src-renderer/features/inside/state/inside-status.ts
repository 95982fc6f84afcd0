import type { ChatFigures } from '../../chat/state/chat-figures.svelte.ts';
import type { ContextUse } from '../../chat/state/context-use.ts';
import type { InsideState } from './inside.svelte.ts';

export interface InsideStatus {
  context: Pick<ContextUse, 'system' | 'history' | 'reply' | 'size'> & { of?: string };
  rate: ChatFigures['rate'];
}

/** What the status bar shows about the run of the view. @param other what it shows without one */
export function insideStatus(
  { answers, model, source }: Pick<InsideState, 'answers' | 'model' | 'source'>,
  { context, rate }: InsideStatus,
): InsideStatus {
  if (answers === null) return { context, rate };
  const of = source.kind === 'text' ? 'this text' : 'the chat up to here';
  return { context: { system: 0, history: answers.ids.length, reply: 0, size: model?.contextSize ?? 0, of }, rate };
}
