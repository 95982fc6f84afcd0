import { IdsOnlyTokenizer } from '../tokenizer/ids-only-tokenizer.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import type { ModelInfo } from '../api/types.ts';

type Marks = NonNullable<ModelInfo['reasoningMarks']>;

/** Marks around reasoning, by family. Marks that can occur inside other families' come last. */
const FAMILIES: readonly Marks[] = [
  // Qwen 3, DeepSeek R1, SmolLM 3, GLM 4.5, Nemotron and most others.
  { open: '<think>', close: '</think>' },
  // Magistral.
  { open: '[THINK]', close: '[/THINK]' },
  // gpt-oss.
  { open: '<|channel|>analysis<|message|>', close: '<|channel|>final<|message|>' },
  // Command R7B and Command A.
  { open: '<|START_THINKING|>', close: '<|END_THINKING|>' },
  // Seed-OSS.
  { open: '<seed:think>', close: '</seed:think>' },
  // EXAONE Deep.
  { open: '<thought>', close: '</thought>' },
  // Kimi.
  { open: '◁think▷', close: '◁/think▷' },
  // Granite 3.2 and 3.3.
  { open: 'Here is my thought process:', close: 'Here is my response:' },
];

/**
 * The marks around a model's reasoning: those that its template writes or searches for, else those that are single tokens
 * in its vocabulary. Null when there are none.
 */
export function reasoningMarksOf(template: string | null, tokenizer: Tokenizer): Marks | null {
  const isToken = (text: string) => {
    if (tokenizer instanceof IdsOnlyTokenizer) return false;
    const [id, ...more] = tokenizer.encode(text, { addSpecial: false, parseSpecial: true });
    return id !== undefined && id !== tokenizer.unkTokenId && more.length === 0;
  };
  return (
    FAMILIES.find(({ open, close }) => template?.includes(close) || template?.includes(open)) ??
    FAMILIES.find(({ open, close }) => isToken(open) && isToken(close)) ??
    null
  );
}
