/** Small schemas that are expensive: each is compiled, or refused with its position, within a second on our machines. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cpuMs, SLOWEST_MACHINE } from '../../test-support/cpu-time.ts';
import type { SourceProblem } from '../../api/types.ts';
import { checkGrammar } from '../compile-grammar.ts';

const WITHIN_MS = 1000 * SLOWEST_MACHINE;

function check(schema: unknown): { problem: SourceProblem | null; ms: number } {
  let problem: SourceProblem | null = null;
  const source = JSON.stringify(schema);
  expect(source.length).toBeLessThanOrEqual(256 * 1024);
  const sample = () => cpuMs(() => (problem = checkGrammar({ kind: 'json_schema', source })));
  let ms = sample();
  // The process's other threads count too, and share its caches.
  for (let more = 0; more < 2 && ms >= WITHIN_MS; more++) ms = Math.min(ms, sample());
  return { problem, ms };
}

/** `levels` definitions, each built from the next one; `last` ends the chain. */
function chain(levels: number, link: (next: { $ref: string }, level: number) => unknown, last: unknown = {}): unknown {
  const $defs: Record<string, unknown> = { [`d${levels}`]: last };
  for (let i = 0; i < levels; i++) $defs[`d${i}`] = link({ $ref: `#/$defs/d${i + 1}` }, i);
  return { $ref: '#/$defs/d0', $defs };
}

/** Needs subset construction, as for an automaton for "the n-th letter from the end is an a". */
function nthFromEnd(n: number): unknown {
  const ref = (i: number) => ({ $ref: `#/$defs/s${i}` });
  const $defs: Record<string, unknown> = {};
  for (let i = 0; i < n; i++) {
    const next = i === n - 1 ? {} : ref(i + 1);
    const properties = i === 0 ? { a: { allOf: [ref(0), ref(1)] }, b: ref(0) } : { a: next, b: next };
    $defs[`s${i}`] = { type: 'object', properties };
  }
  return { ...ref(0), $defs };
}

const COMPILED: readonly (readonly [string, unknown])[] = [
  ['30 levels of a doubled allOf', chain(30, (next) => ({ allOf: [next, next] }))],
  [
    '30 levels of a doubled allOf with properties',
    chain(30, (next) => ({ allOf: [next, next] }), { type: 'object', properties: { a: { type: 'string' } } }),
  ],
  [
    '30 levels of a doubled allOf with items',
    chain(30, (next) => ({ allOf: [next, next] }), { type: 'array', items: { type: 'string' } }),
  ],
  ['2,000 levels of properties', chain(2000, (next) => ({ type: 'object', properties: { a: next } }))],
  ['2,000 levels of references', chain(2000, (next) => next, { type: 'string' })],
  ['2,000 levels of anyOf', chain(2000, (next) => ({ anyOf: [next, { type: 'null' }] }), { type: 'string' })],
  ['subsets of 10 schemas', nthFromEnd(10)],
  ['10,000 values', { enum: Array.from({ length: 10_000 }, (_, i) => i) }],
];

const REFUSED: readonly (readonly [string, unknown, RegExp])[] = [
  [
    '30 levels of a doubled anyOf that must hold together',
    chain(30, (next) => ({ allOf: [{ anyOf: [next, { type: 'null' }] }, { anyOf: [next, { type: 'null' }] }] })),
    /more than 200 alternatives/,
  ],
  [
    'references deeper than the stack that must hold together',
    chain(4000, (next) => ({ allOf: [next], type: 'object' })),
    /more than 200 deep/,
  ],
  ['subsets of 30 schemas', nthFromEnd(30), /too complex/],
  [
    'one choice of many thousand',
    { type: 'object', properties: { a: { anyOf: Array.from({ length: 60_000 }, () => ({})) } } },
    /more than 200 alternatives/,
  ],
  ['many thousand together', { allOf: Array.from({ length: 60_000 }, () => ({})), type: 'string' }, /./],
  [
    'many options, each to be told from all others',
    { oneOf: Array.from({ length: 6000 }, (_, i) => ({ const: i })) },
    /too complex/,
  ],
  [
    'many values, to be told from many others',
    {
      oneOf: [
        { enum: Array.from({ length: 15_000 }, (_, i) => i) },
        { enum: Array.from({ length: 15_000 }, (_, i) => -1 - i) },
      ],
    },
    /too complex/,
  ],
  [
    'many copies of a long text',
    {
      anyOf: Array.from({ length: 2000 }, () => ({ allOf: [{ $ref: '#/$defs/long' }, {}] })),
      $defs: { long: { const: 'x'.repeat(100_000) } },
    },
    /too complex/,
  ],
  [
    'a name of many thousand characters',
    { type: 'object', properties: { ['n'.repeat(100_000)]: {} }, additionalProperties: true },
    /name of more than 256 characters/,
  ],
  ['a pattern of many thousand characters', { type: 'string', pattern: 'a'.repeat(100_000) }, /longer than 4096/],
  [
    'many long patterns',
    { anyOf: Array.from({ length: 60 }, (_, i) => ({ type: 'string', pattern: '[^ab]'.repeat(800) + String(i) })) },
    /./,
  ],
];

describe('an expensive schema', () => {
  it.each(COMPILED)('is compiled: %s', (_, schema) => {
    const { problem, ms } = check(schema);
    expect(problem).toBeNull();
    expect(ms).toBeLessThan(WITHIN_MS);
  });

  it.each(REFUSED)('is refused: %s', (_, schema, message) => {
    const { problem, ms } = check(schema);
    if (message.source !== '.') {
      expect(problem?.message).toMatch(message);
      expect(problem?.line).toBe(1);
    }
    expect(ms).toBeLessThan(WITHIN_MS);
  });

  it('stays within the limit for any references between definitions', () => {
    const COUNT = 12;
    const ref = fc.nat(COUNT - 1).map((i) => ({ $ref: `#/$defs/d${i}` }));
    const refs = fc.array(ref, { minLength: 1, maxLength: 4 });
    const definition = fc.oneof(
      fc.record({ allOf: refs }),
      fc.record({ anyOf: refs }),
      fc.record({ oneOf: refs }),
      fc.record({
        properties: fc.dictionary(fc.constantFrom('a', 'b', 'c'), fc.oneof(ref, fc.record({ allOf: refs }))),
      }),
      fc.record({ items: ref, allOf: refs }),
      fc.record({ prefixItems: refs, items: fc.record({ allOf: refs }) }),
      fc.record({ additionalProperties: fc.record({ allOf: refs }), required: fc.constant(['a']) }),
      fc.constantFrom<object>({ type: 'string' }, { type: 'object' }, { type: ['array', 'null'] }, {}),
    );
    fc.assert(
      fc.property(fc.array(definition, { minLength: COUNT, maxLength: COUNT }), (definitions) => {
        const $defs = Object.fromEntries(definitions.map((each, i) => [`d${i}`, each]));
        expect(check({ $ref: '#/$defs/d0', $defs }).ms).toBeLessThan(WITHIN_MS);
      }),
      // Shrinking a slow one would exceed the time limit of the test.
      { endOnFailure: true },
    );
  });
});
