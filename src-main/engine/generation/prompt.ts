import { assembleChat, type AssembledChat } from '../chat/assemble.ts';
import type { ChatFormat } from '../chat/chat-text.ts';
import { PLAIN_STOP_STRING, plainFormat, runningText } from '../chat/plain.ts';
import { templateFormat } from '../chat/template-format.ts';
import { replyReserve } from '../api/defaults.ts';
import { EngineError } from '../api/errors.ts';
import type { Model } from '../models/model.ts';
import { reasoningMarksOf } from '../models/reasoning-marks.ts';
import { droppedTokens } from './shift.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import type {
  ModelInfo,
  PromptInput,
  PromptSegment,
  RenderChatParams,
  RenderedChat,
  TokenPiece,
} from '../api/types.ts';

/** The tokens that the model sees. */
export interface Prompt {
  /** With BOS. More than the context window holds only if `keptByShift` is not null. */
  ids: number[];
  /** Null when the prompt was given as ids. */
  text: string | null;
  segments: PromptSegment[];
  /** `[ids]`: the message that a token belongs to, -1 for none; empty unless the prompt is a chat. */
  owners: number[];
  /** What people should know about how the prompt was made. */
  notices: string[];
  /** The start of the reply's turn that is part of the prompt; empty without turns. */
  turnBeginning: string;
  /** Stop strings that follow from the prompt's format, in addition to the requested ones. */
  stopStrings: readonly string[];
  /** Leading tokens that a context shift never drops; null if the reply ends with the window. */
  keptByShift: number | null;
  /** The tokens with their parts of `text`. */
  pieces(): TokenPiece[];
}

/**
 * @param maxTokens token limit of the reply, which dropping old turns leaves free
 * @param shifts a reply that is continued may be longer than the window, which then holds what a shift leaves of it
 * @throws EngineError CONTEXT_FULL when the prompt has more tokens than the context window
 */
export function readPrompt(input: PromptInput, model: Model, maxTokens: number, shifts = false): Prompt {
  const prompt = encode(input, model, maxTokens);
  const { contextSize } = model.config;
  const promptTokens = prompt.ids.length;
  if (promptTokens > contextSize && !(shifts && isShiftedReply(input))) {
    // A prompt that fills the window leaves no token for the reply.
    const over = promptTokens - contextSize + 1;
    throw new EngineError(
      'CONTEXT_FULL',
      `The prompt has ${promptTokens} tokens, but the context window of ${model.name} holds ${contextSize}. Shorten it by at least ${over} tokens.`,
      { promptTokens, contextSize, model: model.name },
    );
  }
  return prompt;
}

function isShiftedReply(input: PromptInput): boolean {
  if (input.kind !== 'chat' || input.whenFull !== 'shift') return false;
  return (input.replyIds ?? []).length > 0 || input.messages.at(-1)?.role === 'assistant';
}

function encode(input: PromptInput, model: Model, maxTokens: number): Prompt {
  const { tokenizer } = model;
  switch (input.kind) {
    case 'ids':
      return {
        ids: [...input.ids],
        text: null,
        segments: [],
        owners: [],
        notices: [],
        turnBeginning: '',
        stopStrings: [],
        keptByShift: input.whenFull === 'shift' ? bosOf(input.ids, model) : null,
        pieces: () => input.ids.map((id) => describeId(id, tokenizer)),
      };
    case 'text': {
      const options = { addSpecial: input.addBos ?? true, parseSpecial: input.parseSpecial ?? false };
      const ids = tokenizer.encode(input.text, options);
      if (ids.length === 0) {
        const reason = options.addSpecial ? 'this model adds no BOS token' : 'addBos is off';
        throw new EngineError('BAD_REQUEST', `The prompt has no tokens, and ${reason}. Add some text.`, {
          field: 'prompt.text',
        });
      }
      return {
        ids,
        text: input.text,
        segments: [],
        owners: [],
        notices: [],
        turnBeginning: '',
        stopStrings: [],
        keptByShift: input.whenFull === 'shift' ? bosOf(ids, model) : null,
        pieces: () => tokenizer.encodePieces(input.text, options),
      };
    }
    case 'chat': {
      const chat = assemble(input, model, maxTokens);
      const stopStrings = templateKind(input, model) === 'plain' ? [PLAIN_STOP_STRING] : [];
      const keptByShift = input.whenFull === 'shift' ? chat.systemTokens : null;
      return { ...chat, stopStrings, keptByShift, pieces: () => chat.tokens };
    }
  }
}

/** The BOS token, if the prompt begins with it. */
function bosOf([first]: readonly number[], { config }: Model): number {
  return first === config.bosTokenId ? 1 : 0;
}

/** Formats and tokenizes a chat. It may exceed the context window, unless old turns are to be dropped. */
export function renderChat(params: RenderChatParams, model: Model): RenderedChat {
  const { contextSize } = model.config;
  const { maxTokens = contextSize, replyTokens = 0, whenFull } = params;
  const { turnBeginning: _, systemTokens, owners, ...chat } = assemble(params, model, maxTokens);
  const length = chat.ids.length + replyTokens;
  if (whenFull !== 'shift' || length <= contextSize) return chat;
  const { ids, segments } = chat;
  return { ...chat, dropped: droppedTokens({ ids, segments, owners, keptByShift: systemTokens }, length, contextSize) };
}

function assemble(params: RenderChatParams, model: Model, maxTokens: number): AssembledChat {
  const { contextSize } = model.config;
  const { messages, replyIds = [] } = params;
  const chat = assembleChat(messages, model.tokenizer, formatOf(params, model), {
    contextSize: contextSize - replyIds.length,
    whenFull: params.whenFull === undefined || params.whenFull === 'stop' ? 'stop' : 'drop_oldest',
    replyReserve: replyReserve(maxTokens, contextSize),
  });
  if (replyIds.length === 0) return chat;
  // They belong to the message that the reply continues, or to the one that it will be.
  const message = messages.at(-1)?.role === 'assistant' ? messages.length - 1 : messages.length;
  return withReply(chat, message, replyIds, model.tokenizer);
}

/** The chat with the beginning of the reply behind it. */
function withReply(
  chat: AssembledChat,
  message: number,
  replyIds: readonly number[],
  tokenizer: Tokenizer,
): AssembledChat {
  const text = tokenizer.decode(replyIds, false);
  const known = chat.segments.find((segment) => segment.message === message);
  const segment: PromptSegment = known ?? { role: 'assistant', message, tokens: 0, dropped: false };
  return {
    ...chat,
    text: chat.text + text,
    ids: [...chat.ids, ...replyIds],
    tokens: [...chat.tokens, ...replyIds.map((id) => describeId(id, tokenizer))],
    segments: [
      ...chat.segments.filter((other) => other !== known),
      { ...segment, tokens: segment.tokens + replyIds.length },
    ],
    turnBeginning: chat.turnBeginning + text,
    owners: [...chat.owners, ...replyIds.map(() => message)],
  };
}

/** The marks around the reasoning of a reply to this prompt. A custom template may have others than the file's. */
export function reasoningMarksFor(prompt: PromptInput, { config, tokenizer }: Model): ModelInfo['reasoningMarks'] {
  const template = prompt.kind === 'chat' ? prompt.template : undefined;
  const own = template?.kind === 'custom' ? reasoningMarksOf(template.source, tokenizer) : null;
  return own ?? config.reasoningMarks;
}

/** How the chat becomes text. Without a template this is the model's own default. */
function templateKind(
  { template }: Pick<RenderChatParams, 'template'>,
  model: Model,
): 'plain' | 'running_text' | 'jinja' {
  if (template?.kind === 'plain') return 'plain';
  if (template?.kind === 'custom' || model.config.chatTemplate !== null) return 'jinja';
  return model.withoutTemplate;
}

function formatOf(params: RenderChatParams, model: Model): ChatFormat {
  const { template, enableThinking, date } = params;
  const kind = templateKind(params, model);
  if (kind !== 'jinja') return kind === 'plain' ? plainFormat : runningText;
  const isCustom = template?.kind === 'custom';
  return templateFormat({
    source: isCustom ? template.source : (model.config.chatTemplate ?? ''),
    name: isCustom ? 'The chat template' : `The chat template of ${model.name}`,
    tokens: model.templateTokens,
    enableThinking,
    now: date === undefined ? new Date() : new Date(date),
  });
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
