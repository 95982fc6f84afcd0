/**
 * Measures the cost of a grammar per token: the mask over a whole vocabulary after every token of a text, first with
 * empty caches and then for other texts of the same grammar.
 *
 *     node --import tsx bench/grammar.ts [MODEL.gguf]
 *
 * Without a model: SmolLM2, if it was fetched (49,152 tokens). No weight is read. Prints Markdown.
 */
import { compileGrammar } from '../src-main/engine/grammar/compile-grammar.ts';
import { GrammarMatcher } from '../src-main/engine/grammar/grammar-matcher.ts';
import { grammarVocabulary } from '../src-main/engine/grammar/tokenizer-vocabulary.ts';
import { openModel } from '../src-main/engine/models/open-model.ts';
import { singleFile } from '../src-main/engine/test-support/test-model.ts';
import type { GrammarSource } from '../src-main/engine/api/types.ts';
import { cachedTestModel } from '../scripts/fetch-test-model.ts';

const LINES = { kind: 'gbnf', source: 'root ::= item+\nitem ::= "- " [^\\n]{1,80} "\\n"' } as const;
const ANY_JSON = { kind: 'json_schema', source: '{}' } as const;
const PERSON = {
  kind: 'json_schema',
  source: JSON.stringify({
    type: 'object',
    properties: {
      name: { type: 'string', maxLength: 60 },
      age: { type: 'integer', minimum: 0, maximum: 130 },
      address: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
      tags: { type: 'array', items: { type: 'string', minLength: 1, maxLength: 30 } },
    },
    required: ['name', 'age', 'tags'],
  }),
} as const;

const CASES: readonly (readonly [name: string, grammar: GrammarSource, texts: readonly string[]])[] = [
  ['any JSON', ANY_JSON, [person('Ada Lovelace', 36), person('Grace Hopper of the Navy', 85), person('Zoë', 7)]],
  [
    'a schema with lengths',
    PERSON,
    [person('Ada Lovelace', 36), person('Grace Hopper of the Navy', 85), person('Zoë', 7)],
  ],
  ['lines of a length', LINES, ['- milk and bread\n- eggs\n', '- something else entirely, much longer\n', '- tea\n']],
];

function person(name: string, age: number): string {
  return JSON.stringify({ name, age, address: { city: 'São Paulo' }, tags: ['first', 'of all the others'] });
}

const path = process.argv[2] ?? (await cachedTestModel());
if (path === null) throw new Error('Pass a GGUF file, or fetch the test model first.');
const takeWeights = () => Promise.resolve({ bytes: 0, get: () => neverRead() });
const { tokenizer, config } = await openModel(await singleFile(path), { contextSize: 16, takeWeights });

const startedAt = performance.now();
const vocabulary = grammarVocabulary(tokenizer, config.eosTokenIds);
console.log(`${config.name}: ${tokenizer.vocabularySize} tokens, trie built in ${ms(performance.now() - startedAt)}\n`);
console.log(
  '| grammar | compiling | first text, per token | other texts, per token | longest |\n| --- | --- | --- | --- | --- |',
);
for (const [name, grammar, texts] of CASES) {
  const compiledAt = performance.now();
  const matcher = new GrammarMatcher(compileGrammar(grammar), vocabulary);
  const compiling = performance.now() - compiledAt;
  const [first, ...others] = texts.map((text) => follow(matcher, text));
  const rest = others.flat();
  console.log(`| ${[name, ms(compiling), ms(mean(first)), ms(mean(rest)), ms(Math.max(...rest))].join(' | ')} |`);
}

/** @returns ms per token, mask and step together */
function follow(matcher: GrammarMatcher, text: string): number[] {
  let at = matcher.start;
  return tokenizer.encode(text, { addSpecial: false }).map((id) => {
    const since = performance.now();
    matcher.allowed(at, 1000);
    const next = matcher.accept(at, id);
    if (next === null) throw new Error(`The grammar refuses token ${id} of ${text}`);
    at = next;
    return performance.now() - since;
  });
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function ms(value: number): string {
  return `${value.toFixed(value < 10 ? 2 : 0)} ms`;
}

function neverRead(): never {
  throw new Error('No weight is needed here.');
}
