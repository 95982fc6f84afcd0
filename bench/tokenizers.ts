/**
 * Times tokenizers: loading a vocabulary, and encoding and decoding texts of 1, 2 and 4 MB, of English and of characters
 * without a space, for each kind of tokenizer file.
 *
 *     node --import tsx bench/tokenizers.ts [PART OF A NAME]
 *
 * Needs what scripts/fetch-test-tokenizers.ts fetches. Loading begins with the file's bytes in memory. Figures are
 * milliseconds, the best of a few runs: elapsed time, and in brackets the CPU time of all threads, which is more reliable
 * under load. Prints Markdown.
 */
import { seededRandom } from '../src-main/engine/test-support/mutate.ts';
import {
  GGUF_FAMILIES,
  HUGGING_FACE_FAMILIES,
  type TokenizerFamily,
} from '../src-main/engine/test-support/tokenizer-families.ts';
import type { ByteSource } from '../src-main/engine/api/platform.ts';
import { tinyTransformerJson } from '../src-main/engine/tokenizer/test-support/tiny-transformer.ts';
import type { Tokenizer } from '../src-main/engine/tokenizer/tokenizer.ts';

const RUNS = 3;
const LOADS = 7;
const MB = 1_000_000;
const SIZES = [1, 2, 4];
/** One of each kind: byte-level BPE (two pre-tokenizers), SentencePiece BPE, unigram, WordPiece. */
const KINDS = [
  'GGUF file of gemma3',
  'GGUF file of llama3',
  'GGUF file of gptoss',
  'GGUF file of synth_unigram_bf',
  'GGUF file of bert_wordpiece',
  'tokenizer.json of gemma3',
  'tokenizer.json of llama3',
  'tokenizer.json of claude',
  'tokenizer.json of llama2',
  'tokenizer.json of synth_unigram',
  'tokenizer.json of bert_wordpiece',
];

/** Words with natural frequencies, every thirtieth of them invented, so that not all are cached. */
function english(length: number): string {
  const random = seededRandom(1);
  const words = Object.keys(tinyTransformerJson().model.vocab).filter((piece) => /^[A-Za-z']+$/.test(piece));
  const parts: string[] = [];
  for (let size = 0; size < length;) {
    const invented = random() < 1 / 30;
    const word = invented
      ? letters(4 + Math.floor(random() * 8), random)
      : words[Math.floor(words.length ** random()) - 1];
    const end = [' ', ' ', ' ', ' ', ' ', ' ', ' ', ', ', '. ', '.\n\n'][Math.floor(random() * 10)];
    parts.push(word, end);
    size += word.length + end.length;
  }
  return parts.join('').slice(0, length);
}

function letters(length: number, random: () => number): string {
  return String.fromCharCode(...Array.from({ length }, () => 0x61 + Math.floor(random() * 26)));
}

const TEXTS: readonly (readonly [name: string, make: (length: number) => string])[] = [
  ['English', english],
  [
    'English without spaces',
    (length) =>
      english(2 * length)
        .replaceAll(/\s/g, '')
        .slice(0, length),
  ],
  [
    'random letters',
    (length) => Array.from({ length: length / 1000 }, (_, i) => letters(1000, seededRandom(i))).join(''),
  ],
  ['one letter', (length) => 'a'.repeat(length)],
  ['spaces', (length) => ' '.repeat(length)],
  ['Chinese', (length) => chinese(length / 3)],
];

function chinese(length: number): string {
  const random = seededRandom(2);
  return Array.from({ length }, () => String.fromCharCode(0x4e00 + Math.floor(2000 ** random()))).join('');
}

interface Cost {
  readonly wall: number;
  readonly processor: number;
}

async function best(runs: number, action: () => unknown): Promise<Cost> {
  let found: Cost = { wall: Infinity, processor: Infinity };
  for (let run = 0; run < runs; run++) {
    const [startedAt, before] = [performance.now(), process.cpuUsage()];
    await action();
    const spent = process.cpuUsage(before);
    found = {
      wall: Math.min(found.wall, performance.now() - startedAt),
      processor: Math.min(found.processor, (spent.user + spent.system) / 1000),
    };
  }
  return found;
}

const written = ({ wall, processor }: Cost) => `${wall.toFixed(0)} (${processor.toFixed(0)})`;

async function measure(family: TokenizerFamily<Tokenizer>): Promise<void> {
  const file = await family.file();
  const loading = await best(LOADS, () => family.open(file));
  const tokenizer = await family.open(file);
  const entries = tokenizer.vocabularySize.toLocaleString('en');
  console.log(`\n**${family.name}**, ${entries} entries: loads in ${written(loading)} ms\n`);
  console.log(`| text | ${SIZES.map((size) => `${size} MB`).join(' | ')} | decoding 1 MB |`);
  console.log(`| --- |${' ---: |'.repeat(SIZES.length + 1)}`);
  for (const [text, make] of TEXTS) {
    const costs: Cost[] = [];
    for (const size of SIZES) {
      const made = make(size * MB);
      costs.push(await best(size === 1 ? RUNS : 1, () => tokenizer.encode(made)));
    }
    const ids = tokenizer.encode(make(MB));
    const decoding = await best(RUNS, () => tokenizer.decode(ids));
    console.log(`| ${text} | ${[...costs, decoding].map(written).join(' | ')} |`);
  }
}

const wanted = process.argv[2];
const families: readonly TokenizerFamily<Tokenizer>[] = [
  ...GGUF_FAMILIES.map((family) => ({
    ...family,
    open: async (file: ByteSource) => (await family.open(file)).tokenizer,
  })),
  ...HUGGING_FACE_FAMILIES,
];
for (const family of families) {
  const chosen = wanted === undefined ? KINDS.includes(family.name) : family.name.includes(wanted);
  if (chosen && family.isThere) await measure(family);
}
