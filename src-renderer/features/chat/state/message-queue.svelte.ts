import type { AttachedFile } from '../attachments/message-text.ts';
import type { ChatDocument } from './chat-document.svelte.ts';

/** What a person wrote and attached. */
export interface Outgoing {
  readonly text: string;
  readonly files: readonly AttachedFile[];
}

/** A message of a chat. */
export interface Message extends Outgoing {
  readonly chat: ChatDocument;
}

/** Messages queued until the running reply ends, oldest first. */
export class MessageQueue {
  #messages = $state.raw<readonly Message[]>([]);

  of(chat: ChatDocument): readonly string[] {
    return this.#messages.filter((one) => one.chat === chat).map(shownText);
  }

  has(chat: ChatDocument): boolean {
    return this.#messages.some((one) => one.chat === chat);
  }

  add(chat: ChatDocument, { text, files }: Outgoing): void {
    this.#messages = [...this.#messages, { chat, text, files }];
  }

  /** A message that was taken out and cannot be sent yet: it stays before those that were queued meanwhile. */
  putBack(chat: ChatDocument, { text, files }: Outgoing): void {
    this.#messages = [{ chat, text, files }, ...this.#messages];
  }

  /** Takes out the oldest message. @param isWanted whether it may be one of a chat */
  next(isWanted: (chat: ChatDocument) => boolean): Message | null {
    const next = this.#messages.find((one) => isWanted(one.chat));
    if (next === undefined) return null;
    this.#messages = this.#messages.filter((one) => one !== next);
    return next;
  }

  /** Removes all messages of a chat and returns them. */
  take(id: string): readonly Message[] {
    const taken = this.#messages.filter(({ chat }) => chat.id === id);
    if (taken.length > 0) this.#messages = this.#messages.filter(({ chat }) => chat.id !== id);
    return taken;
  }

  /** Removes all messages and returns them. */
  takeAll(): readonly Message[] {
    const taken = this.#messages;
    this.#messages = [];
    return taken;
  }
}

function shownText({ text, files }: Outgoing): string {
  return [...files.map(({ name }) => name), text].filter((one) => one.trim() !== '').join(', ');
}
