import { assembleChat, type AssembledChat } from '../chat/assemble.ts';
import type { ChatFormat } from '../chat/chat-text.ts';
import { plainFormat } from '../chat/plain.ts';
import { runningText } from '../chat/running-text.ts';
import { EngineError } from '../errors.ts';
import type { Model } from '../models/model.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import type { PromptInput, PromptSegment, RenderChatParams, RenderedChat, TokenPiece } from '../types.ts';

/** What the model reads. */
export interface Prompt {
  /** BOS included, at most as many as the context window holds. */
  ids: number[];
  /** Null when the prompt was given as ids. */
  text: string | null;
  segments: PromptSegment[];
  /** What a person should know about how the prompt was made. */
  notices: string[];
  /** The tokens with what they stand for in `text`. */
  pieces(): TokenPiece[];
}

/** The part of the window that dropping old turns keeps free for the reply. */
const REPLY_SHARE = 1 / 8;

/**
 * @param maxTokens longest reply wanted, for which room is kept when old turns are dropped
 * @throws EngineError CONTEXT_FULL when the prompt has more tokens than the context window
 */
export function readPrompt(input: PromptInput, model: Model, maxTokens: number): Prompt {
  const prompt = encode(input, model, maxTokens);
  const { contextSize } = model.config;
  const promptTokens = prompt.ids.length;
  if (promptTokens > contextSize) {
    throw new EngineError(
      'CONTEXT_FULL',
      `The prompt has ${promptTokens} tokens, but the context window of ${model.name} holds ${contextSize}. Shorten it by at least ${promptTokens - contextSize}.`,
      { promptTokens, contextSize },
    );
  }
  return prompt;
}

function encode(input: PromptInput, model: Model, maxTokens: number): Prompt {
  const { tokenizer } = model;
  switch (input.kind) {
    case 'ids':
      return {
        ids: [...input.ids],
        text: null,
        segments: [],
        notices: [],
        pieces: () => input.ids.map((id) => describeId(id, tokenizer)),
      };
    case 'text': {
      const options = { addSpecial: input.addBos ?? true, parseSpecial: input.parseSpecial ?? false };
      const ids = tokenizer.encode(input.text, options);
      if (ids.length === 0) {
        throw new EngineError('BAD_REQUEST', 'prompt.text has no tokens and addBos is off. Give some text.', {
          field: 'prompt.text',
        });
      }
      return {
        ids,
        text: input.text,
        segments: [],
        notices: [],
        pieces: () => tokenizer.encodePieces(input.text, options),
      };
    }
    case 'chat': {
      const chat = assemble(input, model, maxTokens);
      return { ...chat, pieces: () => chat.tokens };
    }
  }
}

/** What a chat becomes; not measured against the context window unless old turns are to be dropped. */
export function renderChat(params: RenderChatParams, model: Model): RenderedChat {
  return assemble(params, model, model.config.contextSize);
}

function assemble(params: RenderChatParams, model: Model, maxTokens: number): AssembledChat {
  const { contextSize } = model.config;
  return assembleChat(params.messages, model.tokenizer, formatOf(params), {
    contextSize,
    whenFull: params.whenFull ?? 'stop',
    replyReserve: Math.min(maxTokens, Math.floor(contextSize * REPLY_SHARE)),
  });
}

function formatOf({ template = { kind: 'model' } }: RenderChatParams): ChatFormat {
  return template.kind === 'plain' ? plainFormat : runningText;
}

function describeId(id: number, tokenizer: Tokenizer): TokenPiece {
  const unknown = id === tokenizer.unkTokenId;
  return {
    id,
    piece: tokenizer.piece(id),
    bytes: Array.from(tokenizer.bytes(id)),
    kind: tokenizer.kind(id),
    special: tokenizer.isSpecial(id),
    unknown,
    range: null,
  };
}
