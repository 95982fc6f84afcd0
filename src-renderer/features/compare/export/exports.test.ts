import { expect, test } from 'vitest';
import { NO_TOKEN } from '../../../../src-main/protocol/app/chats/chat.ts';
import type { StoredComparison } from '../../../../src-main/protocol/app/comparisons/comparison.ts';
import {
  laneReply,
  laneSettings,
  storedComparison,
} from '../../../../src-main/protocol/app/comparisons/test-support/comparisons.ts';
import { MAX_TOKENSCOPE_BYTES } from '../../../../src-main/protocol/app/comparisons/tokenscope-file.ts';
import { defaultSamplingParams, defaultStopParams } from '../../../../src-main/engine/api/defaults.ts';
import { lanesCsv, tokensCsv } from './csv.ts';
import { EXPORT_FORMATS, openTokenscopeFile } from './exports.ts';
import { toJson, type ExportedComparison } from './json.ts';
import { toMarkdown } from './markdown.ts';
import { changedSettings, fileName, laneRows } from './rows.ts';

/** Texts that break careless formats. */
const HOSTILE = [
  'quote " and comma, and\nline\r\nbreaks',
  '=HYPERLINK("https://example.org")',
  '+1',
  '-1',
  '@SUM(A1)',
  '\t=1',
  '＝1',
  "'=1",
  "''",
  '| pipe \\| `code` ```` fence\n```\n# heading',
  '<script>alert(1)</script> & <b>',
  '😀é漢字\u0000',
];

function hostile(): StoredComparison {
  const run = storedComparison({ title: HOSTILE.join(' '), prompt: { kind: 'text', text: HOSTILE.join('\n') } });
  run.lanes = HOSTILE.slice(0, 8).map((text, index) => ({
    settings: laneSettings(text, { systemPrompt: HOSTILE[(index + 3) % HOSTILE.length] ?? '', modelName: text }),
    replies: [laneReply(HOSTILE), laneReply([text])],
  }));
  return run;
}

/** The rows of a CSV file by RFC 4180. */
function rowsOf(csv: string): Record<string, string>[] {
  const rows: string[][] = [[]];
  for (const [, quoted, plain, end] of csv.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/g)) {
    rows.at(-1)?.push(quoted?.replaceAll('""', '"') ?? plain ?? '');
    if (end === '\r\n') rows.push([]);
  }
  expect(rows.pop()).toEqual([]);
  const [headings = [], ...cells] = rows;
  expect(cells.every((row) => row.length === headings.length)).toBe(true);
  return cells.map((row) => Object.fromEntries(headings.map((heading, index) => [heading, row[index] ?? ''])));
}

/** Removes the apostrophe that makes a formula harmless. */
const asText = (cell: string) => cell.replace(/^'(?='*[=+\-@\t\r\n＝＋－＠])/, '');

test('a table of lanes has settings and metrics, and reads back with hostile texts', () => {
  const run = hostile();
  const rows = rowsOf(lanesCsv(run));
  expect(rows).toHaveLength(16);
  laneRows(run).forEach(({ letter, settings, sample, reply }, index) => {
    const row = rows[index] ?? {};
    expect([row.lane, row.sample]).toEqual([letter, String(sample)]);
    for (const [column, text] of [
      ['label', settings.label],
      ['model', settings.modelName],
      ['text', reply.text],
      ['systemPrompt', settings.systemPrompt],
    ] as const) {
      expect(asText(row[column] ?? ''), column).toBe(text);
      expect(row[column], column).not.toMatch(/^[=+\-@\t\r\n＝＋－＠]/);
    }
  });
  expect(rowsOf(lanesCsv(storedComparison()))).toMatchObject([
    { lane: 'A', seed: '7', temperature: '0', stopReason: 'max_tokens', tokens: '5', divergesAt: '', maxTokens: '256' },
    { lane: 'B', seed: '7', temperature: '1.5', decodeTokensPerSecond: '123.4', divergesAt: '3', distinct1: '1' },
    { lane: 'B', sample: '2', seed: '8', stopReason: '', divergesAt: '0', text: ' many cats' },
  ]);
  const [first] = rowsOf(lanesCsv(storedComparison()));
  expect(JSON.parse(first?.samplers ?? '')).toEqual(defaultSamplingParams().samplers);
  for (const key of [...Object.keys(defaultSamplingParams()), ...Object.keys(defaultStopParams())]) {
    expect(first, key).toHaveProperty(key);
  }
});

test('a table of tokens adds up to the texts', () => {
  const run = hostile();
  const rows = rowsOf(tokensCsv(run));
  for (const { letter, sample, reply } of laneRows(run)) {
    const own = rows.filter((row) => row.lane === letter && row.sample === String(sample));
    expect(own.map((row) => asText(row.text ?? '')).join('')).toBe(reply.text);
    expect(own.map((row) => Number(row.id))).toEqual(reply.tokens.ids);
    expect(own.map((row) => Number(row.logprob))).toEqual(reply.tokens.logprobs);
  }
  // -0.25 / ln 2, as in numpy: -np.log2(np.exp(-0.25)).
  expect(Number(rows[0]?.surprisalBits)).toBeCloseTo(0.36067376, 8);
  const typed = storedComparison();
  const reply = laneReply(['typed', ' token']);
  reply.tokens.ids[0] = NO_TOKEN;
  typed.lanes = [{ settings: laneSettings('Greedy'), replies: [reply] }];
  expect(rowsOf(tokensCsv(typed))[0]).toMatchObject({ text: 'typed', id: '', logprob: '', latencyMs: '' });
});

test('a branch names the reply that it was branched from, and the token', () => {
  const run = storedComparison();
  const [{ replies }] = run.lanes;
  replies.push(laneReply([' there', ' is'], { branch: { turn: '0', index: 1 } }));
  expect(rowsOf(lanesCsv(run)).map((row) => [row.sample, row.branchOf, row.branchAt])).toEqual([
    ['1', '', ''],
    ['2', '1', '1'],
    ['1', '', ''],
    ['2', '', ''],
  ]);
  expect(toMarkdown(run)).toContain('2, a branch of 1 at token 2');
});

test('JSON has everything that is stored, and the metrics', () => {
  const run = hostile();
  const read = JSON.parse(toJson(run)) as ExportedComparison;
  const stored = {
    ...read,
    lanes: read.lanes.map(({ settings, replies }) => ({
      settings,
      replies: replies.map(({ metrics: _, ...reply }) => reply),
    })),
  };
  expect(stored).toEqual(run);
  const { lanes } = JSON.parse(toJson(storedComparison({ pinned: 1 }))) as ExportedComparison;
  expect(lanes.map(({ replies }) => replies.map(({ metrics }) => metrics.divergesAt))).toEqual([[3], [null, 0]]);
  // exp(0.75), the mean of 0.25, 0.5, ... 1.25.
  expect(lanes[0]?.replies[0]?.metrics.perplexity).toBeCloseTo(Math.exp(0.75), 10);
});

/** Verbatim blocks of a Markdown document, and the lines between them, by CommonMark's rule for fences. */
function markdownParts(document: string): { lines: string[]; blocks: string[] } {
  const lines: string[] = [];
  const blocks: string[] = [];
  let fence: string | null = null;
  let block: string[] = [];
  for (const line of document.split('\n')) {
    const [run] = /^`{3,}/.exec(line) ?? [null];
    if (fence === null && run !== null) [fence, block] = [run, []];
    else if (fence === null) lines.push(line);
    else if (run !== null && line === run && run.length >= fence.length) {
      blocks.push(block.join('\n'));
      fence = null;
    } else block.push(line);
  }
  expect(fence).toBeNull();
  return { lines, blocks };
}

const unescaped = (text: string) => text.replace(/\\([!-/:-@[-`{-~])/g, '$1');
const oneLine = (text: string) => text.replace(/[\r\n]+/g, ' ');

test('Markdown keeps texts verbatim and the table whole', () => {
  const run = hostile();
  const { lines, blocks } = markdownParts(toMarkdown(run));
  expect(blocks).toContain(HOSTILE.join('\n'));
  for (const { reply, settings } of laneRows(run)) {
    expect(blocks).toContain(reply.text);
    expect(blocks).toContain(settings.systemPrompt);
  }
  const table = lines
    .filter((line) => line.startsWith('|'))
    .map((line) =>
      line
        .slice(2, -2)
        .split(/(?<!\\)(?:\\\\)*\s\|\s/)
        .map((cell) => unescaped(cell)),
    );
  expect(new Set(table.map((cells) => cells.length))).toEqual(new Set([13]));
  expect(table.slice(2).map(([lane, sample, model]) => [lane, sample, model?.trim()])).toEqual(
    laneRows(run).map(({ letter, settings, sample }) => [
      `${letter}: ${oneLine(settings.label)}`,
      String(sample),
      oneLine(settings.modelName).trim(),
    ]),
  );
  const outside = lines.join('\n');
  expect(outside).not.toMatch(/(?<!\\)<script/);
  expect(outside.match(/^# /gm)).toHaveLength(1);
});

test('replies of different models are not compared token by token', () => {
  const run = storedComparison();
  run.lanes[1]!.replies[0] = laneReply([' there'], { modelId: 'other' });
  expect(laneRows(run).map(({ figures }) => figures.divergesAt)).toEqual([null, null, 0]);
});

test('a chat is exported turn by turn', () => {
  const messages = [
    { role: 'user', text: 'Hello' } as const,
    { role: 'assistant', text: 'Hi' } as const,
    { role: 'user', text: 'Why?' } as const,
  ];
  const document = toMarkdown(storedComparison({ prompt: { kind: 'chat', messages } }));
  expect(markdownParts(document).blocks.slice(0, 3)).toEqual(['Hello', 'Hi', 'Why?']);
  expect(document).toContain('User:\n\n```text\nHello\n```\n\nAssistant:\n\n```text\nHi\n```');
});

test('a lane is described by what differs from the defaults', () => {
  const settings = laneSettings('Hot', {
    sampling: { ...defaultSamplingParams(), temperature: 0.1 + 0.2, grammar: { kind: 'gbnf', source: 'root ::= "a"' } },
    stop: { ...defaultStopParams(), ignoreEos: true },
    template: { kind: 'plain' },
    enableThinking: false,
    executor: 'reference',
    samples: 3,
  });
  expect(changedSettings(settings)).toEqual([
    'Temperature 0.3',
    'Ignore the end token on',
    'Random seed',
    'GBNF grammar',
    'Template plain',
    'Thinking off',
    'Executor reference',
    '3 samples',
  ]);
  expect(changedSettings(laneSettings('Default'))).toEqual(['Seed 7']);
});

test('lanes of a run are described by all settings in which any of them differs from the defaults', () => {
  const defaults = defaultSamplingParams();
  const plain = { ...defaults, seed: 7, temperature: 1, topK: 0, topP: 1, minP: 0 };
  const lanes = [
    laneSettings('Plain', { sampling: plain }),
    // As by default, and what the lane is about.
    laneSettings('Top-k', { sampling: { ...plain, topK: defaults.topK } }),
    laneSettings('Reasoning', { sampling: plain, enableThinking: true, samples: 2 }),
  ];
  expect(changedSettings(lanes[0], lanes)).toEqual([
    'Temperature 1',
    'Top-k off',
    'Top-p off',
    'Min-p off',
    'Seed 7',
    'Default thinking',
    '1 sample',
  ]);
  expect(changedSettings(lanes[1], lanes)).toContain('Top-k 40');
  expect(changedSettings(lanes[2], lanes)).toEqual(expect.arrayContaining(['Top-k off', 'Thinking on', '2 samples']));
  const run = storedComparison();
  run.lanes = lanes.map((settings) => ({ settings, replies: [laneReply([' a'])] }));
  expect(toMarkdown(run)).toContain('Temperature 1, Top-k 40, Top-p off, Min-p off, Seed 7');
});

test('names of files have no path, and are never empty', () => {
  expect(fileName(storedComparison(), '.md')).toBe('compare-the-cat.md');
  expect(fileName(storedComparison({ title: '../../etc/passwd' }), '.md')).toBe('compare-etc-passwd.md');
  expect(fileName(storedComparison({ title: '' }), '.md')).toBe('compare-once-upon-a-time.md');
  expect(fileName(storedComparison({ title: '!?' }), '.md')).toBe('compare-2026-01-02.md');
  expect(fileName(storedComparison({ title: '漢'.repeat(100) }), '.md')).toBe(`compare-${'漢'.repeat(60)}.md`);
});

test('a .tokenscope file is opened again as a new run', async () => {
  const format = EXPORT_FORMATS.find(({ id }) => id === 'tokenscope');
  const blob = await format?.content(hostile(), { app: '1.0.0', library: [] });
  const file = new File([blob ?? ''], 'run.tokenscope');
  const { comparison, models } = await openTokenscopeFile(file);
  expect(comparison).toMatchObject({ lanes: hostile().lanes, prompt: hostile().prompt, revision: 0 });
  expect(comparison.id).not.toBe('run-1');
  expect(models).toHaveLength(1);
  await expect(openTokenscopeFile(new File(['{'], 'x.tokenscope'))).rejects.toThrow('“x.tokenscope” is not a');
  const huge = { size: MAX_TOKENSCOPE_BYTES + 1, name: 'huge.tokenscope' } as File;
  await expect(openTokenscopeFile(huge)).rejects.toThrow(/^“huge.tokenscope” has 68\sMB/);
});
