/** Lets one request at a time use the model, in the order they came. */
export class RequestQueue {
  private tail: Promise<void> = Promise.resolve();

  /** Waits for its turn. @returns ends the turn; must be called, also after a failure */
  async enter(): Promise<() => void> {
    const before = this.tail;
    let leave!: () => void;
    this.tail = new Promise((resolve) => (leave = resolve));
    await before;
    return leave;
  }

  async run<T>(task: () => Promise<T>): Promise<T> {
    const leave = await this.enter();
    try {
      return await task();
    } finally {
      leave();
    }
  }
}
