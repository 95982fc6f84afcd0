/** How often a page says that it generates a reply, ms: several times before the others take it for interrupted. */
const BEAT_MS = 1000;

/**
 * Tells the other pages that a reply is being generated while nothing of it is written: a long prompt is processed, or
 * other requests come first.
 */
export class ReplyBeats {
  #heard: ((turn: string) => void) | null = null;
  readonly #channel: Pick<BroadcastChannel, 'postMessage' | 'addEventListener'>;

  constructor(channel: Pick<BroadcastChannel, 'postMessage' | 'addEventListener'>) {
    this.#channel = channel;
    channel.addEventListener('message', ({ data }) => {
      if (typeof data === 'string') this.#heard?.(data);
    });
  }

  /** @param heard another page generates this reply */
  listen(heard: (turn: string) => void): void {
    this.#heard = heard;
  }

  /** @returns stops it */
  begin(turn: string): () => void {
    const timer = setInterval(() => this.#channel.postMessage(turn), BEAT_MS);
    return () => clearInterval(timer);
  }
}
