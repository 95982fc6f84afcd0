/** What the details show: a model on this computer, or a catalogue entry. */
export class Selection {
  #shown = $state.raw<{ kind: 'model' | 'entry'; id: string } | null>(null);

  get modelId(): string | null {
    return this.#shown?.kind === 'model' ? this.#shown.id : null;
  }

  get entryId(): string | null {
    return this.#shown?.kind === 'entry' ? this.#shown.id : null;
  }

  showModel(id: string): void {
    this.#shown = { kind: 'model', id };
  }

  showEntry(id: string): void {
    this.#shown = { kind: 'entry', id };
  }

  /** Selects the loaded model again. */
  clear(): void {
    this.#shown = null;
  }
}
