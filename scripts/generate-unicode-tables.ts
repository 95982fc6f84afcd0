/**
 * Writes src-main/engine/tokenizer/unicode/tables.ts from the Unicode data of the Node that runs it:
 *
 *     npx tsx scripts/generate-unicode-tables.ts
 *
 * The tables are committed, so that a text has the same token ids in every host, whatever Unicode version that host's own
 * regular expressions know.
 */
import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';

const GENERAL_CATEGORIES = (
  'Lu Ll Lt Lm Lo Mn Mc Me Nd Nl No Pc Pd Ps Pe Pi Pf Po ' + 'Sm Sc Sk So Zs Zl Zp Cc Cf Cs Co Cn'
).split(' ');
const CODE_POINTS = 0x110000;
const LINE = 110;

const tests = GENERAL_CATEGORIES.map((name) => ({ name, pattern: new RegExp(`^\\p{${name}}$`, 'u') }));

function categoryOf(codePoint: number): string {
  const text = String.fromCodePoint(codePoint);
  const found = tests.find((test) => test.pattern.test(text));
  if (!found) throw new Error(`U+${codePoint.toString(16)} has no general category`);
  // Most neighbours share their category: trying the last one first makes this quick.
  tests.splice(tests.indexOf(found), 1);
  tests.unshift(found);
  return found.name;
}

/** `Cc` + 32 code points, then `Zs` + 1, ... as `Ccw Zs1`, lengths in base 36. */
function generalCategoryRuns(): string {
  const runs: { name: string; length: number }[] = [];
  for (let codePoint = 0; codePoint < CODE_POINTS; codePoint++) {
    const name = categoryOf(codePoint);
    const last = runs.at(-1);
    if (last?.name === name) last.length++;
    else runs.push({ name, length: 1 });
  }
  return runs.map((run) => run.name + run.length.toString(36)).join(' ');
}

/** Gaps and lengths in turn, in base 36: skip 9, take 5, skip 18, ... */
function rangesOf(pattern: RegExp): string {
  const numbers: number[] = [];
  let previousEnd = 0;
  for (let codePoint = 0; codePoint < CODE_POINTS; codePoint++) {
    if (!pattern.test(String.fromCodePoint(codePoint))) continue;
    const start = codePoint;
    while (codePoint < CODE_POINTS && pattern.test(String.fromCodePoint(codePoint))) codePoint++;
    numbers.push(start - previousEnd, codePoint - start);
    previousEnd = codePoint;
  }
  return numbers.map((n) => n.toString(36)).join(' ');
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
  return `/** ${comment} */\nexport const ${name} = [\n${lines.map((l) => `  '${l}',`).join('\n')}\n].join(' ');\n`;
}

const source = `/**
 * Written by scripts/generate-unicode-tables.ts; do not edit. \`sets.ts\` reads it.
 * From the Unicode Character Database (https://www.unicode.org/license.txt).
 */
export const UNICODE_VERSION = '${process.versions.unicode}';

${literal('GENERAL_CATEGORY_RUNS', 'From U+0000 on: general category and run length in base 36.', generalCategoryRuns())}
${literal(
  'ALPHABETIC_SYMBOLS',
  'Code points that are Alphabetic but neither letters, letter numbers nor marks: gap and length in turn, in base 36.',
  rangesOf(/^(?=\p{Alphabetic})[^\p{L}\p{Nl}\p{M}]$/u),
)}
${literal('WHITE_SPACE', 'White_Space: gap and length in turn, in base 36.', rangesOf(/^\p{White_Space}$/u))}`;

const target = resolve(import.meta.dirname, '../src-main/engine/tokenizer/unicode/tables.ts');
writeFileSync(target, source);
console.log(`${target}: ${source.length} bytes, Unicode ${process.versions.unicode}`);
