import type { SamplingParams } from '../../../../src-main/engine/api/types.ts';

/** A bias for a token id, or for a text however it is tokenized. */
export type BiasRow = { by: 'text'; text: string; bias: number } | { by: 'id'; id: number; bias: number };

type Biases = Pick<SamplingParams, 'logitBias' | 'textBias'>;

export function biasRows({ logitBias, textBias }: Biases): BiasRow[] {
  return [
    ...textBias.map(([text, bias]): BiasRow => ({ by: 'text', text, bias })),
    ...logitBias.map(([id, bias]): BiasRow => ({ by: 'id', id, bias })),
  ];
}

/** There is one bias per text or token: a second one replaces the first. */
export function withBias({ logitBias, textBias }: Biases, row: BiasRow): Partial<Biases> {
  return row.by === 'text'
    ? { textBias: put(textBias, row.text, row.bias) }
    : { logitBias: put(logitBias, row.id, row.bias) };
}

export function withoutBias({ logitBias, textBias }: Biases, row: BiasRow): Partial<Biases> {
  return row.by === 'text'
    ? { textBias: textBias.filter(([text]) => text !== row.text) }
    : { logitBias: logitBias.filter(([id]) => id !== row.id) };
}

function put<K>(list: readonly [K, number][], key: K, bias: number): [K, number][] {
  const at = list.findIndex(([other]) => other === key);
  if (at < 0) return [...list, [key, bias]];
  // A file may have several, which are added up.
  return list.flatMap((entry, index): [K, number][] =>
    index === at ? [[key, bias]] : entry[0] === key ? [] : [entry],
  );
}
