import { UsageError } from '../errors.ts';
import { MAX_LINE_BYTES } from '../json-lines.ts';
import type { Lines } from './lines.ts';

/** Around a message of several lines. */
const FENCE = '"""';
/** Length of a message of several lines, UTF-16 units: no more than one line may have. */
const MAX_MESSAGE = MAX_LINE_BYTES;
const TOO_LONG = `A message is too long: the limit is ${MAX_MESSAGE.toLocaleString('en-US')} characters. End it with ${FENCE}.`;

/** A turn of the user: a message to the model, or a command. */
export type Turn =
  | { readonly kind: 'message'; readonly text: string }
  | { readonly kind: 'command'; name: string; argument: string };

/** Parses turns from lines: `/name` is a command, `//` starts a message with a slash, `"""` encloses several lines. */
export class TurnReader {
  constructor(private readonly lines: Lines) {}

  /** @returns null at the end @throws UsageError at a message that is too long */
  async next(): Promise<Turn | null> {
    for (;;) {
      const line = await this.lines.next('> ');
      if (line === null) return null;
      if (line.startsWith(FENCE)) return { kind: 'message', text: await this.fenced(line.slice(FENCE.length)) };
      if (line.startsWith('//')) return { kind: 'message', text: line.slice(1) };
      const command = /^\/(\S*)\s*(.*)$/su.exec(line);
      if (command) return { kind: 'command', name: command[1], argument: command[2].trim() };
      if (line.trim() !== '') return { kind: 'message', text: line };
    }
  }

  private async fenced(first: string): Promise<string> {
    const written: string[] = [];
    let length = 0;
    for (let line: string | null = first; line !== null; line = await this.lines.next('. ')) {
      length += line.length + 1;
      if (length > MAX_MESSAGE) throw new UsageError(TOO_LONG);
      const isLast = line.endsWith(FENCE);
      written.push(isLast ? line.slice(0, -FENCE.length) : line);
      if (isLast) break;
    }
    return written.join('\n').replace(/^\n/, '').replace(/\n$/, '');
  }
}
