import type { StoredComparison } from '../../../../src-main/protocol/app/comparisons/comparison.ts';
import { summaryOf } from '../../../../src-main/protocol/app/comparisons/summary.ts';
import { runName } from '../history/run-texts.ts';
import { letterOf } from '../state/lane-labels.ts';
import { laneName, laneRows, referenceLane, sampleText, stopLabel, type LaneRow } from './rows.ts';

/** A run as a Markdown document: prompt, a table of lanes, texts. */
export function toMarkdown(comparison: StoredComparison): string {
  const { prompt, lanes, createdAt } = comparison;
  const rows = laneRows(comparison);
  const turns = prompt.kind === 'text' ? [prompt] : prompt.messages;
  const blocks = [
    `# ${escaped(runName(summaryOf(comparison)))}`,
    `Compared with Tokenscope on ${createdAt.slice(0, 10)}.`,
    '## Prompt',
    ...turns.flatMap((turn) =>
      ('role' in turn ? [turn.role === 'user' ? 'User:' : 'Assistant:'] : []).concat(fenced(turn.text)),
    ),
    '## Lanes',
    table(rows),
    `Differs at: index of the first token that differs from lane ${letterOf(referenceLane(comparison))}, from 0. Mean surprisal in bits.`,
    ...lanes.flatMap((lane, index) => {
      const letter = letterOf(index);
      return [
        `## ${escaped(laneName(letter, lane.settings))}`,
        ...laneBlocks(rows.filter((row) => row.letter === letter)),
      ];
    }),
  ];
  return `${blocks.join('\n\n')}\n`;
}

const COLUMNS: readonly (readonly [heading: string, cell: (row: LaneRow) => string])[] = [
  ['Lane', ({ letter, settings }) => laneName(letter, settings)],
  ['Sample', sampleText],
  ['Model', ({ settings }) => settings.modelName],
  ['Settings', ({ changes }) => changes.join(', ')],
  ['Seed', ({ reply }) => String(reply.facts.seed)],
  ['Stop reason', ({ reply }) => stopLabel(reply.facts.stop)],
  ['Tokens', ({ figures }) => String(figures.tokens)],
  ['tok/s', ({ figures }) => decimal(figures.decodeTokensPerSecond, 1)],
  ['Perplexity', ({ figures }) => decimal(figures.perplexity, 3)],
  ['Mean surprisal', ({ figures }) => decimal(figures.meanSurprisal, 3)],
  ['Distinct-1', ({ figures }) => decimal(figures.distinct1, 3)],
  ['Distinct-2', ({ figures }) => decimal(figures.distinct2, 3)],
  ['Differs at', ({ figures }) => String(figures.divergesAt ?? '')],
];

function table(rows: readonly LaneRow[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [
    line(COLUMNS.map(([heading]) => heading)),
    line(COLUMNS.map(() => '---')),
    ...rows.map((row) => line(COLUMNS.map(([, cell]) => escaped(cell(row))))),
  ].join('\n');
}

function laneBlocks(rows: readonly LaneRow[]): string[] {
  const systemPrompt = rows[0]?.settings.systemPrompt ?? '';
  const grammar = rows[0]?.settings.sampling.grammar ?? null;
  return [
    ...(systemPrompt === '' ? [] : ['System prompt:', fenced(systemPrompt)]),
    ...(grammar === null ? [] : ['Answer format:', fenced(grammar.source)]),
    ...rows.flatMap((row) => [
      ...(rows.length > 1 ? [`Sample ${sampleText(row)}, seed ${row.reply.facts.seed}:`] : []),
      fenced(row.reply.text),
    ]),
  ];
}

function decimal(value: number | null, digits: number): string {
  return value === null ? '' : value.toFixed(digits);
}

/** In one line, with everything escaped that Markdown or HTML could take for markup. */
function escaped(text: string): string {
  return text.replace(/[\r\n\u2028\u2029]+/g, ' ').replace(/[\\`*_{}[\]()<>#+!|&~^$]/g, '\\$&');
}

/** Verbatim, in a fence that is longer than any run of backticks in the text. */
function fenced(text: string): string {
  const longest = Math.max(2, ...Array.from(text.matchAll(/`+/g), ([run]) => run.length));
  const fence = '`'.repeat(longest + 1);
  return `${fence}text\n${text}\n${fence}`;
}
