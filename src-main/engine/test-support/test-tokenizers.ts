import { existsSync, readFileSync } from 'node:fs';
import { testTokenizerPath } from '../../../scripts/lib/test-tokenizers.ts';

/**
 * The text of a family's tokenizer.json (`scripts/fetch-test-tokenizers.ts`); null when it was not fetched, which is
 * said.
 * @throws Error in continuous integration, where it must be there
 */
export function testTokenizerJson(family: string): string | null {
  const path = testTokenizerPath(family);
  if (existsSync(path)) return readFileSync(path, 'utf8');
  const reason = `The tokenizer ${family} is not in the cache. Fetch it: node --import tsx scripts/fetch-test-tokenizers.ts`;
  if (process.env.CI) throw new Error(reason);
  console.warn(`${reason} The tests that need it are left out.`);
  return null;
}
