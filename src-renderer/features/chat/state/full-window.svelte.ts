import { EngineError } from '../../../../src-main/engine/api/errors.ts';
import { isEarlierStop } from '../../../../src-main/protocol/app/chats/chat.ts';
import { filesIn, typedOf } from '../attachments/message-text.ts';
import type { RunRecorder } from '../receipts/run-recorder.ts';
import { formatBytes, formatInteger } from '../../../ui/format.ts';
import type { Action } from '../../../ui/types.ts';
import { stopDetail } from '../thread/stop-text.ts';
import { continuedTitle } from './automatic-title.ts';
import type { ChatDocument, UserTurn } from './chat-document.svelte.ts';
import type { ChatsState } from './chats.svelte.ts';
import type { ChatSession } from './chat-session.svelte.ts';
import { summarise, type Summary } from './chat-summary.ts';
import type { EngineState } from './engine.svelte.ts';
import type { ModelSettingsState } from './model-settings.svelte.ts';
import type { OtherModelState } from './other-model.svelte.ts';
import type { PromptSize } from './prompt-fit.ts';
import type { Reply } from './reply.svelte.ts';

interface Parts {
  readonly session: ChatSession;
  readonly chats: ChatsState;
  readonly engine: EngineState;
  readonly modelSettings: ModelSettingsState;
  readonly recorder: RunRecorder;
  readonly otherModel: Pick<OtherModelState, 'library'>;
}

/** What can be done when the context window is full. */
export class FullWindow {
  #summary = $state.raw<AbortController | null>(null);
  /** By the id of the chat. */
  #problem = $state.raw<{ chat: string; text: string } | null>(null);
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Why the last action in the open chat failed, or null. */
  get problem(): string | null {
    return this.#problem?.chat === this.#parts.chats.current.id ? this.#problem.text : null;
  }

  get summarising(): boolean {
    return this.#summary !== null;
  }

  /** Whether the actions have to wait for something. */
  get waits(): boolean {
    const { session, engine } = this.#parts;
    return session.busy || session.loadingToAnswer !== null || this.summarising || engine.status !== 'ready';
  }

  /** The actions for the last reply of the open chat, the recommended one first. */
  actionsFor(reply: Reply): Action[] {
    const drop: Action = {
      label: `Drop the oldest and ${reply.text === '' ? 'try again' : 'continue'}`,
      testId: 'full-drop',
      onclick: () => void this.#drop(reply),
    };
    const loaded = async (chat: ChatDocument) => await this.#parts.session.proceed(reply, {}, chat);
    return [drop, ...this.#bigger(tokensNeeded(reply), loaded), ...this.#newChat(reply)];
  }

  /** The actions for a draft that does not fit into the window of the open chat. */
  actionsForDraft({ tokens }: PromptSize): Action[] {
    const { chats, session } = this.#parts;
    const isAlone = chats.current.isEmpty;
    // Otherwise it is too long even without the chat, so a new chat would not help.
    const countsChat = session.whenFull === 'stop';
    const drop: Action = {
      label: 'Drop the oldest turns',
      testId: 'full-drop',
      onclick: () => (chats.current.whenFull = 'drop_oldest'),
    };
    return [
      ...(isAlone || !countsChat ? [] : [drop]),
      // What was sent meanwhile waits for the model.
      ...this.#bigger(tokens + 1, async () => await session.sendQueued(null)),
      ...(countsChat ? this.#newChat(null) : []),
    ];
  }

  cancelSummary(): void {
    this.#summary?.abort();
  }

  /** For this run only: the chat's own choice stays. A shift also makes room if there is only one turn. */
  async #drop(reply: Reply): Promise<void> {
    this.#problem = null;
    await this.#parts.session.proceed(reply, { whenFull: 'shift' });
  }

  /** @param needed tokens that the window must hold @param loaded what happens then in the chat that asked for it */
  #bigger(needed: number, loaded: (chat: ChatDocument) => Promise<void>): Action[] {
    const { library } = this.#parts.otherModel;
    const bigger = library?.biggerWindow(needed) ?? null;
    if (library === null || bigger === null) return [];
    const { tokens, extraBytes } = bigger;
    const load = async () => {
      const { chats, engine, session } = this.#parts;
      const { current: chat } = chats;
      this.#problem = null;
      const name = engine.model?.name ?? 'the model';
      if (!(await session.loadFor(chat, name, () => library.loadWindow(tokens)))) return;
      if (engine.status === 'ready' && engine.model?.contextSize === tokens) await loaded(chat);
      else this.#fail(chat, 'The model could not be loaded with the larger window. The Models page says why.');
    };
    return [
      {
        label: `Load with ${formatInteger(tokens)} tokens (+${formatBytes(extraBytes)})`,
        testId: 'full-bigger',
        onclick: () => void load(),
      },
    ];
  }

  /** @param reply the last one, whose message was not answered if it has no text; null: none failed */
  #newChat(reply: Reply | null): Action[] {
    const { chats, engine } = this.#parts;
    const unanswered = reply?.text === '' ? unansweredIn(chats.current) : null;
    if (chats.current.path.length <= (unanswered === null ? 0 : 2)) return [];
    if (engine.model?.hasChatRoles !== true) {
      return [{ label: 'New chat', testId: 'full-new', onclick: () => this.#open(chats.current, unanswered) }];
    }
    const onclick = () => void this.#openWithSummary(unanswered);
    return [{ label: 'New chat with a summary', testId: 'full-summary', onclick }];
  }

  /** Opens a new chat, which takes over what could not be sent in `from`. */
  #open(from: ChatDocument, unanswered: UserTurn | null): void {
    const { chats, session } = this.#parts;
    if (chats.current === from) {
      // Something may have been written for the next new chat before.
      session.drafts.move(from, chats.createBlank());
    } else chats.create();
    if (unanswered === null) return;
    const message = { text: typedOf(unanswered), files: filesIn(unanswered) };
    session.drafts.putBack([{ chat: chats.current, ...message }]);
  }

  /** The summary becomes part of the new chat's system prompt, where it can be read and changed. */
  async #openWithSummary(unanswered: UserTurn | null): Promise<void> {
    const { chats, engine, modelSettings, recorder, session } = this.#parts;
    const { model } = engine;
    if (this.waits || model === null) return;
    const chat = chats.current;
    const abort = new AbortController();
    this.#summary = abort;
    this.#problem = null;
    try {
      const messages = chat.messages().map(({ message }) => message);
      const summary = await summarise(unanswered === null ? messages : messages.slice(0, -1), {
        engine: await engine.ready(abort.signal),
        template: modelSettings.template,
        sampling: modelSettings.sampling,
        signal: abort.signal,
        ...{ model, recorder },
      });
      session.totals.add(summary.reply);
      if (abort.signal.aborted) return;
      const { stop } = summary.reply;
      if (stop?.reason === 'error') {
        this.#fail(chat, `The summary failed. ${stopDetail(stop)}`);
        return;
      }
      if (summary.text === '') {
        this.#fail(chat, 'The model wrote no summary.');
        return;
      }
      const heading = summary.cut ? 'Summary of the end of an earlier chat:' : 'Summary of an earlier chat:';
      this.#open(chat, unanswered);
      // Someone who went to a new chat meanwhile may have given it instructions.
      const [instructions, own] = [chat.systemPrompt.trim(), chats.current.systemPrompt.trim()];
      const parts = [instructions, ...(own === instructions ? [] : [own]), `${heading} ${summary.text}`];
      const { current } = chats;
      // The branch is its first turn.
      session.drafts.keepWith(current, () => this.#keep(current, summary));
      current.systemPrompt = parts.filter((part) => part !== '').join('\n\n');
      // Until its first message gives it another title.
      current.title = continuedTitle(chat.title);
    } catch (thrown) {
      const error = EngineError.from(thrown);
      if (error.code !== 'CANCELLED') this.#fail(chat, `The summary failed. ${error.message}`);
    } finally {
      this.#summary = null;
    }
  }

  /** The run becomes a branch of the new chat, where it can be read and repeated like every other reply. */
  #keep(chat: ChatDocument, { request, reply }: Summary): void {
    chat.addUserTurn(request, null);
    const kept = chat.addFinishedReply({
      text: reply.text,
      tokens: reply.copyColumns(0, reply.count),
      facts: reply.facts,
    });
    chat.change([{ type: 'facts', facts: { head: null } }]);
    void this.#parts.recorder.noteFiles([kept]).then((noted) => {
      if (noted.length > 0) chat.noteReply(kept);
    });
  }

  #fail(chat: ChatDocument, text: string): void {
    this.#problem = { chat: chat.id, text };
  }
}

/** The message that ends a chat without an answer: it is not part of what was said. */
function unansweredIn(chat: ChatDocument): UserTurn | null {
  const last = chat.messages().at(-1)?.turn;
  return last?.role === 'user' ? last : null;
}

/** Tokens that a window must hold for a reply to begin or continue. */
function tokensNeeded(reply: Reply): number {
  const { stop } = reply;
  if (stop === null || isEarlierStop(stop)) return 0;
  if (stop.reason === 'context_full') return stop.contextSize + 1;
  const promptTokens = stop.reason === 'error' ? stop.error.details['promptTokens'] : 0;
  return typeof promptTokens === 'number' ? promptTokens + 1 : 0;
}
