/** From a lane to the chat. */
import { NO_TOKEN, type ChatFacts } from '../../../../src-main/protocol/app/chats/chat.ts';
import type {
  ComparedPrompt,
  LaneReply,
  LaneSettings,
} from '../../../../src-main/protocol/app/comparisons/comparison.ts';
import type { ChatsState } from '../../chat/state/chats.svelte.ts';
import type { ModelSettingsState } from '../../chat/state/model-settings.svelte.ts';
import type { Reply } from '../../chat/state/reply.svelte.ts';
import { titleFrom } from '../../chat/state/title.ts';

/**
 * Opens a new chat with the prompt and a reply of a lane.
 * @param versions the reply; a branch after what it was branched from. Each is a version of the turn
 */
export function openAsChat(
  chats: ChatsState,
  prompt: ComparedPrompt,
  { systemPrompt, modelId, modelName }: LaneSettings,
  versions: readonly LaneReply[],
): void {
  const reply = versions[0];
  const chat = chats.createBlank();
  const messages = prompt.kind === 'text' ? [{ role: 'user', text: prompt.text } as const] : prompt.messages;
  chat.title = titleFrom(messages.find(({ role }) => role === 'user')?.text ?? '');
  chat.systemPrompt = systemPrompt;
  chat.model = { id: modelId, name: modelName };
  for (const { role, text } of messages) {
    if (role === 'user') chat.addUserTurn(text);
    else chat.addFinishedReply(untokenized(text, reply));
  }
  const parent = chat.head;
  let before: Reply | null = null;
  for (const { facts, ...texts } of versions) {
    const { branch, ...others } = facts;
    const own =
      branch !== undefined && before !== null ? { ...others, branch: { ...branch, turn: before.id } } : others;
    before = chat.addFinishedReply({ ...texts, facts: own }, parent);
  }
}

/** An earlier reply of a chat, of which only the text is known. */
function untokenized(text: string, { facts: { run: _, branch: __, ...facts } }: LaneReply): LaneReply {
  return {
    text,
    tokens: { ids: [NO_TOKEN], lengths: [text.length], parts: [0], logprobs: [0], latencies: [0] },
    facts: {
      ...facts,
      stop: { reason: 'eos', token: null },
      timings: null,
      modelId: '',
      model: '',
      notices: [],
      promptTokens: 0,
      systemTokens: 0,
      droppedMessages: 0,
      contextUsed: 0,
      runStart: 0,
    },
  };
}

/** Gives the chat a lane's settings: those of its model, and the system prompt of the open chat. @returns undoes it */
export function applyToChat(
  chats: ChatsState,
  modelSettings: ModelSettingsState,
  { modelId, sampling, stop, template, enableThinking, systemPrompt }: LaneSettings,
): () => void {
  const chat = chats.current;
  const before = chat.systemPrompt;
  const own = chat.settings;
  // They would hide the model's.
  if (own !== null) chat.settings = null;
  const undo = modelSettings.replace(modelId, { sampling, stop, template, enableThinking });
  if (systemPrompt !== before) chat.systemPrompt = systemPrompt;
  return () => {
    undo();
    const facts: Partial<ChatFacts> = {
      ...(own === null ? {} : { settings: own }),
      ...(systemPrompt === before ? {} : { systemPrompt: before }),
    };
    // The chat may have been closed, and opened again as another document.
    if (Object.keys(facts).length > 0) void chats.changeFacts(chat, facts);
  };
}
