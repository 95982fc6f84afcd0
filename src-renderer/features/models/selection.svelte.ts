/** What the details on the right are about: a model of this computer, or one of the catalogue. */
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

  /** Back to the model in memory. */
  clear(): void {
    this.#shown = null;
  }
}
