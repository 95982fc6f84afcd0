import { AttachmentDrafts } from '../attachments/attachment-drafts.svelte.ts';
import { readPdf } from '../attachments/read-pdf.ts';
import type { ChatDocument } from './chat-document.svelte.ts';
import type { ChatsState } from './chats.svelte.ts';
import type { Drafts } from './drafts.svelte.ts';
import type { Message, Outgoing } from './message-queue.svelte.ts';
import { isNew } from './outbox.svelte.ts';

/** Key of the draft of a chat without turns. */
const NEW_CHAT = 'new';

/** Messages that are not sent yet: each chat has its own. */
export class MessageDrafts {
  /** Files of messages that are not sent yet. */
  readonly attachments: AttachmentDrafts;
  readonly #chats: Pick<ChatsState, 'current' | 'comingId'>;
  readonly #texts: Drafts;

  constructor(chats: Pick<ChatsState, 'current' | 'comingId' | 'onGone'>, texts: Drafts) {
    this.#chats = chats;
    this.#texts = texts;
    this.attachments = new AttachmentDrafts(() => this.#key, readPdf);
    // What was meant for it stays in the composer.
    chats.onGone = (id) => {
      this.attachments.move(id, this.#key);
      this.text = [this.text, texts.get(id)].filter((one) => one !== '').join('\n');
      texts.set(id, '');
    };
  }

  /** Text in the composer. */
  get text(): string {
    return this.#texts.get(this.#key);
  }
  set text(text: string) {
    this.#texts.set(this.#key, text);
  }

  /** A chat that was chosen has the composer before it is here: what is typed meanwhile is for it. */
  get #key(): string {
    return this.#chats.comingId ?? this.keyOf(this.#chats.current);
  }

  keyOf(chat: ChatDocument): string {
    return isNew(chat) ? NEW_CHAT : chat.id;
  }

  /** Takes the message out of the composer. */
  take(): Outgoing {
    const { text } = this;
    this.text = '';
    return { text, files: this.attachments.take() };
  }

  /** Returns messages to the composers of their chats, before what is there. */
  putBack(messages: readonly Message[]): void {
    for (const { chat, text, files } of messages.toReversed()) {
      const key = this.keyOf(chat);
      this.#texts.set(key, [text, this.#texts.get(key)].filter((one) => one !== '').join('\n'));
      this.attachments.putBack(files, key);
    }
  }

  /** Moves what is in the composer of one chat before what is in that of another. */
  move(from: ChatDocument, to: ChatDocument): void {
    const [source, target] = [this.keyOf(from), this.keyOf(to)];
    if (source === target) return;
    const texts = [this.#texts.get(source), this.#texts.get(target)];
    this.#texts.set(target, texts.filter((one) => one !== '').join('\n'));
    this.#texts.set(source, '');
    this.attachments.move(source, target);
  }

  /** Says why a message of a chat was not sent. */
  report(chat: ChatDocument, problem: string): void {
    this.attachments.report(problem, this.keyOf(chat));
  }

  /** Runs `change`, which may give a new chat its first turn: what was typed in it stays with it. */
  keepWith(chat: ChatDocument, change: () => void): void {
    const before = this.keyOf(chat);
    change();
    const key = this.keyOf(chat);
    if (key === before) return;
    this.#texts.move(before, key);
    this.attachments.move(before, key);
  }
}
