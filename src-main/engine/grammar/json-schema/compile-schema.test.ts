import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkGrammar } from '../compile-grammar.ts';
import { allows, matcherOf, randomText } from '../test-support/random-texts.ts';

function validator(schema: object | boolean) {
  const ajv = new Ajv2020({ strict: false });
  addFormats.default(ajv);
  return ajv.compile(schema);
}

function matcher(schema: object | boolean) {
  return matcherOf({ kind: 'json_schema', source: JSON.stringify(schema) });
}

/** In the full run, as often as other properties. */
const RUNS = process.env.TOKENSCOPE_TEST_FULL === '1' ? {} : { numRuns: 40 };

/** Every random derivation is valid JSON of the schema, for any budget. */
function expectValid(schema: object | boolean, budget = 120): void {
  const grammar = matcher(schema);
  const validate = validator(schema);
  const least = grammar.tokensToEnd(grammar.start);
  fc.assert(
    fc.property(fc.infiniteStream(fc.double({ min: 0, max: 0.999, noNaN: true })), fc.nat(budget), (stream, room) => {
      const written = randomText(grammar, least + room, () => stream.next().value!);
      const value: unknown = JSON.parse(written);
      if (!validate(value)) throw new Error(`${written}: ${JSON.stringify(validate.errors)}`);
    }),
    RUNS,
  );
}

const PERSON = {
  type: 'object',
  properties: {
    name: { type: 'string', minLength: 1, maxLength: 20 },
    age: { type: 'integer', minimum: 0, maximum: 130 },
    email: { type: ['string', 'null'] },
    tags: { type: 'array', items: { enum: ['a', 'b', 3, null, { x: [1] }] }, minItems: 1, maxItems: 4 },
  },
  required: ['name', 'tags'],
};

const TREE = {
  $ref: '#/$defs/node',
  $defs: {
    node: {
      type: 'object',
      properties: { value: { type: 'number' }, children: { type: 'array', items: { $ref: '#/$defs/node' } } },
      required: ['value'],
    },
  },
};

const VALID: [string, object | boolean][] = [
  ['an object with optional properties', PERSON],
  ['a schema that contains itself', TREE],
  ['any value', true],
  ['any value, said without a word', {}],
  ['an open object', { type: 'object' }],
  [
    'other properties',
    { properties: { ab: { type: 'string' }, abc: false }, additionalProperties: { type: 'integer' } },
  ],
  ['a map with bounds', { type: 'object', additionalProperties: { type: 'null' }, minProperties: 1 }],
  ['required properties that are not listed', { required: ['a', '"'] }],
  ['a tuple', { prefixItems: [{ type: 'string' }, { const: 5 }], items: false, minItems: 1 }],
  ['a tuple with a tail', { prefixItems: [{ type: 'null' }], items: { type: 'boolean' }, minItems: 3, maxItems: 5 }],
  ['an array of a number of items', { type: 'array', items: { type: 'null' }, minItems: 2, maxItems: 2 }],
  ['an empty array', { type: 'array', maxItems: 0 }],
  [
    'all of two',
    { allOf: [{ properties: { a: { minimum: 3 } } }, { properties: { a: { type: 'integer', maximum: 12 } } }] },
  ],
  [
    'all of, with alternatives',
    { type: 'integer', minimum: -20, anyOf: [{ maximum: -5 }, { exclusiveMinimum: 95, maximum: 103 }] },
  ],
  [
    'one of',
    { oneOf: [{ type: 'string', maxLength: 2 }, { type: 'boolean' }, { type: 'array', items: { type: 'null' } }] },
  ],
  [
    'one of objects told apart by a value, a property or what must be there',
    {
      oneOf: [
        { type: 'object', properties: { kind: { const: 'a' }, x: { type: 'integer' } }, required: ['kind'] },
        { type: 'object', properties: { kind: { enum: ['b', 'c'] } }, required: ['kind'], additionalProperties: false },
        { type: 'object', properties: { other: { type: 'null' } }, required: ['other'] },
        { type: 'integer', maximum: 3 },
        { type: 'number', minimum: 3, exclusiveMinimum: 3 },
        { const: 'x' },
        { type: 'string', minLength: 2, maxLength: 4 },
        { type: 'array', items: { type: 'null' } },
      ],
    },
  ],
  [
    'a tree told apart by its types',
    { oneOf: [{ type: 'null' }, { type: 'object', properties: { next: { $ref: '#' } } }] },
  ],
  ['a reference beside keywords', { $ref: '#/$defs/n', maximum: 7, $defs: { n: { type: 'integer', minimum: 5 } } }],
  ['a reference with an escape', { $ref: '#/$defs/a~1b%20c', $defs: { 'a/b c': { const: 'x"y\\z\n' } } }],
  ['values of types', { enum: ['a', 1, 1.5, null, [], {}], type: ['integer', 'array'] }],
  ['a pattern', { type: 'string', pattern: '^(?:[A-Z]{2,3}-\\d+|"x\\\\y"|[^a-y\\n]z?)$' }],
  ['a pattern without anchors', { type: 'string', pattern: 'b+|^c' }],
  ['a date', { type: 'string', format: 'date' }],
  ['a time', { type: 'string', format: 'time' }],
  ['a date and a time', { type: 'string', format: 'date-time' }],
  ['a UUID', { type: 'string', format: 'uuid' }],
  ['numbers', { type: 'number' }],
  ['numbers of a range', { type: 'number', minimum: -1.25, exclusiveMaximum: 3.5 }],
  ['numbers above', { type: 'number', exclusiveMinimum: 0.5 }],
  ['numbers below', { type: 'number', maximum: -0.75 }],
  ['numbers in a narrow range', { type: 'number', exclusiveMinimum: 2.125, maximum: 2.13 }],
  ['numbers around zero', { type: 'number', minimum: -0.5, maximum: 0.5 }],
  ['integers of a range', { type: 'integer', exclusiveMinimum: -105, exclusiveMaximum: 1998 }],
  ['integers above', { type: 'integer', minimum: 987 }],
];

describe('a JSON schema', () => {
  it.each(VALID)('generates only valid JSON: %s', (_name, schema) => expectValid(schema));

  it.each<[object, unknown[], string[]]>([
    [
      PERSON,
      [
        { name: 'x', tags: ['a'] },
        { name: 'x', age: 130, email: null, tags: ['b', 3] },
      ],
      ['{}', '{"name":"","tags":["a"]}'],
    ],
    [TREE, [{ value: -1.5e3, children: [{ value: 0, children: [] }] }], ['{"value":01}', '{"children":[]}']],
    [{ type: 'string', minLength: 1, maxLength: 2 }, ['a', '"\\', '😀é', '\n'], ['""', '"abc"', '"\\ud800"', '"\t"']],
    [{ type: 'string', pattern: 'a.c$' }, ['abc', 'xxa c'], ['"abcd"', '"ac"']],
    [
      { additionalProperties: { type: 'null' }, properties: { id: true } },
      [{ id: 1, idx: null, i: null, '': null }],
      ['{"ix":1}', '{"id":1,"id":2}'],
    ],
    [{ items: [{ const: 3 }, { type: 'null' }], additionalItems: false }, [[3, null], [3], []], ['[3,null,1]', '[1]']],
    [{ items: { type: 'string' }, additionalItems: false }, [[], ['a', 'b']], ['[1]']],
    [{ additionalItems: false, type: 'array' }, [[1]], []],
    [{ additionalItems: false, items: [{ const: 3 }] }, [[3], []], ['[3,1]']],
    [{ const: 'a', enum: ['a', 'b'] }, ['a'], ['"b"']],
    [{ enum: ['a', 3, null], const: 3 }, [3], ['"a"', 'null']],
    [{ type: 'object', minProperties: 1, maxProperties: 2 }, [{ a: 1 }, { a: 1, b: 2 }], ['{}', '{"a":1,"b":2,"c":3}']],
    [{ format: 'date' }, ['2024-02-29', '2000-02-29', '1999-12-31'], ['"2023-02-29"', '"1900-02-29"', '"2024-04-31"']],
  ])('allows exactly what is valid: %j', (schema, valid, invalid) => {
    const grammar = matcher(schema);
    for (const value of valid) {
      expect(allows(grammar, JSON.stringify(value)), JSON.stringify(value)).toBe(true);
      expect(allows(grammar, JSON.stringify(value, null, 2)), 'indented').toBe(true);
    }
    for (const written of invalid) expect(allows(grammar, written), written).toBe(false);
  });

  it.each<[string, string[], string[]]>([
    ['{"const": 12345678901234567890}', ['12345678901234567890'], ['12345678901234567000', '12345678901234567168']],
    ['{"enum": [9007199254740993, {"a": [0.1234567890123456789]}]}', ['9007199254740993', '{"a":[0.1234567890123456789]}'], ['9007199254740992']], // prettier-ignore
    ['{"const": 1e400}', ['1e400'], ['null']],
    ['{"enum": [-1E400, 1e-400], "type": "integer"}', ['-1E400'], ['1e-400', '0']],
    ['{"enum": [1.0, 1e2, 0.10, -0, 1e21]}', ['1', '100', '0.1', '0', '1e+21'], ['1.0', '1e2', '0.10', '-0']],
    ['{"enum": [9007199254740993, 2.50, 0e5], "allOf": [{"enum": [9007199254740992, 25e-1, 0]}]}', ['2.5', '0'], ['9007199254740993', '9007199254740992']], // prettier-ignore
    ['{"enum": [10e399, 1], "const": 1e400}', ['10e399'], ['1']],
  ])('writes the exact numbers of %s', (source, valid, invalid) => {
    const grammar = matcherOf({ kind: 'json_schema', source });
    for (const written of valid) expect(allows(grammar, written), written).toBe(true);
    for (const written of invalid) expect(allows(grammar, written), written).toBe(false);
  });

  it('generates exactly the numbers of a range', () => {
    const bound = fc.integer({ min: -3000, max: 3000 });
    const decimal = fc.tuple(bound, fc.constantFrom(1, 10, 100)).map(([n, by]) => n / by);
    const range = fc.record({ a: decimal, b: decimal, x: fc.boolean(), y: fc.boolean(), value: decimal });
    fc.assert(
      fc.property(range, fc.constantFrom('number', 'integer'), ({ a, b, x, y, value }, type) => {
        const [low, high] = [Math.min(a, b), Math.max(a, b)];
        const schema = {
          type,
          [x ? 'exclusiveMinimum' : 'minimum']: low,
          [y ? 'exclusiveMaximum' : 'maximum']: high,
        };
        const source = JSON.stringify(schema);
        const isEmpty = checkGrammar({ kind: 'json_schema', source }) !== null;
        const grammar = isEmpty ? null : matcher(schema);
        const isValid = validator(schema);
        for (const number of [value, low, high, Math.round(low), (low + high) / 2]) {
          const written = String(number);
          if (!/^-?\d+(\.\d{1,6})?$/.test(written) || Object.is(number, -0)) continue;
          const allowed = grammar !== null && allows(grammar, written);
          expect(allowed, `${written} in ${source}`).toBe(isValid(number));
        }
      }),
    );
  });

  it.each<[string, string, string]>([
    ['', '1:1', 'ends too early'],
    ['{"type": "string"', '1:1', 'brace is not closed'],
    ['{\n  "type": "strin"\n}', '2:11', '"type" must be one of'],
    ['{"properties": {"a": {"type": "string", "typo": 1}}}', '1:41', 'keyword "typo"'],
    ['{"not": {}}', '1:2', 'keyword "not"'],
    ['{"type": "array", "uniqueItems": true}', '1:19', 'uniqueItems'],
    ['{"type": "object", "patternProperties": {}}', '1:20', 'patternProperties'],
    ['{"multipleOf": 2}', '1:2', 'multipleOf'],
    ['{"format": "email"}', '1:12', 'email'],
    ['{"pattern": "(?=a)"}', '1:13', 'cannot have lookahead or lookbehind (at character 1)'],
    ['{"pattern": "a\\\\1"}', '1:13', 'cannot have \\1'],
    ['{"pattern": "a", "maxLength": 3}', '1:1', 'cannot be combined'],
    ['{"$ref": "#/$defs/none"}', '1:10', 'nothing at "#/$defs/none"'],
    ['{"$ref": "https://a.example/b"}', '1:10', 'must start with #/'],
    ['{"$ref": "#"}', '1:1', 'never ends'],
    ['{"anyOf": [{"type": "null"}, {"$ref": "#"}]}', '1:1', 'refers to itself'],
    ['{"anyOf": [{"$ref": "#"}, {"minimum": 3}], "type": "number"}', '1:1', 'refers to itself'],
    ['{"properties": {"next": {"$ref": "#"}}, "required": ["next"]}', '1:1', 'never ends'],
    ['{"type": "integer", "minimum": 5, "maximum": 4}', '1:1', 'No value can match'],
    ['{"allOf": [{"type": "string"}, {"type": "null"}]}', '1:1', 'No value can match'],
    ['{"type": "string", "maxLength": 100000}', '1:1', 'at most 10000'],
    ['{"type": "string", "minLength": 5, "maxLength": 4}', '1:1', 'below its minimum'],
    ['{"oneOf": [{"type": "number"}, {"type": "integer"}]}', '1:32', 'Options 1 and 2 of "oneOf" could both match'],
    ['{"oneOf": [{"const": 1}, {"type": "null"}, {"enum": [2, 1]}]}', '1:44', 'Options 1 and 3'],
    ['{"oneOf": [{"properties": {"a": {}}}, {"properties": {"b": {}}}]}', '1:39', 'could both match'],
    ['{"type": "string", "oneOf": [{"pattern": "a"}, {"format": "date"}]}', '1:48', 'could both match'],
    ['{"oneOf": [{"required": ["a"]}, {"type": "null"}]}', '1:33', 'Options 1 and 2'],
    ['{"enum": []}', '1:10', 'at least one entry'],
    ['{"enum": ["a", "b"], "const": "c"}', '1:1', 'No value can match'],
    ['{"type": "object", "minProperties": 2}', '1:20', '"minProperties" above 1 cannot be enforced'],
    ['{"minProperties": 3, "properties": {"a": false}, "additionalProperties": true}', '1:2', 'cannot be enforced'],
    ['{"a": 1, "a": 2}', '1:10', 'twice'],
    ['[]', '1:1', 'must be an object'],
    ['false', '1:1', 'No value can match'],
    ['{"minimum": 1e-9}', '1:13', 'minimum'],
  ])('is refused with its position: %s', (source, place, message) => {
    const problem = checkGrammar({ kind: 'json_schema', source });
    expect(problem?.message).toContain(message);
    expect(`${problem?.line}:${problem?.column}`).toBe(place);
  });

  it('accepts a "oneOf" only if exactly one option can match', () => {
    const small = fc.integer({ min: 0, max: 4 });
    const value = fc.constantFrom<unknown>('a', 'bcd', 0, 2, 2.5, true, null, []);
    const leaf = fc.oneof(
      fc.record({ const: value }),
      fc.record({ enum: fc.uniqueArray(value, { minLength: 1, maxLength: 3 }) }),
      fc.record({ const: value, enum: fc.uniqueArray(value, { minLength: 1, maxLength: 6 }) }),
      fc.record({ type: fc.constantFrom('integer', 'number'), minimum: small, maximum: small }),
      fc.record({ type: fc.constant('string'), minLength: small, maxLength: small }),
      fc.record({ type: fc.uniqueArray(fc.constantFrom('null', 'boolean', 'integer', 'string'), { minLength: 1 }) }),
      fc.record({ type: fc.constant('array'), minItems: small, maxItems: small, items: fc.constant({ type: 'null' }) }),
    );
    const name = fc.constantFrom('a', 'b', 'kind');
    const object = fc.record(
      {
        type: fc.constant('object'),
        properties: fc.dictionary(name, leaf, { maxKeys: 2 }),
        required: fc.uniqueArray(name, { maxLength: 2 }),
        additionalProperties: fc.constantFrom<unknown>(false, { type: 'null' }),
      },
      { requiredKeys: ['properties'] },
    );
    const options = fc.array(fc.oneof(leaf, object), { minLength: 2, maxLength: 3 });
    fc.assert(
      fc.property(options, fc.infiniteStream(fc.double({ min: 0, max: 0.999, noNaN: true })), (oneOf, stream) => {
        fc.pre(checkGrammar({ kind: 'json_schema', source: JSON.stringify({ oneOf }) }) === null);
        const grammar = matcher({ oneOf });
        const validate = validator({ oneOf });
        for (let i = 0; i < 10; i++) {
          const written = randomText(grammar, grammar.tokensToEnd(grammar.start) + 20, () => stream.next().value!);
          if (!validate(JSON.parse(written))) throw new Error(`${written}: ${JSON.stringify(validate.errors)}`);
        }
      }),
      RUNS,
    );
  });

  it('never crashes, for any source', () => {
    const keyword = fc.constantFrom(
      'type',
      'properties',
      'items',
      'anyOf',
      'allOf',
      'enum',
      '$ref',
      'pattern',
      'minimum',
      'required',
      'const',
      'prefixItems',
      'additionalProperties',
      'maxLength',
    );
    const { schema } = fc.letrec((tie) => ({
      schema: fc.oneof(
        { depthSize: 'small' },
        fc.constantFrom<unknown>(
          'string',
          'object',
          'array',
          'integer',
          '#',
          '#/items',
          3,
          -1,
          true,
          false,
          null,
          '^a+$',
          '[',
          '(b|c)*',
        ),
        fc.array(tie('schema'), { maxLength: 3 }),
        fc.dictionary(keyword, tie('schema'), { maxKeys: 4 }),
      ),
    }));
    fc.assert(
      fc.property(schema, (value) => {
        const problem = checkGrammar({ kind: 'json_schema', source: JSON.stringify(value) });
        if (problem !== null) expect(problem.line).toBe(1);
      }),
      { numRuns: 500 },
    );
    fc.assert(fc.property(fc.string(), (source) => void checkGrammar({ kind: 'json_schema', source })));
  });
});
