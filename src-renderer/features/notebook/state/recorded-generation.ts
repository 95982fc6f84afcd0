/** What repeats a generation in a notebook. Its prompt is the text before it, which must still be what it was. */
import { EngineError } from '../../../../src-main/engine/api/errors.ts';
import { idsDigest } from '../../../../src-main/protocol/engine/receipt/receipt.ts';
import { recordedRun, runWith, type StoredRun } from '../../chat/receipts/recorded-reply.ts';
import type { PromptWithReply } from '../../chat/state/recomputed-tokens.svelte.ts';
import { replyDraws } from '../../chat/state/reply-draws.ts';
import type { Reply } from '../../chat/state/reply.svelte.ts';
import type { DrawSource } from '../../waterfall/draw-source.ts';
import type { NotebookDocument } from './notebook-document.svelte.ts';
import { promptBefore, promptWithReply, type PromptParts } from './notebook-prompt.ts';
import { tokensInRuns } from './token-runs.ts';

const NOT_SHOWN = 'The beginning of this generation is not in the text. Undo the change that removed it.';
const CHANGED = 'The text before this generation has changed. Undo the changes to repeat it.';

/** Of the text before the generation, in its explanation. UTF-16 units. */
const ASKED = 500;

export type RecordedParts = Pick<PromptParts, 'notebook' | 'engine' | 'model'> & { reply: Reply };

interface Recorded {
  run: StoredRun;
  promptIds: number[];
  /** Where the generation begins in the text. */
  position: number;
}

/**
 * What repeats a generation; or the reason, for people, why it cannot be repeated.
 * @throws EngineError, for example CONTEXT_FULL if the text is now longer than the window
 */
export async function recordedGeneration({ reply, ...parts }: RecordedParts): Promise<Recorded | string> {
  const recorded = recordedRun(reply);
  if (typeof recorded === 'string') return recorded;
  const { notebook, model } = parts;
  const position = startOf(notebook, reply);
  if (position === null) return NOT_SHOWN;
  const { whenFull, stop } = recorded;
  const { input, ids } = await promptBefore({ ...parts, position, whenFull, maxTokens: stop.maxTokens });
  // Another model has other ids.
  if (model.id === reply.facts.modelId && idsDigest(ids) !== recorded.promptDigest) return CHANGED;
  return { run: runWith(reply, recorded, input), promptIds: ids, position };
}

/** How the tokens of a generation were drawn. @throws EngineError, as `recordedGeneration` */
export async function generationDraws(parts: RecordedParts): Promise<DrawSource> {
  const { notebook, reply } = parts;
  const recorded = await recordedGeneration(parts);
  if (typeof recorded === 'string') {
    const draws = replyDraws(reply, '', () => {
      throw new Error('A draw with a problem was asked for.');
    });
    return { ...draws, problem: () => recorded };
  }
  const { run, promptIds, position } = recorded;
  const { sampling, stop, continues, firstToken, prompt } = run.request;
  const whenFull = prompt.whenFull === 'shift' ? 'shift' : 'stop';
  const asked = notebook.text.toString().slice(Math.max(0, position - ASKED), position);
  return replyDraws(reply, asked, (index) => {
    // Random numbers begin after a token that a person chose.
    const chosen = index === 0 ? undefined : firstToken;
    return {
      ...{ sampling, stop, ...(continues === undefined ? {} : { continues }) },
      prompt: { kind: 'ids', ids: promptIds, whenFull },
      ...(chosen === undefined ? {} : { firstToken: chosen }),
      reply: reply.ids(chosen === undefined ? 0 : 1, index),
    };
  });
}

/**
 * The tokens of a generation after those of the text that is before it now, which may have changed.
 * @param end number of tokens of the generation
 * @throws EngineError BAD_REQUEST if its beginning is not in the text
 */
export async function generationPrompt({ reply, ...parts }: RecordedParts, end: number): Promise<PromptWithReply> {
  const position = startOf(parts.notebook, reply);
  if (position === null) throw new EngineError('BAD_REQUEST', NOT_SHOWN);
  return await promptWithReply({ ...parts, position }, reply, end);
}

/** Where the text of a reply begins; null if its first token is not in the text. */
function startOf(notebook: NotebookDocument, reply: Reply): number | null {
  const tokens = tokensInRuns(notebook.runs(), (id) => notebook.reply(id));
  const first = tokens.find((token) => token.reply === reply);
  return first !== undefined && reply.startOf(first.index) === 0 ? first.from : null;
}
