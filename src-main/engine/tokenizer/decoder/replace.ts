import type { TextStep } from './decoder.ts';

/** `text` with every `found` replaced. */
export function replaceLiteral(text: string, found: string, replacement: string): string {
  return found === '' ? text : text.split(found).join(replacement);
}

/** Replaces in a growing text: holds back an end that may be the beginning of a match. */
export function replaceStep(found: string, replacement: string): TextStep {
  return {
    start() {
      let held = '';
      return {
        push(text) {
          const parts = found === '' ? [held + text] : (held + text).split(found);
          const rest = parts.pop()!;
          const keep = beginningOf(found, rest);
          held = rest.slice(rest.length - keep);
          return [...parts, rest.slice(0, rest.length - keep)].join(replacement);
        },
        get pending() {
          return held !== '';
        },
        flush() {
          const rest = held;
          held = '';
          return rest;
        },
      };
    },
  };
}

/** Length of the longest end of `text` that is a proper prefix of `found`. */
function beginningOf(found: string, text: string): number {
  for (let length = Math.min(found.length - 1, text.length); length > 0; length--) {
    if (text.endsWith(found.slice(0, length))) return length;
  }
  return 0;
}
