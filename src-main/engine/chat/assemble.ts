import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import type { ChatMessage, PromptSegment, TokenPiece } from '../api/types.ts';
import { encodeChat } from './encode-chat.ts';
import type { ChatFormat, ChatText, NumberedMessage } from './chat-text.ts';

export interface AssembleOptions {
  /** Tokens of prompt and reply together. */
  contextSize: number;
  /** `drop_oldest` omits whole turns, the oldest first, until the prompt and `replyReserve` fit. */
  whenFull: 'stop' | 'drop_oldest';
  /** Tokens to keep free for the reply when turns are dropped. */
  replyReserve: number;
}

export interface AssembledChat {
  /** The prompt as text. */
  text: string;
  /** With BOS. May exceed the context size when nothing more can be dropped. */
  ids: number[];
  tokens: TokenPiece[];
  segments: PromptSegment[];
  notices: string[];
  /** The part of the reply's turn that is in the prompt: the template's header, and the text to be continued. */
  turnBeginning: string;
  /** Tokens before the first turn: the first token and the system message. */
  systemTokens: number;
  /** `[ids]`: the message that a token belongs to; -1 for none. */
  owners: number[];
}

/**
 * Assembles the prompt of a chat.
 *
 * A turn is a user's message with everything up to the next one. The last turn and system messages always stay.
 * @throws EngineError CHAT_TEMPLATE from the format
 */
export function assembleChat(
  messages: readonly ChatMessage[],
  tokenizer: Tokenizer,
  format: ChatFormat,
  options: AssembleOptions,
): AssembledChat {
  const kept = new Set(messages.keys());
  const render = () => {
    const numbered = messages.map(({ role, text }, index): NumberedMessage => ({ role, text, index }));
    return encodeCounted(format(numbered.filter(({ index }) => kept.has(index))), tokenizer);
  };
  let chat = render();
  const segments = messages.map(({ role }, message): PromptSegment => {
    return { role, message, tokens: chat.counts.get(message) ?? 0, dropped: false };
  });

  if (options.whenFull === 'drop_oldest') {
    const droppable = turnsBeforeLast(messages);
    const limit = options.contextSize - options.replyReserve;
    while (chat.tokens.length > limit && droppable.length > 0) {
      // Estimates from the known counts first, so that a long chat is not tokenised again for every turn.
      for (let surplus = chat.tokens.length - limit; surplus > 0 && droppable.length > 0;) {
        for (const message of droppable.shift()!) {
          kept.delete(message);
          segments[message].dropped = true;
          surplus -= segments[message].tokens;
        }
      }
      chat = render();
      for (const message of kept) segments[message].tokens = chat.counts.get(message) ?? 0;
    }
  }
  const { text, tokens, notices } = chat;
  const turnBeginning = text.slice(chat.turnStart);
  const systemTokens = tokensBeforeTurns(chat, messages);
  return {
    text,
    ids: tokens.map(({ id }) => id),
    tokens,
    segments,
    notices: [...notices],
    turnBeginning,
    systemTokens,
    owners: chat.tokenOwners,
  };
}

function tokensBeforeTurns({ owners, tokens }: CountedChat, messages: readonly ChatMessage[]): number {
  const turn = owners.find(({ message }) => messages[message].role !== 'system');
  const first = tokens.findIndex(({ range }) => turn !== undefined && range !== null && range[0] >= turn.start);
  return Math.max(0, first);
}

/** The messages of every turn except the last, oldest turn first. */
function turnsBeforeLast(messages: readonly ChatMessage[]): number[][] {
  const turns: number[][] = [[]];
  messages.forEach(({ role }, message) => {
    if (role === 'system') return;
    if (role === 'user') turns.push([]);
    turns.at(-1)!.push(message);
  });
  return turns.slice(0, -1).filter((turn) => turn.length > 0);
}

interface CountedChat extends ChatText {
  readonly tokens: TokenPiece[];
  /** Per token: the message in whose part it begins, or -1. */
  readonly tokenOwners: number[];
  /** Token count per message. */
  readonly counts: ReadonlyMap<number, number>;
}

function encodeCounted(chat: ChatText, tokenizer: Tokenizer): CountedChat {
  const tokens = encodeChat(chat, tokenizer);
  const counts = new Map<number, number>();
  const { owners } = chat;
  let next = 0;
  const tokenOwners = tokens.map(({ range }) => {
    if (range === null) return -1;
    while (next < owners.length && owners[next].end <= range[0]) next++;
    const owner = owners[next];
    if (owner === undefined || owner.start > range[0]) return -1;
    counts.set(owner.message, (counts.get(owner.message) ?? 0) + 1);
    return owner.message;
  });
  return { ...chat, tokens, tokenOwners, counts };
}
