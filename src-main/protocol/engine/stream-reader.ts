/** The reading end of a stream: an async iterator that gives credit back as its chunks are read. */
import type { EngineError } from '../../engine/api/errors.ts';

export interface StreamReaderEvents {
  /** The reader consumed `chunks` chunks: the engine may send as many more. */
  consumed(chunks: number): void;
  /** The loop was left before the stream's end. */
  abandoned(): void;
}

export class StreamReader<Event> implements AsyncIterator<Event, undefined> {
  readonly #events: StreamReaderEvents;
  #chunks: Event[][] = [];
  #current: Event[] = [];
  #position = 0;
  #ended = false;
  #error: EngineError | null = null;
  /** Whether the loop was left: further events are discarded, so that the engine's side can finish. */
  #discarding = false;
  /** Calls of `next` that wait for an event. */
  #waiting: { resolve: (result: IteratorResult<Event, undefined>) => void; reject: (error: EngineError) => void }[] =
    [];

  constructor(events: StreamReaderEvents) {
    this.#events = events;
  }

  /** A stream that could not be opened. */
  static failed<Event>(error: EngineError): AsyncIterator<Event, undefined> {
    const reader = new StreamReader<Event>({ consumed: () => undefined, abandoned: () => undefined });
    reader.end(error);
    return reader;
  }

  chunk(events: Event[]): void {
    if (this.#ended) return;
    if (this.#discarding) return this.#events.consumed(1);
    this.#chunks.push(events);
    this.#serve();
  }

  /** Ends the stream; earlier events can still be read. */
  end(error: EngineError | null): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#error = error;
    this.#serve();
  }

  next(): Promise<IteratorResult<Event, undefined>> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.#serve();
    });
  }

  return(): Promise<IteratorResult<Event, undefined>> {
    if (!this.#ended && !this.#discarding) {
      this.#discarding = true;
      this.#events.abandoned();
      if (this.#chunks.length > 0) this.#events.consumed(this.#chunks.length);
    }
    this.#chunks = [];
    this.#current = [];
    this.#position = 0;
    this.#error = null;
    for (const { resolve } of this.#waiting.splice(0)) resolve({ done: true, value: undefined });
    return Promise.resolve({ done: true, value: undefined });
  }

  #serve(): void {
    while (this.#waiting.length > 0) {
      const event = this.#take();
      if (event !== null) {
        this.#waiting.shift()?.resolve({ done: false, value: event.value });
      } else if (this.#error !== null) {
        const error = this.#error;
        this.#error = null;
        this.#waiting.shift()?.reject(error);
      } else if (this.#ended || this.#discarding) {
        this.#waiting.shift()?.resolve({ done: true, value: undefined });
      } else {
        return;
      }
    }
  }

  #take(): { value: Event } | null {
    while (this.#position === this.#current.length) {
      const chunk = this.#chunks.shift();
      if (chunk === undefined) return null;
      this.#current = chunk;
      this.#position = 0;
      if (!this.#ended) this.#events.consumed(1);
    }
    return { value: this.#current[this.#position++] };
  }
}
