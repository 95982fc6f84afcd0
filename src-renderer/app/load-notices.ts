import type { ModelInfo } from '../../src-main/engine/api/types.ts';

/** Shows what had to be guessed or ignored in a model's files when it is loaded, but not again when it is reloaded. */
export class LoadNotices {
  readonly #show: (text: string) => void;
  readonly #shown = new Set<string>();

  constructor(show: (text: string) => void) {
    this.#show = show;
  }

  loaded({ id, notices }: Pick<ModelInfo, 'id' | 'notices'>): void {
    const text = notices.join(' ');
    const key = `${id} ${text}`;
    if (text === '' || this.#shown.has(key)) return;
    this.#shown.add(key);
    this.#show(text);
  }
}
