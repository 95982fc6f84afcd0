import { GPT2_WORDS } from '../byte-level/gpt2-words.ts';
import type { Range } from '../regex/pattern.ts';
import { expressionSplitter, splitAll, type Splitter } from './expression.ts';
import { deepseekWords, digitGroups, thousands, trailingSpace } from './splitters.ts';

/** A family of pre-tokenizers as in llama.cpp: how it splits text into words, and other properties tied to its name. */
interface Family {
  /** Names in `tokenizer.ggml.pre`; we write the first one. */
  readonly names: readonly string[];
  /** Each splits the words of the previous one. */
  readonly steps: readonly (string | Splitter)[];
  /** Whether a word that is in the vocabulary is one token, whatever the merges. */
  readonly ignoreMerges?: true;
  /** Whether texts begin with BOS unless the file says otherwise; `always`: even then. */
  readonly addBos?: true | 'always';
  /**
   * Whether pieces are written like SentencePiece's: U+2581 for spaces, symbols of one character, `<0x0A>` for a byte
   * without a piece.
   */
  readonly plainText?: true;
}

const CONTRACTIONS = `(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])`;
const REST = `\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+`;
/** Other characters with an optional space before them, and the line ends after them. */
const OTHERS = ` ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*`;
const LETTERS = `[^\\r\\n\\p{L}\\p{N}]?\\p{L}+`;
const LLAMA3 = `${CONTRACTIONS}|${LETTERS}|\\p{N}{1,3}|${OTHERS}|${REST}`;
const QWEN2 = `${CONTRACTIONS}|${LETTERS}|\\p{N}|${OTHERS}|${REST}`;
const CHINESE = '[\\u4e00-\\u9fa5\\u3040-\\u309f\\u30a0-\\u30ff]+';
const CJK = '[\\u4e00-\\u9fa5\\u0800-\\u4e00\\uac00-\\ud7ff]+';
const PUNCTUATED = `[!"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_\`{|}~][A-Za-z]+|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+`;
const DEEPSEEK3 = `${PUNCTUATED}[\\r\\n]*|${REST}`;
const BLOOM = ' ?[^(\\s|.,!?\\u2026\\u3002\\uff0c\\u3001\\u0964\\u06d4\\u060c)]+';
const HAN =
  '\\u4e00-\\u9fff\\u3400-\\u4dbf\\u{20000}-\\u{2a6df}\\u{2a700}-\\u{2b73f}\\u{2b740}-\\u{2b81f}\\u{2b820}-\\u{2ceaf}' +
  '\\u{2ceb0}-\\u{2ebef}\\uf900-\\ufaff\\u{2f800}-\\u{2fa1f}';
// U+8C48 where U+F900 was meant: normalisation changed llama.cpp's source.
const ASIAN =
  '[\\u4e00-\\u9fff\\u3400-\\u4dbf\\u8c48-\\ufaff\\u3040-\\u309f\\u30a0-\\u30ff\\uff65-\\uff9f\\u2f00-\\u2fdf\\u0e40-\\u0e7f' +
  '\\u0e80-\\u0eff\\u1780-\\u17ff\\u1000-\\u109f\\uaa60-\\uaa7f\\ua9e0-\\ua9ff\\uac00-\\ud7af\\u1100-\\u11ff]+';
const LINES = '[^\\n]+|[\\n]+';

/** Capitals, then small letters: llama.cpp distinguishes them in ASCII only. */
function casedWords(capital: string, small: string, after = ''): string {
  return `[^\\r\\n\\p{L}\\p{N}]?${capital}*${small}+${after}|[^\\r\\n\\p{L}\\p{N}]?${capital}+${small}*${after}`;
}
const O200K_REST = `\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|${REST}`;
const CASED = casedWords('[\\p{L-az}]', '[\\p{L-AZ}]', `${CONTRACTIONS}?`);
const TEKKEN = `${casedWords('[\\p{L-az}]', '[\\p{L-AZ}]')}|${O200K_REST.replace('{1,3}', '')}`;
const MARKED = casedWords('[\\p{L}\\p{M}]', '[\\p{L}\\p{M}]', `${CONTRACTIONS}?`);

/** llama.cpp's `llm_tokenizer_bpe` and what `llama_vocab` sets by name. */
const FAMILIES: readonly Family[] = [
  {
    names: [
      'gpt-2',
      'phi-2',
      'mpt',
      'olmo',
      'jais',
      'trillion',
      'granite-docling',
      'exaone4',
      'modern-bert',
      'gigachat',
      'mellum',
      'a.x-4.0',
      'jina-es',
      'jina-de',
      'jina-v2-es',
      'jina-v2-de',
      'jina-v1-en',
      'jina-v2-code',
      'roberta-bpe',
    ],
    steps: [GPT2_WORDS],
  },
  {
    names: ['smollm', 'starcoder', 'refact', 'command-r', 'codeshell', 'exaone', 'minerva-7b', 'mellum2'],
    steps: ['\\p{N}', GPT2_WORDS],
  },
  {
    names: ['llama-bpe', 'llama3', 'llama-v3', 'falcon3', 'falcon-h1', 'pixtral', 'midm-2.0', 'lfm2', 'jina-v5-nano'],
    steps: [LLAMA3],
    ignoreMerges: true,
    addBos: true,
  },
  { names: ['dbrx', 'smaug-bpe', 'chatglm-bpe'], steps: [LLAMA3] },
  { names: ['glm4', 'glm5'], steps: [LLAMA3], ignoreMerges: true },
  {
    names: ['qwen2', 'deepseek-r1-qwen', 'stablelm2', 'megrez', 'hunyuan', 'solar-open', 'grok-2', 'kormo', 'f2llmv2'],
    steps: [QWEN2],
  },
  {
    names: ['qwen35'],
    steps: [
      `${CONTRACTIONS}|[^\\r\\n\\p{L}\\p{N}]?[\\p{L}\\p{M}]+|\\p{N}| ?[^\\s\\p{L}\\p{M}\\p{N}]+[\\r\\n]*|${REST}`,
    ],
  },
  { names: ['ufakzeka'], steps: [`${LETTERS}|\\p{N}|${OTHERS}|${REST}`] },
  { names: ['laguna'], steps: [LINES, QWEN2] },
  {
    names: ['minicpm5'],
    steps: ['\\p{N}{1,3}', `${CONTRACTIONS}|${LETTERS}|\\p{N}+|${OTHERS}|${REST}`],
    ignoreMerges: true,
  },
  {
    names: ['seed-coder'],
    steps: [`${CONTRACTIONS}|${LETTERS}|\\p{N}{1}| ?[^\\s\\p{L}\\p{N}\\r\\n]+|${REST}`],
  },
  {
    names: ['bailingmoe', 'bailingmoe2', 'llada-moe'],
    steps: [`'(?:[sSdDmMtT]|[lL][lL]|[vV][eE]|[rR][eE])|${LETTERS}|\\p{N}|${OTHERS}|\\s*[\\r\\n]|\\s+(?!\\S)|\\s+`],
  },
  {
    names: ['exaone-moe'],
    steps: [
      `${CONTRACTIONS}|[^\\r\\n\\p{L}\\p{N}]?(?:\\p{L}\\p{M}*(?: \\p{L}\\p{M}*)*)+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]?|` +
        '\\s*[\\r\\n]|\\s+(?!\\S)|\\s+',
    ],
  },
  {
    names: ['jais-2'],
    steps: [
      `${CONTRACTIONS}|${LETTERS}|\\p{N}{1,3}|${OTHERS}|\\s*[\\r\\n]+|` +
        [512, 256, 128, 64, 32, 16, 8, 4, '1,2'].map((count) => `\\s{${count}}(?!\\S)|`).join('') +
        '\\s{1}',
    ],
  },
  { names: ['gpt-4o', 'llama4', 'kanana2', 'talkie', 'minimax-m2'], steps: [`${CASED}|${O200K_REST}`] },
  {
    names: ['granite-embed-multi-97m'],
    steps: [`${casedWords('[\\p{L-az}\\p{M}]', '[\\p{L-AZ}\\p{M}]', `${CONTRACTIONS}?`)}|${O200K_REST}`],
    ignoreMerges: true,
  },
  { names: ['tiny_aya', 'cohere2moe'], steps: [digitGroups, `${MARKED}|${O200K_REST}`] },
  { names: ['tekken'], steps: [TEKKEN], ignoreMerges: true, addBos: true },
  {
    names: ['deepseek-llm'],
    steps: [
      '[\\r\\n]',
      deepseekWords,
      '\\s?[!-/:-~\\uff01-\\uff0f\\uff1a-\\uff5e\\u2018-\\u201f\\u3000-\\u3002]+',
      trailingSpace,
      CJK,
      '\\p{N}+',
    ],
  },
  { names: ['deepseek-coder'], steps: ['[\\r\\n]', '\\s?\\p{L}+', '\\s?\\p{P}+', CJK, '\\p{N}'] },
  { names: ['deepseek-v3', 'hunyuan-dense', 'joyai-llm', 'hy_v4'], steps: ['\\p{N}{1,3}', CHINESE, DEEPSEEK3] },
  {
    names: ['spark2_5'],
    steps: ['\\p{N}{1,3}', CHINESE, `${PUNCTUATED}|[\\r\\n]|\\s+(?!\\S)|\\s+`, '\\p{N}'],
  },
  {
    names: ['youtu'],
    steps: [
      '[\\uac00-\\ud7a3\\u3131-\\u318e]+|[\\uff01\\u2026\\u201c\\u201d\\u2018\\u2019\\u2014\\uff1a\\uff1b\\uff0c\\u3001-\\u303f\\ufe30-\\ufe4f]+|' +
        `[\\u3105-\\u312f]+|${CHINESE}`,
      `${MARKED}|${O200K_REST.replace('{1,3}', '')}`,
    ],
    ignoreMerges: true,
  },
  {
    names: ['kimi-k2'],
    steps: [`[${HAN}]+|[^\\r\\n\\p{L}\\p{N}]?(?:(?![${HAN}])\\p{L})+${CONTRACTIONS}?|\\p{N}{1,3}|${OTHERS}|${REST}`],
  },
  { names: ['afmoe'], steps: [digitGroups, ASIAN, DEEPSEEK3] },
  { names: ['superbpe'], steps: ['\\p{N}+', thousands] },
  { names: ['falcon'], steps: ['[\\p{P}\\$\\+<=>\\^~\\|`]+', GPT2_WORDS, '[0-9][0-9][0-9]'] },
  { names: ['poro-chat', 'bloom', 'gpt3-finnish'], steps: [BLOOM] },
  { names: ['viking'], steps: [BLOOM, '\\p{N}'] },
  {
    names: ['chameleon'],
    steps: [
      '<sentinel:[0-9]+>',
      '(IMGIMG)((A|B|C|D|E|F|G|H|I){1,4})Z',
      '([\\t\\n]|    |  )',
      '\\p{N}',
      '[\\p{P}!-/:-@\\[-`{-~]',
      GPT2_WORDS,
    ],
    addBos: true,
  },
  { names: ['gemma4', 'granite-embed-multi-311m'], steps: [LINES], addBos: 'always', plainText: true },
  { names: ['sarvam-moe'], steps: [LINES], plainText: true },
  { names: ['default'], steps: ['[\\p{P}\\$\\+<=>\\^~\\|]+', GPT2_WORDS, '\\p{N}+', '[0-9][0-9][0-9]'] },
];

export const DEFAULT_FAMILY = 'default';
export const KNOWN_FAMILIES: readonly string[] = FAMILIES.flatMap(({ names }) => names);

/** Result of looking up `tokenizer.ggml.pre`. */
export interface PreTokenizerFamily {
  split(text: string): Range[];
  readonly ignoreMerges: boolean;
  readonly addBos: boolean | 'always';
  readonly plainText: boolean;
}

/** The family that `tokenizer.ggml.pre` names; undefined when it is unknown. */
export function preTokenizerFamily(name: string): PreTokenizerFamily | undefined {
  const family = FAMILIES.find(({ names }) => names.includes(name));
  if (!family) return undefined;
  const splitters = family.steps.map((step) => (typeof step === 'string' ? expressionSplitter(step) : step));
  return {
    split: (text) => splitAll(text, splitters),
    ignoreMerges: family.ignoreMerges ?? false,
    addBos: family.addBos ?? false,
    plainText: family.plainText ?? false,
  };
}

/** How Hugging Face files write the contractions that llama.cpp's expressions expand. */
const HUGGING_FACE_CONTRACTIONS = "(?i:'s|'t|'re|'ve|'m|'ll|'d)";

/** The name of the family that splits by these expressions; undefined when there is none. */
export function familyOf(expressions: readonly string[], ignoreMerges: boolean): string | undefined {
  const wanted = expressions
    .map((expression) => expression.replace(HUGGING_FACE_CONTRACTIONS, CONTRACTIONS))
    .join('\n');
  const found = FAMILIES.find((family) => {
    return family.steps.join('\n') === wanted && (family.ignoreMerges ?? false) === ignoreMerges;
  });
  return found?.names[0];
}
