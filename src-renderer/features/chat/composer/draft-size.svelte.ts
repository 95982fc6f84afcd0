import { fits, type PromptSize } from '../state/prompt-fit.ts';

/**
 * The size of the draft's prompt. Prompts are rendered again for many reasons: until the new size is known, the last one
 * counts if what it mostly depends on is the same.
 */
export class DraftSize {
  #measured = $state.raw<{ subject: readonly unknown[]; size: PromptSize | null } | null>(null);

  /** @param subject what the size depends on most: the text, the chat, the model */
  set(subject: readonly unknown[], size: PromptSize | null): void {
    this.#measured = { subject, size };
  }

  /** The size, if it is known and the draft does not fit. */
  tooLong(subject: readonly unknown[]): PromptSize | null {
    const measured = this.#measured;
    if (measured?.size == null || fits(measured.size)) return null;
    return subject.every((part, at) => part === measured.subject[at]) ? measured.size : null;
  }
}
