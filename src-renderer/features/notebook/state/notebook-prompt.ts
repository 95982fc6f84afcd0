import type { Continues, GenerateParams, PromptInput, WhenFull } from '../../../../src-main/engine/api/types.ts';
import { replyReserve } from '../../../../src-main/engine/api/defaults.ts';
import { EngineError } from '../../../../src-main/engine/api/errors.ts';
import type { EngineApi } from '../../../../src-main/protocol/engine/api.ts';
import { idsDigest } from '../../../../src-main/protocol/engine/receipt/receipt.ts';
import { formatInteger } from '../../../ui/format.ts';
import type { PromptWithReply } from '../../chat/state/recomputed-tokens.svelte.ts';
import type { Reply } from '../../chat/state/reply.svelte.ts';
import type { NotebookDocument } from './notebook-document.svelte.ts';
import { idsBefore, tokensInRuns } from './token-runs.ts';

export interface NotebookPrompt {
  /** A text, or the exact ids if it ends with generated tokens or is too long. */
  input: Exclude<PromptInput, { kind: 'chat' }>;
  /** The tokens that the model reads, with BOS. */
  ids: number[];
  /** Tokens at the beginning of the text that do not fit and are left out. */
  leftOut: number;
}

interface TextParts {
  notebook: NotebookDocument;
  /** UTF-16 offset: the text before it is the prompt. */
  position: number;
  engine: Pick<EngineApi, 'call'>;
  model: { id: string; name: string; contextSize: number; bosTokenId: number | null };
  signal?: AbortSignal;
}

export interface PromptParts extends TextParts {
  whenFull: WhenFull;
  /** Token limit of the reply. */
  maxTokens: number;
}

/**
 * What the model reads to continue a text at a position.
 * @throws EngineError CONTEXT_FULL if the text does not fit and nothing may be left out
 */
export async function promptBefore(parts: PromptParts): Promise<NotebookPrompt> {
  const { model, whenFull, maxTokens } = parts;
  const { text, exact, ids } = await readBefore(parts);
  const whenWindowFull = whenFull === 'stop' ? 'stop' : 'shift';
  const room = Math.max(1, model.contextSize - replyReserve(maxTokens, model.contextSize));
  // With `stop` a reply may fill what is left of the window, however little.
  const limit = whenFull === 'stop' ? model.contextSize - 1 : room;
  if (ids.length <= limit) {
    const input: NotebookPrompt['input'] =
      exact.length === 0
        ? { kind: 'text', text, addBos: true, parseSpecial: false, whenFull: whenWindowFull }
        : { kind: 'ids', ids, whenFull: whenWindowFull };
    return { input, ids, leftOut: 0 };
  }
  if (whenFull === 'stop') {
    const [has, holds, over] = [ids.length, model.contextSize, ids.length - limit].map(formatInteger);
    const advice = 'choose “Leave out the beginning” in the Context panel';
    throw new EngineError(
      'CONTEXT_FULL',
      `The text before the cursor has ${has} tokens, but the context window of ${model.name} holds ${holds}. Shorten it by at least ${over}, or ${advice}.`,
      { promptTokens: ids.length, contextSize: model.contextSize, model: model.name, advice },
    );
  }
  const read = lastOf(ids, room, model.bosTokenId);
  return {
    input: { kind: 'ids', ids: read, whenFull: whenWindowFull },
    ids: read,
    leftOut: ids.length - read.length,
  };
}

/**
 * What Generate asks at a position.
 * @throws EngineError, as `promptBefore`
 */
export async function questionAt(
  parts: PromptParts,
): Promise<{ question: Pick<GenerateParams, 'prompt' | 'continues'>; leftOut: number }> {
  const { notebook, position } = parts;
  const continues = position === 0 ? {} : { continues: continuesAt(notebook, position) };
  const { input, leftOut } = await promptBefore(parts);
  return { question: { prompt: input, ...continues }, leftOut };
}

/**
 * What joins a reply to the text before it is part of the reply, which does not end at once: neither with an end token, nor
 * with the stop string that ended the reply before it.
 */
function continuesAt(notebook: NotebookDocument, position: number): Continues {
  const tokens = tokensInRuns(notebook.runs(), (id) => notebook.reply(id));
  const before = tokens.find(({ to }) => to === position);
  const { stop = null, count = 0 } = before?.reply ?? {};
  if (stop?.reason !== 'stop_string' || before?.index !== count - 1 || stop.stopString === undefined) {
    return { reason: 'eos' };
  }
  return { reason: 'stop_string', stopString: stop.stopString };
}

/**
 * Tokens that the model reads. What was counted before a reply began may have the text that the reply replaces.
 * @param counted the text before the cursor while nothing was generated
 */
export function tokensRead(running: Reply | null, counted: Pick<NotebookPrompt, 'ids'> | null): number {
  if (running !== null && running.promptTokens > 0) return running.promptTokens;
  return counted?.ids.length ?? 0;
}

/**
 * The tokens of a reply after those of the text before it, of which the beginning is left out if not all fit.
 * @param end number of tokens of the reply
 */
export async function promptWithReply(parts: TextParts, reply: Reply, end: number): Promise<PromptWithReply> {
  const { contextSize, bosTokenId } = parts.model;
  const { ids } = await readBefore(parts);
  const before = lastOf(ids, Math.max(1, contextSize - end), bosTokenId);
  const { run } = reply.facts;
  const hasOtherPrompt = run != null && idsDigest(before) !== run.promptDigest;
  return { prompt: { kind: 'ids', ids: [...before, ...reply.ids(0, end)] }, replyTokens: end, hasOtherPrompt };
}

/** The text before a position as tokens, the generated ones at its end exactly as they were. */
async function readBefore({
  notebook,
  position,
  engine,
  model,
  signal,
}: TextParts): Promise<{ text: string; exact: number[]; ids: number[] }> {
  const tokens = tokensInRuns(notebook.runs(), (id) => notebook.reply(id));
  const { ids: exact, textEnd } = idsBefore(tokens, position, model.id);
  const text = notebook.text.toString().slice(0, textEnd);
  const params = { text, addBos: true, parseSpecial: false };
  const tokenized = await engine.call('tokenize', params, signal === undefined ? {} : { signal });
  return { text, exact, ids: [...tokenized.ids, ...exact] };
}

/** At most so many tokens of the end, after BOS if there is one. */
function lastOf(ids: readonly number[], most: number, bosTokenId: number | null): number[] {
  if (ids.length <= most) return [...ids];
  const first = ids[0] === bosTokenId ? ids.slice(0, 1) : [];
  return [...first, ...ids.slice(ids.length - Math.max(0, most - first.length))];
}
