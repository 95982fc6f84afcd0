import { LimitFault } from './fault.ts';

export interface Limits {
  /** Nodes evaluated and values visited, in all. */
  readonly steps: number;
  /** UTF-16 units of all texts made or read through. */
  readonly characters: number;
  /** Evaluations inside each other, macros that call themselves included. */
  readonly depth: number;
}

/** What a template may still use. Counted, not timed, so that a template that renders once always does. */
export class Budget {
  private steps = 0;
  private characters = 0;
  private depth = 0;

  constructor(private readonly limits: Limits) {}

  /** @throws LimitFault */
  step(count = 1): void {
    this.steps += count;
    if (this.steps > this.limits.steps) {
      throw new LimitFault(`it takes more than ${this.limits.steps} steps; perhaps a loop does not end`);
    }
  }

  /** To be called before a text of `length` is made or read through. @throws LimitFault */
  text(length: number): void {
    this.characters += length;
    if (this.characters > this.limits.characters) {
      throw new LimitFault(`it makes more than ${this.limits.characters} characters of text`);
    }
  }

  /** To be called before a part of `part` characters is looked for in a text of `length`. @throws LimitFault */
  search(length: number, part: number): void {
    this.text(length);
    // The worst case of a search; short parts cost nothing to speak of.
    this.step((length * part) / 256);
  }

  /** @throws LimitFault */
  enter(): void {
    if (++this.depth > this.limits.depth) {
      throw new LimitFault(
        `it nests more than ${this.limits.depth} evaluations; perhaps a macro calls itself without end`,
      );
    }
  }

  leave(): void {
    this.depth--;
  }
}
