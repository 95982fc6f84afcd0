import type { MathElement } from '../tree.ts';
import type { MarkdownParser } from './parser-client.ts';

const MAX_ENTRIES = 500;
const cache = new Map<string, Promise<MathElement | null>>();

/** MathML of a formula; null if it is not valid TeX. The latest ones are kept. */
export function mathsOf(parser: MarkdownParser, tex: string, display: boolean): Promise<MathElement | null> {
  const key = `${display ? 'd' : 'i'}${tex}`;
  const known = cache.get(key);
  if (known !== undefined) return known;
  const made = parser.run('maths', { tex, display }).catch(() => null);
  cache.set(key, made);
  if (cache.size > MAX_ENTRIES) cache.delete([...cache.keys()][0]);
  return made;
}
