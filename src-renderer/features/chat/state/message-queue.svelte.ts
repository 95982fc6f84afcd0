import type { ChatDocument } from './chat-document.svelte.ts';

interface Message {
  readonly chat: ChatDocument;
  readonly text: string;
}

/** Messages queued until the running reply ends, oldest first. */
export class MessageQueue {
  #messages = $state.raw<readonly Message[]>([]);

  of(chat: ChatDocument): readonly string[] {
    return this.#messages.filter((one) => one.chat === chat).map(({ text }) => text);
  }

  add(chat: ChatDocument, text: string): void {
    this.#messages = [...this.#messages, { chat, text }];
  }

  /** @param chat default: any chat */
  next(chat?: ChatDocument): Message | null {
    const next = this.#messages.find((one) => chat === undefined || one.chat === chat);
    if (next === undefined) return null;
    this.#messages = this.#messages.filter((one) => one !== next);
    return next;
  }

  /** Removes all messages of a chat and returns them. */
  take(id: string): readonly string[] {
    const texts = this.#messages.filter(({ chat }) => chat.id === id).map(({ text }) => text);
    if (texts.length > 0) this.#messages = this.#messages.filter(({ chat }) => chat.id !== id);
    return texts;
  }
}
