import type {
  ChatMessage,
  ChatTemplateChoice,
  GenerateParams,
  ModelInfo,
  RenderChatParams,
  SamplingParams,
} from '../../../../src-main/engine/api/types.ts';
import { defaultStopParams } from '../../../../src-main/engine/api/defaults.ts';
import { newReplyFacts } from '../../../../src-main/protocol/app/chats/chat.ts';
import { endOfText } from '../../../../src-main/protocol/cut-text.ts';
import type { EngineApi } from '../../../../src-main/protocol/engine/api.ts';
import { newId } from '../../../lib/new-id.ts';
import type { RunRecorder } from '../receipts/run-recorder.ts';
import { now } from './identity.ts';
import { modelFacts } from './reply-request.ts';
import { Reply } from './reply.svelte.ts';
import { writeReply } from './write-reply.ts';

/** Length of a summary, tokens; less in a small window. */
const SUMMARY_TOKENS = 200;
const SUMMARY_SHARE = 1 / 4;
const REQUEST = 'Summarise this conversation in a few sentences. Keep names, numbers and decisions.';
/** Attempts to cut the conversation to the window. Each one is nearly exact. */
const MAX_CUTS = 8;
/** The rest of a word that was cut, if it is short enough to be one: not all scripts have spaces. */
const REST_OF_WORD = /^\S{0,40}\s+/u;

const NAMES: Readonly<Record<ChatMessage['role'], string>> = { system: 'System', user: 'User', assistant: 'Assistant' };

export interface Summary {
  text: string;
  /** Only the end of the conversation fitted into the window. */
  cut: boolean;
  /** The message that asked for it. */
  request: string;
  /** The answer, which has ended, perhaps with an error. */
  reply: Reply;
}

export interface SummaryOptions {
  engine: EngineApi;
  /** The loaded one. */
  model: ModelInfo;
  template: ChatTemplateChoice;
  sampling: SamplingParams;
  signal: AbortSignal;
  recorder: Pick<RunRecorder, 'versions' | 'noteStart'>;
}

/**
 * Lets the model summarise a conversation, which may be longer than the window: then its beginning is left out.
 * @throws EngineError CANCELLED, and what `generate` throws
 */
export async function summarise(messages: readonly ChatMessage[], options: SummaryOptions): Promise<Summary> {
  const { engine, model, template, sampling, signal, recorder } = options;
  const { contextSize } = model;
  const requestedAt = now();
  const maxTokens = Math.min(SUMMARY_TOKENS, Math.floor(contextSize * SUMMARY_SHARE));
  const whole = messages
    .filter(({ role }) => role !== 'system')
    .map(({ role, text }) => `${NAMES[role]}: ${text.trim()}`)
    .join('\n\n');
  // Reasoning would take the place of the summary.
  const request = (text: string): RenderChatParams => ({
    messages: [{ role: 'user', text: requestOf(text) }],
    template,
    enableThinking: false,
    date: requestedAt,
  });
  let text = whole;
  for (let cuts = 0; cuts < MAX_CUTS; cuts++) {
    const { ids } = await engine.call('renderChat', request(text), { signal });
    const room = contextSize - maxTokens;
    if (ids.length <= room) break;
    const rest = endOfText(text, Math.floor((text.length * 0.95 * room) / ids.length));
    text = rest.replace(REST_OF_WORD, '');
  }
  const params: GenerateParams = {
    prompt: { kind: 'chat', ...request(text) },
    // The answer format is that of the chat.
    sampling: { ...sampling, grammar: null },
    stop: { ...defaultStopParams(), maxTokens },
    useKvCache: true,
    topCandidates: 0,
  };
  const facts = newReplyFacts({ sampling: params.sampling, ...modelFacts(model), executor: model.executor });
  const reply = new Reply({ id: newId(), parent: null, createdAt: requestedAt, facts });
  reply.begin({});
  const versions = await recorder.versions();
  await writeReply(reply, {
    ...{ engine, params, signal },
    // Nobody sees it grow.
    frame: () => undefined,
    onStart: (start) => recorder.noteStart(reply, { params, requestedAt, versions }, start),
    onTokens: () => undefined,
    stopOf: (stop) => stop,
  });
  return { text: reply.answer.trim(), cut: text.length < whole.length, request: requestOf(text), reply };
}

function requestOf(text: string): string {
  return `${REQUEST}\n\n${text}`;
}
