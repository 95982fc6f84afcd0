import { vocabularyTrie } from '../grammar/tokenizer-vocabulary.ts';
import type { NamedStage } from '../sampling/sampler-chain.ts';
import { applyLogitBias } from '../sampling/logit-bias.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';

interface BiasedText {
  readonly bytes: Uint8Array;
  readonly bias: number;
  /** Tokens that are the whole text, with or without a leading space. */
  readonly whole: Iterable<number>;
  /** `[bytes.length]`: tokens that complete the text after its first i bytes. */
  readonly completing: readonly Int32Array[];
}

/**
 * Adds to the logits of tokens that are the text, with or without a leading space, and of tokens that complete it, where
 * the vocabulary spells it in several tokens.
 * @param biases `[text, bias]`
 */
export function textBiasStage(biases: readonly (readonly [string, number])[], tokenizer: Tokenizer): NamedStage {
  const trie = vocabularyTrie(tokenizer);
  const texts = biases.map(([text, bias]): BiasedText => {
    const bytes = new TextEncoder().encode(text);
    const spaced = new TextEncoder().encode(` ${text}`);
    const whole = new Set([...trie.find(bytes), ...trie.find(spaced)]);
    const completing = Array.from(bytes, (_, from) =>
      from === 0 ? new Int32Array(0) : trie.find(bytes.subarray(from)),
    );
    return { bytes, bias, whole, completing };
  });
  const longest = texts.reduce((length, { bytes }) => Math.max(length, bytes.length), 0);
  return [
    'text_bias',
    (candidates, history) => {
      const written = lastBytes(history, longest, (id) => trie.vocabulary.bytes(id));
      const byToken = new Map<number, number>();
      for (const text of texts) {
        for (const id of writing(text, written)) byToken.set(id, (byToken.get(id) ?? 0) + text.bias);
      }
      applyLogitBias(candidates, [...byToken]);
    },
  ];
}

/** The tokens that are the text or complete it after `written`. */
function writing({ bytes, whole, completing }: BiasedText, written: Uint8Array): Set<number> {
  const ids = new Set(whole);
  for (let begun = 1; begun < bytes.length; begun++) {
    if (completing[begun].length > 0 && endsWith(written, bytes.subarray(0, begun))) {
      for (const id of completing[begun]) ids.add(id);
    }
  }
  return ids;
}

function endsWith(bytes: Uint8Array, end: Uint8Array): boolean {
  const offset = bytes.length - end.length;
  return offset >= 0 && end.every((byte, i) => bytes[offset + i] === byte);
}

/** The last bytes of a text of tokens, at least `wanted` if there are as many. */
function lastBytes(ids: readonly number[], wanted: number, bytesOf: (id: number) => Uint8Array | null): Uint8Array {
  const parts: Uint8Array[] = [];
  let length = 0;
  for (let i = ids.length - 1; i >= 0 && length < wanted; i--) {
    const bytes = bytesOf(ids[i]);
    // A text cannot span a control token.
    if (bytes === null) break;
    parts.unshift(bytes);
    length += bytes.length;
  }
  const joined = new Uint8Array(length);
  let offset = 0;
  for (const part of parts) {
    joined.set(part, offset);
    offset += part.length;
  }
  return joined;
}
