/** A template as a syntax tree. `at` is a node's offset in the source, UTF-16. */
export type Expression = { readonly at: number } & (
  | { readonly kind: 'constant'; readonly value: string | number | boolean | null }
  | { readonly kind: 'float'; readonly value: number }
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'list' | 'tuple' | 'concat'; readonly items: readonly Expression[] }
  | { readonly kind: 'dict'; readonly entries: readonly (readonly [Expression, Expression])[] }
  | { readonly kind: 'attribute'; readonly object: Expression; readonly name: string }
  | { readonly kind: 'item'; readonly object: Expression; readonly key: Expression }
  | { readonly kind: 'slice'; readonly object: Expression; readonly parts: readonly (Expression | null)[] }
  | Call
  | { readonly kind: 'filter'; readonly value: Expression; readonly name: string; readonly call: Arguments }
  | {
      readonly kind: 'test';
      readonly value: Expression;
      readonly name: string;
      readonly call: Arguments;
      readonly negated: boolean;
    }
  | { readonly kind: 'unary'; readonly operator: 'not' | '-' | '+'; readonly operand: Expression }
  | { readonly kind: 'binary'; readonly operator: string; readonly left: Expression; readonly right: Expression }
  | { readonly kind: 'logic'; readonly operator: 'and' | 'or'; readonly left: Expression; readonly right: Expression }
  | { readonly kind: 'compare'; readonly first: Expression; readonly rest: readonly (readonly [string, Expression])[] }
  | { readonly kind: 'condition'; readonly test: Expression; readonly yes: Expression; readonly no: Expression | null }
);

export interface Call {
  readonly kind: 'call';
  readonly at: number;
  readonly callee: Expression;
  readonly call: Arguments;
}

export interface Arguments {
  readonly positional: readonly Expression[];
  readonly keywords: readonly (readonly [string, Expression])[];
  /** `*list` and `**dict`. */
  readonly spread: Expression | null;
  readonly spreadKeywords: Expression | null;
}

export type Target =
  | { readonly kind: 'name'; readonly name: string; readonly at: number }
  | { readonly kind: 'attribute'; readonly object: string; readonly name: string; readonly at: number }
  | { readonly kind: 'tuple'; readonly targets: readonly Target[]; readonly at: number };

export interface Parameter {
  readonly name: string;
  readonly fallback: Expression | null;
}

/** A filter of a block: `{% filter upper %}`, `{% set x | trim %}`. */
export interface BlockFilter {
  readonly at: number;
  readonly name: string;
  readonly call: Arguments;
}

export type Body = readonly Statement[];

export interface Callable {
  readonly parameters: readonly Parameter[];
  /** Which of `varargs` and `kwargs` the body uses. */
  readonly extras: ReadonlySet<string>;
  readonly body: Body;
}

export type Statement = { readonly at: number } & (
  | { readonly kind: 'data'; readonly text: string }
  | { readonly kind: 'output'; readonly value: Expression }
  | {
      readonly kind: 'if';
      readonly branches: readonly { readonly test: Expression; readonly body: Body }[];
      readonly otherwise: Body;
    }
  | {
      readonly kind: 'for';
      readonly target: Target;
      readonly items: Expression;
      readonly test: Expression | null;
      readonly recursive: boolean;
      readonly body: Body;
      readonly otherwise: Body;
    }
  | { readonly kind: 'set'; readonly target: Target; readonly value: Expression }
  | {
      readonly kind: 'set_block';
      readonly target: Target;
      readonly filters: readonly BlockFilter[];
      readonly body: Body;
    }
  | { readonly kind: 'with'; readonly bindings: readonly (readonly [Target, Expression])[]; readonly body: Body }
  | { readonly kind: 'filter_block'; readonly filters: readonly BlockFilter[]; readonly body: Body }
  | ({ readonly kind: 'macro'; readonly name: string } & Callable)
  | ({ readonly kind: 'call_block'; readonly call: Call } & Callable)
  /** A block, which other programs can override; it renders its body. */
  | { readonly kind: 'block'; readonly body: Body }
  | { readonly kind: 'break' | 'continue' }
);
