import { GPT2_WORDS } from '../byte-level/gpt2-words.ts';
import { regexPattern, type Range } from '../regex/pattern.ts';
import type { PreTokenizer } from '../pre-tokenizer/pre-tokenizer.ts';

/** How a family splits text into words: each expression splits what the one before left. */
interface Family {
  readonly expressions: readonly string[];
  readonly ignoreMerges?: boolean;
}

const LLAMA3 = `(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+`;
const QWEN2 = LLAMA3.replace('\\p{N}{1,3}', '\\p{N}');

/**
 * `tokenizer.ggml.pre` to the expressions that llama.cpp uses for it (`llm_tokenizer_bpe`). What lies between matches is a
 * word of its own.
 */
const FAMILIES: Readonly<Record<string, Family>> = {
  'gpt-2': { expressions: [GPT2_WORDS] },
  smollm: { expressions: ['\\p{N}', GPT2_WORDS] },
  'llama-bpe': { expressions: [LLAMA3], ignoreMerges: true },
  qwen2: { expressions: [QWEN2] },
  dbrx: { expressions: [LLAMA3] },
};

export const DEFAULT_FAMILY = 'gpt-2';
export const KNOWN_FAMILIES: readonly string[] = Object.keys(FAMILIES);

/** The way of splitting that `tokenizer.ggml.pre` names; undefined when it is not known. */
export function preTokenizerFamily(name: string): { preTokenizer: PreTokenizer; ignoreMerges: boolean } | undefined {
  if (!Object.hasOwn(FAMILIES, name)) return undefined;
  const { expressions, ignoreMerges = false } = FAMILIES[name];
  const patterns = expressions.map((expression) => regexPattern(expression));
  const split = (text: string): Range[] =>
    patterns.reduce<Range[]>(
      (words, pattern) => words.flatMap(([from, to]) => isolate(pattern.matches(text.slice(from, to)), from, to)),
      text === '' ? [] : [[0, text.length]],
    );
  return { preTokenizer: { split }, ignoreMerges };
}

/** How Hugging Face files write the contractions that llama.cpp's expressions spell out. */
const CONTRACTIONS = "(?i:'s|'t|'re|'ve|'m|'ll|'d)";
const SPELLED_OUT = "(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])";

/** The name of the family that splits by these expressions; undefined when there is none. */
export function familyOf(expressions: readonly string[], ignoreMerges: boolean): string | undefined {
  const wanted = expressions.map((expression) => expression.replace(CONTRACTIONS, SPELLED_OUT)).join('\n');
  const found = Object.entries(FAMILIES).find(([, family]) => {
    return family.expressions.join('\n') === wanted && (family.ignoreMerges ?? false) === ignoreMerges;
  });
  return found?.[0];
}

/** Matches (relative to `from`) and what lies between them, as ranges of the whole text. */
function isolate(matches: readonly Range[], from: number, to: number): Range[] {
  const ranges: Range[] = [];
  let end = from;
  for (const [start, stop] of matches) {
    if (from + start > end) ranges.push([end, from + start]);
    if (stop > start) ranges.push([from + start, from + stop]);
    end = Math.max(end, from + stop);
  }
  if (end < to) ranges.push([end, to]);
  return ranges;
}
