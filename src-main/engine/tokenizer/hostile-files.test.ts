import { describe, expect, it } from 'vitest';
import { EngineError } from '../api/errors.ts';
import { openTokenizer } from '../models/open-tokenizer.ts';
import { SLOWEST_MACHINE } from '../test-support/cpu-time.ts';
import { unpackedFixture } from '../test-support/hard-strings.ts';
import { hfFolderBytes } from '../test-support/hf-fixtures.ts';
import { memoryModelFiles } from '../test-support/model-files.ts';
import { mutateBytes, mutateJson, seededRandom } from '../test-support/mutate.ts';
import { randomStrings } from '../test-support/random-strings.ts';
import { tinyTransformerJson } from './test-support/tiny-transformer.ts';

/** Damaged files of each kind; more in the full run. */
const FILES = process.env.TOKENSCOPE_TEST_FULL === '1' ? 2000 : 60;
const TIMEOUT_MS = 900_000;
/** CPU time limit for a small file and six texts: a hundred times what the valid one takes, and more on slow machines. */
const ALLOWED_MS = 3000 * SLOWEST_MACHINE;

const fixture = (name: string) => unpackedFixture(`${name}.tokenizer.json`).toString('utf8');
const SOUND: Readonly<Record<string, string>> = {
  'byte-level BPE': new TextDecoder().decode(hfFolderBytes('llama')['tokenizer.json']),
  unigram: fixture('synth_unigram'),
  'unigram with bytes': fixture('synth_unigram_bf'),
  WordPiece: fixture('synth_wordpiece_cased'),
  'the built-in model': JSON.stringify(tinyTransformerJson()),
};
const GGUF = unpackedFixture('vocab-synth_unigram_bf.gguf');

/** Opens a tokenizer and uses it. @returns the error code if it was refused */
async function attempt(name: string, bytes: Uint8Array): Promise<string> {
  const before = process.cpuUsage();
  let outcome = 'opened';
  try {
    const tokenizer = await openTokenizer(memoryModelFiles('hostile', { [name]: bytes }), () => {});
    const known = Array.from({ length: Math.min(50, tokenizer.vocabularySize) }, (_, id) => id);
    for (const text of tokenizer.vocabularySize > 0 ? randomStrings(6, 1, tokenizer) : ['a b']) {
      const ids = tokenizer.encode(text, { parseSpecial: true });
      tokenizer.decode([...ids, ...known], false);
    }
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    expect(error.message.length, error.message).toBeLessThan(1500);
    outcome = error.code;
  }
  const { user, system } = process.cpuUsage(before);
  expect((user + system) / 1000).toBeLessThan(ALLOWED_MS);
  return outcome;
}

describe('a damaged tokenizer', () => {
  it.each(Object.keys(SOUND))(
    'is opened, or refused with a reason: %s',
    async (kind) => {
      // Mostly the parts before and after the vocabulary, which is most of the file.
      const { head, tail } = withoutVocabulary(SOUND[kind]);
      const outcomes = new Set<string>();
      for (let seed = 0; seed < FILES; seed++) {
        const random = seededRandom(seed);
        const text = random() < 0.3 ? mutateJson(SOUND[kind], random) : mutateAround(head, tail, random);
        const outcome = await attempt('tokenizer.json', new TextEncoder().encode(text)).catch((cause: unknown) => {
          throw new Error(`seed ${seed}: ${String(cause)}`, { cause });
        });
        outcomes.add(outcome);
      }
      expect([...outcomes]).toContain('MODEL_FORMAT');
    },
    TIMEOUT_MS,
  );

  it(
    'is opened, or refused with a reason: a GGUF file',
    async () => {
      const outcomes = new Set<string>();
      for (let seed = 0; seed < 3 * FILES; seed++) {
        const outcome = await attempt('model.gguf', mutateBytes(GGUF, GGUF.length, seededRandom(seed))).catch(
          (cause: unknown) => {
            throw new Error(`seed ${seed}: ${String(cause)}`, { cause });
          },
        );
        outcomes.add(outcome);
      }
      expect([...outcomes]).toContain('MODEL_FORMAT');
    },
    TIMEOUT_MS,
  );
});

const MARK = '"(vocabulary)"';

/** The file's text before and after its vocabulary, and the vocabulary itself. */
function withoutVocabulary(json: string): { head: string; tail: string } {
  const file = JSON.parse(json) as { model: { vocab: unknown } };
  const vocabulary = JSON.stringify(file.model.vocab);
  file.model.vocab = JSON.parse(MARK);
  const [head, tail] = JSON.stringify(file).split(MARK);
  return { head, tail: vocabulary + tail };
}

function mutateAround(head: string, tail: string, random: () => number): string {
  const cut = tail.length - Math.min(tail.length, 3000);
  return random() < 0.7
    ? mutateJson(head, random) + tail
    : head + tail.slice(0, cut) + mutateJson(tail.slice(cut), random);
}
