import type { TokenKind } from '../../api/types.ts';
import type { Vocabulary } from '../vocabulary.ts';

/** `enum llama_token_type`, the numbers in `tokenizer.ggml.token_type`. */
export const TOKEN_TYPES = { normal: 1, unknown: 2, control: 3, userDefined: 4, unused: 5, byte: 6 } as const;

/** Kinds of token as bits: llama.cpp adds to those in a file. */
export const ATTRIBUTE = { unknown: 1, unused: 2, normal: 4, control: 8, userDefined: 16, byte: 32 } as const;

const OF_TYPE: Readonly<Record<number, number>> = {
  [TOKEN_TYPES.normal]: ATTRIBUTE.normal,
  [TOKEN_TYPES.unknown]: ATTRIBUTE.unknown,
  [TOKEN_TYPES.control]: ATTRIBUTE.control,
  [TOKEN_TYPES.userDefined]: ATTRIBUTE.userDefined,
  [TOKEN_TYPES.unused]: ATTRIBUTE.unused,
  [TOKEN_TYPES.byte]: ATTRIBUTE.byte,
};

/**
 * Texts of end-of-generation tokens, as in llama.cpp (llama-vocab.cpp, `special_eog_ids`): models use several, and files
 * name only one. Such a token is a control token, even if the file says it is ordinary.
 */
const END_TEXTS: readonly string[] = [
  '<|eot_id|>',
  '<|im_end|>',
  '<|end|>',
  '<|return|>',
  '<|call|>',
  '<|flush|>',
  '<|calls|>',
  '<end_of_turn>',
  '<|endoftext|>',
  '</s>',
  '<|eom_id|>',
  '<EOT>',
  '_<EOT>',
  '[EOT]',
  '[EOS]',
  '<|end_of_text|>',
  '<end_of_utterance>',
  '<eos>',
  '<turn|>',
  '<|tool_response>',
  '<｜end▁of▁sentence｜>',
  '[e~[',
];

/** Fill-in-the-middle tokens, found by their text if the file names none. The last three kinds end a reply. */
const FILL_IN_TEXTS = {
  prefix: [
    '<|fim_prefix|>',
    '<fim-prefix>',
    '<fim_prefix>',
    '<｜fim▁begin｜>',
    '<PRE>',
    '▁<PRE>',
    '<|code_prefix|>',
    '<|prefix|>',
  ],
  suffix: [
    '<|fim_suffix|>',
    '<fim-suffix>',
    '<fim_suffix>',
    '<｜fim▁hole｜>',
    '<SUF>',
    '▁<SUF>',
    '<|code_suffix|>',
    '<|suffix|>',
  ],
  middle: [
    '<|fim_middle|>',
    '<fim-middle>',
    '<fim_middle>',
    '<｜fim▁end｜>',
    '<MID>',
    '▁<MID>',
    '<|code_middle|>',
    '<|middle|>',
  ],
  pad: ['<|fim_pad|>', '<fim-pad>', '<fim_pad>', '<PAD>', '[PAD]'],
  repository: ['<|fim_repo|>', '<|repo_name|>', '<fim-repo>', '<REPO>', '<reponame>'],
  separator: ['<|file_sep|>'],
} as const;

/** gpt-oss generates these in its replies, so llama.cpp shows them and finds them in every text. */
const ALWAYS_SHOWN: readonly string[] = ['<|channel|>', '<|message|>', '<|start|>', '<|constrain|>'];

/** Ids named by a file's keys, null for absent ones. */
export interface NamedTokens {
  readonly eos: number | null;
  readonly eot: number | null;
  readonly eom: number | null;
  readonly fillIn: Readonly<Record<keyof typeof FILL_IN_TEXTS, number | null>>;
}

export interface TokenAttributes {
  /** `[vocabulary]`: bits of ATTRIBUTE. */
  readonly bits: Uint8Array;
  /** End-of-generation tokens, ascending. */
  readonly endIds: readonly number[];
}

/** The kind of every token and the end-of-generation tokens: the file's, with llama.cpp's corrections. */
export function tokenAttributes(
  vocabulary: Vocabulary,
  types: ArrayLike<number> | null,
  named: NamedTokens,
): TokenAttributes {
  const bits = new Uint8Array(vocabulary.size).fill(ATTRIBUTE.normal);
  if (types) for (let id = 0; id < bits.length; id++) bits[id] = OF_TYPE[types[id]] ?? 0;
  const ends = new Set<number>();
  const find = (texts: readonly string[]) => texts.map((text) => vocabulary.id(text)).filter((id) => id !== undefined);
  const id = (text: string) => vocabulary.id(text) ?? -1;

  for (const [use, texts] of Object.entries(FILL_IN_TEXTS) as [keyof typeof FILL_IN_TEXTS, readonly string[]][]) {
    let token = named.fillIn[use];
    if (token === null) {
      token = find(texts)[0] ?? null;
      if (token !== null) bits[token] |= ATTRIBUTE.control;
    }
    if (token !== null && (use === 'pad' || use === 'repository' || use === 'separator')) ends.add(token);
  }
  for (const token of find(END_TEXTS)) {
    ends.add(token);
    bits[token] |= ATTRIBUTE.control;
  }
  for (const token of find(ALWAYS_SHOWN)) bits[token] = ATTRIBUTE.userDefined;
  for (const token of [named.eos, named.eot, named.eom]) if (token !== null) ends.add(token);

  // In gpt-oss's and Solar's format a message ends with <|end|>, and a reply continues after it.
  const has = (text: string) => ends.has(id(text));
  const goesOn = (has('<|return|>') || has('<|flush|>')) && (has('<|call|>') || has('<|calls|>'));
  if (goesOn && has('<|end|>')) overrule('<|end|>', ATTRIBUTE.userDefined);
  // Gemma 4 and PLaMo have an ordinary piece </s>.
  if ((has('<|tool_response>') || has('<|plamo:eos|>')) && has('</s>')) overrule('</s>', ATTRIBUTE.normal);

  function overrule(text: string, attribute: number): void {
    ends.delete(id(text));
    bits[id(text)] = attribute;
  }
  return { bits, endIds: [...ends].sort((a, b) => a - b) };
}

/** Whether a token is a control or unknown token, which are parsed on request only and omitted from plain text. */
export function isSpecialAttribute(bits: number): boolean {
  return (bits & (ATTRIBUTE.control | ATTRIBUTE.unknown)) !== 0;
}

export function kindOf(bits: number): TokenKind {
  if (bits & ATTRIBUTE.unknown) return 'unknown';
  if (bits & ATTRIBUTE.control) return 'control';
  if (bits & ATTRIBUTE.userDefined) return 'user_defined';
  if (bits & ATTRIBUTE.byte) return 'byte';
  return bits & ATTRIBUTE.normal ? 'normal' : 'unused';
}
