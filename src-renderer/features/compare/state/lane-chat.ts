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
  if (prompt.kind === 'chat' && prompt.whenFull !== undefined) chat.whenFull = prompt.whenFull;
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

/** What a lane's settings were applied to, for a toast. */
export interface AppliedSettings {
  readonly text: string;
  readonly detail?: string;
  readonly undo: () => void;
}

/**
 * Saves a lane's settings for its model, so that what is open has them if that model is loaded. Gives the open chat the
 * lane's system prompt.
 * @param isChat false: a notebook is open, which has no system prompt
 */
export function applySettings(
  { chats, modelSettings, isChat }: { chats: ChatsState; modelSettings: ModelSettingsState; isChat: boolean },
  { modelId, modelName, sampling, stop, template, enableThinking, systemPrompt }: LaneSettings,
): AppliedSettings {
  const chat = chats.current;
  const isLoaded = modelId === modelSettings.model?.id;
  /** What changes of the chat, as it was. */
  const before: Partial<ChatFacts> = {
    // They would hide the model's.
    ...(isChat && isLoaded && chat.settings !== null ? { settings: chat.settings } : {}),
    ...(isChat && chat.systemPrompt !== systemPrompt ? { systemPrompt: chat.systemPrompt } : {}),
  };
  if (before.settings !== undefined) chat.settings = null;
  const restore = modelSettings.replace(modelId, { sampling, stop, template, enableThinking });
  if (before.systemPrompt !== undefined) chat.systemPrompt = systemPrompt;
  const undo = () => {
    restore();
    // The chat may have been closed, and opened again as another document.
    if (Object.keys(before).length > 0) void chats.changeFacts(chat, before);
  };
  if (isLoaded) {
    const where = isChat ? 'chat' : 'notebook';
    return { text: `Settings applied to the ${where}`, detail: `Saved for ${modelName}`, undo };
  }
  const text = `Settings saved for ${modelName}`;
  return before.systemPrompt === undefined ? { text, undo } : { text, detail: 'The chat has its system prompt.', undo };
}
