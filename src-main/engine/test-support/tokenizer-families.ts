import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { testModelPath } from '../../../scripts/fetch-test-model.ts';
import { smollm2TokenizerJson } from '../../../scripts/lib/built-tokenizers.ts';
import { TEST_TOKENIZERS, testTokenizerPath, testVocabularyPath } from '../../../scripts/lib/test-tokenizers.ts';
import { readGguf } from '../formats/gguf/gguf-file.ts';
import { MAX_TOKENIZER_BYTES } from '../models/huggingface/open-folder.ts';
import { readTokenizerJson } from '../models/json-file.ts';
import { MetadataReader } from '../models/gguf/metadata-reader.ts';
import { readTokenizer } from '../models/gguf/read-tokenizer.ts';
import type { ByteSource } from '../api/platform.ts';
import { tokenizerFromJson } from '../tokenizer/from-tokenizer-json.ts';
import type { GgufTokenizerFacts } from '../tokenizer/gguf/from-gguf.ts';
import { TOKEN_TYPES } from '../tokenizer/gguf/token-attributes.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import { ggufVocabulary } from './gguf-vocabulary.ts';
import { unpackedFixture } from './hard-strings.ts';
import { sha256OfStoredFile } from './hugging-face-cases.ts';
import { llamaCppFamily } from './llama-cpp-cases.ts';
import { memorySource } from './model-files.ts';
import { singleFile } from './test-model.ts';

/** A tokenizer whose tokens of the hard strings are stored. */
export interface TokenizerFamily<T> {
  readonly name: string;
  /** Name of the stored tokens. */
  readonly golden: string;
  /** Whether its file is available. */
  readonly isThere: boolean;
  file(): Promise<ByteSource>;
  open(file: ByteSource): Promise<T>;
}

/** The family's tokenizer. */
export async function loadFamily<T>(family: TokenizerFamily<T>): Promise<T> {
  const file = await family.file();
  try {
    return await family.open(file);
  } finally {
    await file.close?.();
  }
}

const isFull = process.env.TOKENSCOPE_TEST_FULL === '1';
/**
 * Large vocabularies take a second each to load. Except in the full run, each is tested in one form only: as Hugging Face
 * file or as GGUF, or not at all if another one has the same kind of vocabulary and pattern.
 */
const ONLY_IN_FULL: Readonly<Record<'huggingFace' | 'gguf', readonly string[]>> = {
  huggingFace: ['llama3', 'llama2', 'gptoss', 'gemma3', 'gemini'],
  gguf: ['conv-gpt4o', 'conv-gptoss', 'conv-gpt35turbo', 'conv-deepseek_v3', 'conv-qwen3', 'conv-gemini'],
};

/** Small vocabularies that were trained for the tests and are among the fixtures. */
const TRAINED = ['synth_unigram', 'synth_unigram_bf', 'synth_wordpiece_cased'];

/** Families whose tokenizer.json llama.cpp's converter can turn into a GGUF vocabulary. */
const CONVERTED = TEST_TOKENIZERS.map(({ family }) => family).filter(
  (family) => family !== 'claude' && family !== 'gemma3',
);

export const HUGGING_FACE_FAMILIES: readonly TokenizerFamily<Tokenizer>[] = [
  ...TEST_TOKENIZERS.map(({ family }) => huggingFace(family, testTokenizerPath(family), () => fetchedJson(family))),
  huggingFace('smollm2_rebuilt', testModelPath(), smollm2Json),
  ...TRAINED.map((family) => huggingFace(family, null, async () => unpackedFixture(`${family}.tokenizer.json`))),
];

export const GGUF_FAMILIES: readonly TokenizerFamily<GgufTokenizerFacts>[] = [
  ...CONVERTED.map((family) => {
    const golden = `conv-${family}`;
    return gguf(golden, testTokenizerPath(family), async () => {
      const json = (await fetchedJson(family)).toString('utf8');
      return memorySource(`${family}.gguf`, ggufVocabulary(json, llamaCppFamily(golden).metadata));
    });
  }),
  gguf('gemma3', testVocabularyPath(), async () => memorySource('gemma3.gguf', readFileSync(testVocabularyPath()))),
  gguf('smollm2', testModelPath(), openSmollm2),
  gguf('conv-synth_unigram_bf', null, async () =>
    memorySource('unigram.gguf', unpackedFixture('vocab-synth_unigram_bf.gguf')),
  ),
];

/** Those compared with Hugging Face's library for every string in this run. */
export const COMPARED_HUGGING_FACE_FAMILIES = comparedNow(HUGGING_FACE_FAMILIES, ONLY_IN_FULL.huggingFace);
/** Those compared with llama.cpp in this run. */
export const COMPARED_GGUF_FAMILIES = comparedNow(GGUF_FAMILIES, ONLY_IN_FULL.gguf);

function comparedNow<T>(families: readonly TokenizerFamily<T>[], onlyInFull: readonly string[]) {
  return families.filter(({ golden }) => isFull || !onlyInFull.includes(golden));
}

function huggingFace(family: string, path: string | null, bytes: () => Promise<Buffer>): TokenizerFamily<Tokenizer> {
  const name = `${family}.tokenizer.json`;
  return {
    name: `tokenizer.json of ${family}`,
    golden: family,
    isThere: isThere(path),
    async file() {
      const content = await bytes();
      const found = createHash('sha256').update(content).digest('hex');
      if (found !== sha256OfStoredFile(family)) throw new Error(`${name} has the SHA-256 ${found}.`);
      return memorySource(name, content);
    },
    open: async (file) => tokenizerFromJson(await readTokenizerJson(file, MAX_TOKENIZER_BYTES), name),
  };
}

function gguf(
  golden: string,
  path: string | null,
  file: () => Promise<ByteSource>,
): TokenizerFamily<GgufTokenizerFacts> {
  return {
    name: `GGUF file of ${golden.replace('conv-', '')}`,
    golden,
    isThere: isThere(path),
    file,
    async open(source) {
      const { metadata } = await readGguf(source);
      return readTokenizer(new MetadataReader(metadata, source.name), (warning) => {
        throw new Error(warning);
      });
    },
  };
}

/** @throws Error in continuous integration when a file that must be fetched is missing */
function isThere(path: string | null): boolean {
  if (path === null || existsSync(path)) return true;
  const reason = `${path} is missing. Fetch it: node --import tsx scripts/fetch-test-tokenizers.ts (and fetch-test-model.ts)`;
  if (process.env.CI) throw new Error(reason);
  console.warn(`${reason}. The tests that need it are left out.`);
  return false;
}

async function fetchedJson(family: string): Promise<Buffer> {
  return readFileSync(testTokenizerPath(family));
}

async function openSmollm2(): Promise<ByteSource> {
  const files = await singleFile(testModelPath());
  return files.open(files.names[0]);
}

async function smollm2Json(): Promise<Buffer> {
  const source = await openSmollm2();
  const { metadata } = await readGguf(source);
  await source.close?.();
  const reader = new MetadataReader(metadata, source.name);
  const pieces = [...reader.strings('tokenizer.ggml.tokens')];
  const types = reader.optionalNumberList('tokenizer.ggml.token_type', pieces.length) ?? [];
  const specialIds = [...pieces.keys()].filter((id) => types[id] === TOKEN_TYPES.control);
  return Buffer.from(smollm2TokenizerJson(pieces, [...reader.strings('tokenizer.ggml.merges')], specialIds));
}
