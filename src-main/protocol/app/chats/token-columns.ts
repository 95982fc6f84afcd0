import type { TokenColumns } from './chat.ts';

export function noTokens(): TokenColumns {
  return { ids: [], lengths: [], parts: [], logprobs: [], latencies: [] };
}

const COLUMNS = Object.keys(noTokens()) as (keyof TokenColumns)[];

/** A copy of tokens `from` up to `to`. */
export function sliceColumns(columns: TokenColumns, from: number, to: number): TokenColumns {
  const copy = noTokens();
  for (const column of COLUMNS) copy[column] = columns[column].slice(from, to);
  return copy;
}

/** Appends tokens in place. @param from index of the first one to append */
export function appendColumns(target: TokenColumns, added: TokenColumns, from = 0): void {
  for (const column of COLUMNS) {
    for (let at = from; at < added[column].length; at++) target[column].push(added[column][at]);
  }
}
