/** Where the tokens of replies are in the text of a notebook. */
import { KEPT, readMark, TOKEN } from '../../../../src-main/protocol/app/chats/notebook.ts';
import type { Reply } from '../../chat/state/reply.svelte.ts';

/** A part of the text with the same attributes. */
export interface TextRun {
  text: string;
  attributes: Record<string, unknown>;
}

/** A token in the text, as it was generated. */
export interface NotebookToken {
  /** UTF-16 range in the text. */
  from: number;
  to: number;
  reply: Reply;
  /** Its index in the reply. */
  index: number;
  /** A person accepted it: it is no longer marked as generated. */
  kept: boolean;
}

/** A token as ids: those of a reply from one index to another, exclusive. */
export interface IdRange {
  reply: Reply;
  from: number;
  to: number;
}

/** The tokens of a text, in order. A token that was edited is no longer one. */
export function tokensInRuns(runs: readonly TextRun[], replyOf: (id: string) => Reply | null): NotebookToken[] {
  const placed: NotebookToken[] = [];
  let from = 0;
  for (const { text, attributes } of runs) {
    const to = from + text.length;
    const mark = readMark(attributes[TOKEN]);
    const reply = mark === null ? null : replyOf(mark.turn);
    if (mark !== null && reply !== null && mark.index < reply.count && reply.token(mark.index).text === text) {
      placed.push({ from, to, reply, index: mark.index, kept: attributes[KEPT] === true });
    }
    from = to;
  }
  return placed;
}

/**
 * The generated tokens directly before a position, whose ids the model can read as they are. Tokenizing their text could
 * give other ids.
 *
 * @param modelId the model that reads them: ids of others mean something else to it
 * @returns their ids in order, and where the text before them ends
 */
export function idsBefore(
  tokens: readonly NotebookToken[],
  position: number,
  modelId: string,
): { ids: number[]; textEnd: number } {
  const ranges: IdRange[] = [];
  let start = position;
  for (let at = tokens.findLastIndex(({ from }) => from < position); at >= 0; at--) {
    const { from, to, reply, index } = tokens[at];
    if (to !== start || reply.facts.modelId !== modelId || isCut(reply, index)) break;
    const next = ranges.at(-1);
    const continues = next?.reply === reply && followsDirectly(reply, index, next.from);
    // Tokens without text, which are part of a character, belong to those around them.
    if (!continues && next !== undefined && next.reply === reply) break;
    if (continues) next.from = index;
    else ranges.push({ reply, from: index, to: endWith(reply, index) });
    start = from;
  }
  for (const range of ranges) range.from = startOfEmpty(range.reply, range.from);
  return { ids: ranges.reverse().flatMap(({ reply, from, to }) => reply.ids(from, to)), textEnd: start };
}

/** Why no other token can take the place of one, or null: the model would read text before it without the last tokens. */
export function branchProblem({ reply, index }: Pick<NotebookToken, 'reply' | 'index'>): string | null {
  if (startOfEmpty(reply, index) === index) return null;
  return 'The tokens before this one have no text, so it cannot be replaced alone. Branch from another token.';
}

/** A stop string ended the reply in the middle of this token. */
function isCut(reply: Reply, index: number): boolean {
  return reply.stop?.reason === 'stop_string' && index === reply.count - 1;
}

function followsDirectly(reply: Reply, index: number, next: number): boolean {
  return endOfEmpty(reply, index + 1) === next || index + 1 === next;
}

/** After a token, and after those at the end of the reply that have no text. */
function endWith(reply: Reply, index: number): number {
  const end = endOfEmpty(reply, index + 1);
  return end === reply.count ? end : index + 1;
}

/** The next token with text, from `index` on. */
function endOfEmpty(reply: Reply, index: number): number {
  let end = index;
  while (end < reply.count && reply.startOf(end) === reply.startOf(end + 1)) end++;
  return end;
}

/** The first of the tokens without text directly before `index`. */
function startOfEmpty(reply: Reply, index: number): number {
  let start = index;
  while (start > 0 && reply.startOf(start - 1) === reply.startOf(start)) start--;
  return start;
}
