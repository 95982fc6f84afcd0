/** Whose system prompt is open in the thread, for editing. */
export class SystemPromptEditor {
  #chat = $state<string | null>(null);

  isOpen(chat: string): boolean {
    return this.#chat === chat;
  }

  /** @param chat id of the open chat */
  set(chat: string, open: boolean): void {
    this.#chat = open ? chat : null;
  }
}
