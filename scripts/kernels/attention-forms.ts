/** The kernels of attention: by number of queries, and by the form of keys and values. */
import { call, each } from './text.ts';

/** float32; binary16 where it is used, as 2^-112 of what it stands for; 8-bit codes with a scale behind them. */
export type Form = 'float' | 'half' | 'codes';
export const FORMS: readonly Form[] = ['half', 'float'];

export interface AttentionKernel {
  readonly name: string;
  readonly queries: number;
  readonly form: Form;
}

const QUERIES = ['', 'One', 'Two', 'Three', 'Four'];

export const kernels = (forms: readonly Form[]): AttentionKernel[] =>
  forms.flatMap((form) =>
    [4, 3, 2, 1].map((queries) => ({ name: `${QUERIES[queries]!}${form === 'half' ? 'Halves' : ''}`, queries, form })),
  );

/** Calls the kernel for `half` and `queries`. */
export function choose(name: string, parameters: string, rows: readonly AttentionKernel[]): string {
  return each(rows, ({ name: kernel, queries, form }, index) => {
    const conditions = [...(form === 'half' ? ['half'] : []), ...(queries > 1 ? [`queries == ${queries}`] : [])];
    const condition = index < rows.length - 1 ? `if (${conditions.join(' && ')}) ` : '';
    return `${condition}${call(`${name}${kernel}`, parameters)}${condition ? ' else' : ''}`;
  });
}

/** Values 4 x `index` and on of a key or value. */
export function value4(form: Form, entry: string, index: number): string {
  if (form === 'float') return `v128.load(${entry}, ${16 * index})`;
  return `placedHalf4(v128.load16x4_s(${entry}, ${8 * index}), mask)`;
}

export const ZERO = 'f32x4.splat(0)';
