import { EngineError } from '../../../../src-main/engine/api/errors.ts';
import { formatBytes, formatInteger } from '../../../ui/format.ts';
import type { Action } from '../../../ui/types.ts';
import { isEarlierStop } from '../../../../src-main/protocol/app/chats/chat.ts';
import type { ChatsState } from './chats.svelte.ts';
import type { ChatSession } from './chat-session.svelte.ts';
import { summarise } from './chat-summary.ts';
import type { EngineState } from './engine.svelte.ts';
import type { ModelSettingsState } from './model-settings.svelte.ts';
import type { OtherModelState } from './other-model.svelte.ts';
import type { Reply } from './reply.svelte.ts';

interface Parts {
  readonly session: ChatSession;
  readonly chats: ChatsState;
  readonly engine: EngineState;
  readonly modelSettings: ModelSettingsState;
  readonly otherModel: Pick<OtherModelState, 'library'>;
}

/** What can be done when the context window is full. */
export class FullWindow {
  /** A summary is being generated. */
  summarising = $state.raw<AbortController | null>(null);
  /** Why the last action failed, or null. */
  problem = $state<string | null>(null);
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** The actions for the last reply of the open chat, the recommended one first. */
  actionsFor(reply: Reply): Action[] {
    const { engine, otherModel } = this.#parts;
    const drop: Action = {
      label: `Drop the oldest and ${reply.text === '' ? 'try again' : 'continue'}`,
      testId: 'full-drop',
      onclick: () => void this.#drop(reply),
    };
    const bigger = otherModel.library?.biggerWindow(tokensNeeded(reply)) ?? null;
    return [
      drop,
      ...(bigger === null
        ? []
        : [
            {
              label: `Load with ${formatInteger(bigger.tokens)} tokens (+${formatBytes(bigger.extraBytes)})`,
              testId: 'full-bigger',
              onclick: () => void this.#loadBigger(reply, bigger.tokens),
            },
          ]),
      engine.model?.hasChatRoles === true
        ? { label: 'New chat with a summary', testId: 'full-summary', onclick: () => void this.#newChat(reply) }
        : { label: 'New chat', testId: 'full-new', onclick: () => this.#parts.chats.create() },
    ];
  }

  cancelSummary(): void {
    this.summarising?.abort();
  }

  /** For this run only: the chat's own choice stays. A shift also makes room if there is only one turn. */
  async #drop(reply: Reply): Promise<void> {
    this.problem = null;
    await this.#parts.session.proceed(reply, { whenFull: 'shift' });
  }

  async #loadBigger(reply: Reply, tokens: number): Promise<void> {
    const { engine, otherModel, session } = this.#parts;
    this.problem = null;
    await otherModel.library?.loadWindow(tokens);
    if (engine.status === 'ready' && engine.model?.contextSize === tokens) await session.proceed(reply);
    else this.problem = 'The model could not be loaded with a bigger window. The Models page says why.';
  }

  /** The summary becomes part of the new chat's system prompt, where it can be read and changed. */
  async #newChat(reply: Reply): Promise<void> {
    const { chats, engine, modelSettings, session } = this.#parts;
    const { model } = engine;
    if (this.summarising !== null || session.busy || model === null) return;
    const chat = chats.current;
    const abort = new AbortController();
    this.summarising = abort;
    this.problem = null;
    try {
      const messages = chat.messages().map(({ message }) => message);
      // A message that did not fit is not part of what was said.
      const unsent = reply.text === '' && messages.at(-1)?.role === 'user' ? (messages.pop()?.text ?? '') : '';
      const summary = await summarise(messages, {
        engine: await engine.ready(abort.signal),
        contextSize: model.contextSize,
        sampling: modelSettings.sampling,
        signal: abort.signal,
      });
      if (abort.signal.aborted) return;
      const heading = summary.cut ? 'Summary of the end of an earlier chat:' : 'Summary of an earlier chat:';
      const parts = [chat.systemPrompt.trim(), `${heading} ${summary.text}`];
      chats.create();
      chats.current.systemPrompt = parts.filter((part) => part !== '').join('\n\n');
      session.draft = unsent;
    } catch (thrown) {
      const error = EngineError.from(thrown);
      if (error.code !== 'CANCELLED') this.problem = `The summary failed. ${error.message}`;
    } finally {
      this.summarising = null;
    }
  }
}

/** Tokens that a window must hold for a reply to begin or go on. */
function tokensNeeded(reply: Reply): number {
  const { stop } = reply;
  if (stop === null || isEarlierStop(stop)) return 0;
  if (stop.reason === 'context_full') return stop.contextSize + 1;
  const promptTokens = stop.reason === 'error' ? stop.error.details['promptTokens'] : 0;
  return typeof promptTokens === 'number' ? promptTokens + 1 : 0;
}
