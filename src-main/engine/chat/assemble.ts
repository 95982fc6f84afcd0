import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import type { ChatMessage, PromptSegment } from '../types.ts';

export interface AssembleOptions {
  /** Tokens that prompt and reply have together. */
  contextSize: number;
  /** `drop_oldest` leaves out whole turns, the oldest first, until the prompt and `replyReserve` fit. */
  whenFull: 'stop' | 'drop_oldest';
  /** Tokens to keep free for the reply when turns are dropped. */
  replyReserve: number;
}

export interface AssembledChat {
  /** What the model reads. */
  text: string;
  /** BOS included. May exceed the context size when nothing more can be left out. */
  ids: number[];
  segments: PromptSegment[];
}

/**
 * The prompt of a chat with a model that knows no roles: one running text of all messages, joined with a space, that
 * the reply continues.
 *
 * A turn is a user's message with what follows it up to the next one. The last turn and system messages always stay.
 */
export function assembleRunningText(
  messages: readonly ChatMessage[],
  tokenizer: Tokenizer,
  options: AssembleOptions,
): AssembledChat {
  // Spaces at the borders would change with every edit, and with them the tokens.
  const texts = messages.map(({ text }) => text.trim());
  const kept = new Set(messages.keys());
  let { text, ids, tokens } = join(texts, kept, tokenizer);
  const segments = messages.map(({ role }, message): PromptSegment => {
    return { role, message, tokens: tokens[message], dropped: false };
  });

  if (options.whenFull === 'drop_oldest') {
    const droppable = turnsBeforeLast(messages);
    const limit = options.contextSize - options.replyReserve;
    while (ids.length > limit && droppable.length > 0) {
      // By the counts at hand first, so that a long chat is not tokenised again for every turn.
      for (let surplus = ids.length - limit; surplus > 0 && droppable.length > 0;) {
        for (const message of droppable.shift()!) {
          kept.delete(message);
          segments[message].dropped = true;
          surplus -= segments[message].tokens;
        }
      }
      ({ text, ids, tokens } = join(texts, kept, tokenizer));
      for (const message of kept) segments[message].tokens = tokens[message];
    }
  }
  return { text, ids, segments };
}

/** The messages of every turn but the last, oldest turn first. */
function turnsBeforeLast(messages: readonly ChatMessage[]): number[][] {
  const turns: number[][] = [[]];
  messages.forEach(({ role }, message) => {
    if (role === 'system') return;
    if (role === 'user') turns.push([]);
    turns.at(-1)!.push(message);
  });
  return turns.slice(0, -1).filter((turn) => turn.length > 0);
}

/** @returns `tokens`: per message, how many tokens begin in it */
function join(
  texts: readonly string[],
  kept: ReadonlySet<number>,
  tokenizer: Tokenizer,
): { text: string; ids: number[]; tokens: number[] } {
  const tokens = texts.map(() => 0);
  const starts: number[] = [];
  const owners: number[] = [];
  let text = '';
  texts.forEach((part, message) => {
    if (part === '' || !kept.has(message)) return;
    if (text !== '') text += ' ';
    starts.push(text.length);
    owners.push(message);
    text += part;
  });
  const pieces = tokenizer.encodePieces(text);
  let owner = 0;
  for (const { range } of pieces) {
    if (range === null) continue;
    // A token that begins with the joining space belongs to the message after it.
    while (owner + 1 < starts.length && range[0] >= starts[owner + 1] - 1) owner++;
    tokens[owners[owner]]++;
  }
  return { text, ids: pieces.map(({ id }) => id), tokens };
}
