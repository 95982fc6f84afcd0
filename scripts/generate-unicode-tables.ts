/**
 * Writes the tables of src-main/engine/tokenizer/unicode/ from the Unicode data of the current Node, which must have
 * Unicode 17.0:
 *
 *     node --import tsx scripts/generate-unicode-tables.ts
 *
 * The tables are committed, so that a text has the same token ids in every host, whatever Unicode version that host has.
 * They use the versions of Hugging Face's tokenizers 0.23:
 * 16.0 for regular expressions, 17.0 for lower case, 9.0 for normalisation forms, 8.0 for BERT's punctuation, control
 * characters and accents.
 */
import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { assignedBy8, assignedBy9, newIn17 } from './lib/unicode-ages.ts';
import {
  canonicalDecompositions,
  combiningRanks,
  compatibilityDecompositions,
  compositions,
  gapsOf,
} from './lib/unicode-forms.ts';
import { SCRIPTS } from './lib/unicode-scripts.ts';

if (process.versions.unicode !== '17.0') {
  throw new Error(`This Node knows Unicode ${process.versions.unicode}; the tables need 17.0.`);
}

const GENERAL_CATEGORIES = (
  'Lu Ll Lt Lm Lo Mn Mc Me Nd Nl No Pc Pd Ps Pe Pi Pf Po ' + 'Sm Sc Sk So Zs Zl Zp Cc Cf Cs Co Cn'
).split(' ');
const CODE_POINTS = 0x110000;
const LINE = 110;

/** Finds which of several properties a code point has; every code point has exactly one. */
function classifier(names: readonly string[], property: string): (codePoint: number) => string {
  const tests = names.map((name) => ({ name, pattern: new RegExp(`^\\p{${property}=${name}}$`, 'u') }));
  return (codePoint) => {
    const text = String.fromCodePoint(codePoint);
    const found = tests.find((test) => test.pattern.test(text));
    if (!found) throw new Error(`U+${codePoint.toString(16)} has no ${property}`);
    // Neighbours usually share theirs: trying the last one first is fast.
    tests.splice(tests.indexOf(found), 1);
    tests.unshift(found);
    return found.name;
  };
}

/** From U+0000 on: name, separator and length of each run, in base 36. */
function runs(classOf: (codePoint: number) => string, separator = ''): string {
  const found: { name: string; length: number }[] = [];
  for (let codePoint = 0; codePoint < CODE_POINTS; codePoint++) {
    const name = classOf(codePoint);
    const last = found.at(-1);
    if (last?.name === name) last.length++;
    else found.push({ name, length: 1 });
  }
  return found.map((run) => run.name + separator + run.length.toString(36)).join(' ');
}

const category = classifier(GENERAL_CATEGORIES, 'General_Category');

/** In Unicode 16.0. U+0295 became a letter without case in 17.0. */
function category16(codePoint: number): string {
  if (newIn17(codePoint)) return 'Cn';
  return codePoint === 0x295 ? 'Ll' : category(codePoint);
}

const script = classifier([...SCRIPTS, 'Unknown'], 'Script');

function script16(codePoint: number): string {
  const name = newIn17(codePoint) ? 'Unknown' : script(codePoint);
  return name === 'Unknown' ? '' : SCRIPTS.indexOf(name).toString(36);
}

function rangesWhere(test: (codePoint: number) => boolean): string {
  const found: number[] = [];
  for (let codePoint = 0; codePoint < CODE_POINTS; codePoint++) if (test(codePoint)) found.push(codePoint);
  return gapsOf(found);
}

const matching = (pattern: RegExp) => (codePoint: number) => pattern.test(String.fromCodePoint(codePoint));
const known16 = (pattern: RegExp) => (codePoint: number) => !newIn17(codePoint) && matching(pattern)(codePoint);

/** The set of `pattern` in an older version: the code points of that time, except those whose category has changed. */
function olderSet(
  pattern: RegExp,
  assigned: (codePoint: number) => boolean,
  { plus = [], minus = [] }: { plus?: number[]; minus?: number[] },
): string {
  const matches = matching(pattern);
  return rangesWhere((c) => plus.includes(c) || (assigned(c) && matches(c) && !minus.includes(c)));
}

/** Code points whose lower case differs, each with its lower case. */
function lowerCase(): string {
  const words: string[] = [];
  let next = 0;
  for (let codePoint = 0; codePoint < CODE_POINTS; codePoint++) {
    const text = String.fromCodePoint(codePoint);
    const lower = text.toLowerCase();
    if (lower === text) continue;
    const target = [...lower].map((c) => (c.codePointAt(0) ?? 0).toString(36)).join('.');
    words.push(`${(codePoint - next).toString(36)}:${target}`);
    next = codePoint + 1;
  }
  return words.join(' ');
}

function literal(name: string, comment: string, text: string): string {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line.length + word.length + 1 > LINE) {
      lines.push(line);
      line = '';
    }
    line += line === '' ? word : ` ${word}`;
  }
  lines.push(line);
  const value = lines.length === 1 ? `'${line}'` : `[\n${lines.map((l) => `  '${l}',`).join('\n')}\n].join(' ')`;
  return `/** ${comment} */\nexport const ${name} = ${value};\n`;
}

function write(file: string, reader: string, parts: readonly string[]): void {
  const source = `/**
 * Written by scripts/generate-unicode-tables.ts; do not edit. \`${reader}\` reads it.
 * From the Unicode Character Database (https://www.unicode.org/license.txt).
 */
${parts.join('\n')}`;
  writeFileSync(resolve(import.meta.dirname, '../src-main/engine/tokenizer/unicode', file), source);
  console.log(`${file}: ${source.length} bytes`);
}

const GAPS = 'gap and length in turn, in base 36';

write('tables.ts', 'sets.ts', [
  `/** Of every table here that does not say otherwise. */\nexport const UNICODE_VERSION = '16.0';\n`,
  literal('GENERAL_CATEGORY_RUNS', 'From U+0000 on: general category and run length in base 36.', runs(category16)),
  literal(
    'ALPHABETIC_SYMBOLS',
    `Code points that are Alphabetic but neither letters, letter numbers nor marks: ${GAPS}.`,
    rangesWhere(known16(/^(?=\p{Alphabetic})[^\p{L}\p{Nl}\p{M}]$/u)),
  ),
  literal(
    'MARKS_NOT_ALPHABETIC',
    `Marks that are not Alphabetic: ${GAPS}.`,
    rangesWhere(known16(/^(?!\p{Alphabetic})\p{M}$/u)),
  ),
  literal('WHITE_SPACE', `White_Space: ${GAPS}.`, rangesWhere(matching(/^\p{White_Space}$/u))),
  literal(
    'OTHER_LOWERCASE',
    `Lowercase without being a lowercase letter: ${GAPS}.`,
    rangesWhere(known16(/^(?=\p{Lowercase})\P{Ll}$/u)),
  ),
  literal(
    'OTHER_UPPERCASE',
    `Uppercase without being an uppercase letter: ${GAPS}.`,
    rangesWhere(known16(/^(?=\p{Uppercase})\P{Lu}$/u)),
  ),
  literal(
    'BERT_PUNCTUATION',
    `Punctuation in Unicode 8.0: ${GAPS}.`,
    olderSet(/^\p{P}$/u, assignedBy8, { plus: [0x166d, 0x111c9] }),
  ),
  literal(
    'BERT_CONTROLS',
    `Control, format and private use in Unicode 8.0: ${GAPS}.`,
    olderSet(/^[\p{Cc}\p{Cf}\p{Co}]$/u, assignedBy8, {}),
  ),
  literal(
    'BERT_ACCENTS',
    `Nonspacing marks in Unicode 8.0: ${GAPS}.`,
    olderSet(/^\p{Mn}$/u, assignedBy8, { plus: [0x1734, 0x1171e], minus: [0x1885, 0x1886, 0xa9bd, 0x111c9] }),
  ),
  literal(
    'MARKS_9',
    `Marks in Unicode 9.0: ${GAPS}.`,
    olderSet(/^\p{M}$/u, assignedBy9, { plus: [0x1cf2, 0x1cf3], minus: [0x111c9] }),
  ),
]);

write('scripts.ts', 'sets.ts', [
  literal('SCRIPT_NAMES', 'Names of scripts, in the order of their numbers.', SCRIPTS.join(' ')),
  literal(
    'SCRIPT_RUNS',
    'From U+0000 on: number of the script, nothing for none, and run length, in base 36.',
    runs(script16, '.'),
  ),
]);

write('decompositions.ts', 'normalize.ts', [
  literal(
    'CANONICAL',
    'Canonical decompositions of Unicode 9.0: gap, `*` and length of a run, `:` and what its first becomes; base 36.',
    canonicalDecompositions(),
  ),
  literal('COMPATIBILITY', 'Compatibility decompositions where they differ, likewise.', compatibilityDecompositions()),
]);

write('compositions.ts', 'normalize.ts', [
  literal('COMPOSITIONS', 'Pairs that compose: gap to what they become, `:` and the two; base 36.', compositions()),
  literal(
    'COMBINING_RANKS',
    `Marks in the order in which they are sorted, one rank after another: ${GAPS}.`,
    combiningRanks(),
  ),
]);

write('lower-case.ts', 'normalize.ts', [
  literal('LOWER_CASE', 'Lower case in Unicode 17.0: gap, `:` and the lower case; base 36.', lowerCase()),
]);
