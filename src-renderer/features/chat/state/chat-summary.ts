import type {
  ChatMessage,
  ChatTemplateChoice,
  GenerateParams,
  RenderChatParams,
  SamplingParams,
} from '../../../../src-main/engine/api/types.ts';
import { defaultStopParams } from '../../../../src-main/engine/api/defaults.ts';
import type { EngineApi } from '../../../../src-main/protocol/engine/api.ts';

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
}

/**
 * Lets the model summarise a conversation, which may be longer than the window: then its beginning is left out.
 * @param contextSize of the loaded model, tokens
 * @throws EngineError CANCELLED, and what `generate` throws
 */
export async function summarise(
  messages: readonly ChatMessage[],
  {
    engine,
    contextSize,
    template,
    sampling,
    signal,
  }: {
    engine: EngineApi;
    contextSize: number;
    template: ChatTemplateChoice;
    sampling: SamplingParams;
    signal: AbortSignal;
  },
): Promise<Summary> {
  const maxTokens = Math.min(SUMMARY_TOKENS, Math.floor(contextSize * SUMMARY_SHARE));
  const whole = messages
    .filter(({ role }) => role !== 'system')
    .map(({ role, text }) => `${NAMES[role]}: ${text.trim()}`)
    .join('\n\n');
  // Reasoning would take the place of the summary.
  const request = (text: string): RenderChatParams => ({
    messages: [{ role: 'user', text: `${REQUEST}\n\n${text}` }],
    template,
    enableThinking: false,
  });
  let text = whole;
  for (let cuts = 0; cuts < MAX_CUTS; cuts++) {
    const { ids } = await engine.call('renderChat', request(text), { signal });
    const room = contextSize - maxTokens;
    if (ids.length <= room) break;
    text = text.slice(Math.ceil(text.length * (1 - (0.95 * room) / ids.length))).replace(REST_OF_WORD, '');
  }
  const params: GenerateParams = {
    prompt: { kind: 'chat', ...request(text) },
    // The answer format is that of the chat.
    sampling: { ...sampling, grammar: null },
    stop: { ...defaultStopParams(), maxTokens },
    useKvCache: true,
    topCandidates: 0,
  };
  let summary = '';
  for await (const event of engine.stream('generate', params, { signal })) {
    if (event.type === 'token' && event.token.part === 'answer') summary += event.token.text;
  }
  return { text: summary.trim(), cut: text.length < whole.length };
}
