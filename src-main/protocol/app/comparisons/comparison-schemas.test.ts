import * as v from 'valibot';
import { describe, expect, test } from 'vitest';
import { defaultSamplingParams } from '../../../engine/api/defaults.ts';
import { checkAppCall } from '../app-schemas.ts';
import { defaultSettings, parseStoredSettings } from '../settings-schemas.ts';
import { storedComparison as schema } from './comparison-schemas.ts';
import { MAX_COMPARED_LANES, PROMPT_START, type StoredComparison } from './comparison.ts';
import { summaryOf } from './summary.ts';
import { laneReply, laneSettings, storedComparison } from './test-support/comparisons.ts';
import { blindVote } from './votes.ts';

function written(comparison: unknown): unknown {
  return checkAppCall('comparisonWrite', [{ comparison, origin: 'page-1' }]).params;
}

test('a complete run passes unchanged', () => {
  const run = storedComparison({ pinned: 1 });
  run.votes = [blindVote(run.lanes, 1, run.updatedAt), blindVote(run.lanes, null, run.updatedAt)];
  expect(written(run)).toEqual([{ comparison: run, origin: 'page-1' }]);
  const chat = storedComparison({
    prompt: {
      kind: 'chat',
      messages: [
        { role: 'user', text: 'Hello' },
        { role: 'assistant', text: 'Hi' },
        { role: 'user', text: 'Why?' },
      ],
      whenFull: 'drop_oldest',
    },
  });
  expect(written(chat)).toEqual([{ comparison: chat, origin: 'page-1' }]);
});

test('settings that did not exist when a run was stored have their default', () => {
  const run = storedComparison();
  const without = JSON.parse(
    JSON.stringify(run, (key, value: unknown) => (key === 'minKeep' || key === 'ignoreEos' ? undefined : value)),
  ) as unknown;
  expect(v.parse(schema, without)).toEqual(run);
});

const first = (run: StoredComparison) => run.lanes[0]!;
const MESSAGES = [{ role: 'user', text: 'Hello' }];

describe.each<[string, (run: StoredComparison) => unknown]>([
  ['format', (run) => ({ ...run, format: 2 })],
  ['id', (run) => ({ ...run, id: '../settings' })],
  ['lanes', (run) => ({ ...run, lanes: [] })],
  ['lanes', (run) => ({ ...run, lanes: Array.from({ length: MAX_COMPARED_LANES + 1 }, () => first(run)) })],
  ['lanes.0.settings.samples', (run) => withSettings(run, { samples: 17 })],
  ['lanes.0.settings.modelId', (run) => withSettings(run, { modelId: '../../etc' })],
  ['lanes.0.settings.sampling.topP', (run) => withSettings(run, { sampling: { ...defaultSamplingParams(), topP: 2 } })],
  [
    'lanes.0.settings.sampling.laterSetting',
    (run) => withSettings(run, { sampling: { ...defaultSamplingParams(), laterSetting: 1 } }),
  ],
  ['lanes.0.replies.0', (run) => withReply(run, { text: 'another text' })],
  ['lanes.0.replies.0.tokens', (run) => withReply(run, { tokens: { ...laneReply(['a']).tokens, ids: [] } })],
  ['lanes.0.replies.0', (run) => withReply(run, { facts: { ...laneReply([]).facts, runStart: 6 } })],
  ['lanes.0.replies.0.facts.stop', (run) => withReply(run, { facts: { ...laneReply([]).facts, stop: 3 } })],
  ['prompt.kind', (run) => ({ ...run, prompt: { kind: 'ids', ids: [1] } })],
  ['prompt.messages.0.role', (run) => ({ ...run, prompt: { kind: 'chat', messages: [{ role: 'system', text: '' }] } })],
  ['prompt.whenFull', (run) => ({ ...run, prompt: { kind: 'chat', messages: MESSAGES, whenFull: 'never' } })],
  ['', (run) => ({ ...run, pinned: 2 })],
  ['votes.0', (run) => ({ ...run, votes: [{ ...blindVote(run.lanes, 0, run.updatedAt), winner: 2 }] })],
  ['extra', (run) => ({ ...run, extra: 1 })],
])('an invalid %s', (field, change) => {
  test('is refused by name', () => {
    const where = ['0', 'comparison', field].filter((part) => part !== '').join('.');
    expect(() => written(change(storedComparison()))).toThrow(`comparisonWrite: ${where}`);
  });
});

function withSettings(run: StoredComparison, settings: object): unknown {
  const lane = first(run);
  return { ...run, lanes: [{ ...lane, settings: { ...lane.settings, ...settings } }] };
}

function withReply(run: StoredComparison, reply: object): unknown {
  const lane = first(run);
  return { ...run, lanes: [{ ...lane, replies: [{ ...lane.replies[0], ...reply }] }] };
}

test('a summary shows the start of the prompt or of the last message, without half a character', () => {
  expect(summaryOf(storedComparison())).toMatchObject({
    promptStart: 'Once upon a time',
    lanes: [
      { label: 'Greedy', samples: 1 },
      { label: 'Temperature 1.5', samples: 2 },
    ],
  });
  const cut = storedComparison({ prompt: { kind: 'text', text: `${'a'.repeat(PROMPT_START - 1)}😀` } });
  expect(summaryOf(cut).promptStart).toBe('a'.repeat(PROMPT_START - 1));
  const messages = [
    { role: 'user', text: 'Hello' } as const,
    { role: 'assistant', text: 'Hi' } as const,
    { role: 'user', text: 'Why?' } as const,
  ];
  expect(summaryOf(storedComparison({ prompt: { kind: 'chat', messages } })).promptStart).toBe('Why?');
});

test('saved sets of lanes are settings; invalid ones in a file are dropped', () => {
  const set = { id: 'set-1', name: 'Ladder', lanes: [laneSettings('Cold'), laneSettings('Hot')] };
  expect(checkAppCall('settingsSet', [{ laneSets: [set] }]).params).toEqual([{ laneSets: [set] }]);
  expect(() => checkAppCall('settingsSet', [{ laneSets: [{ ...set, lanes: [] }] }])).toThrow('laneSets');
  const stored = { ...defaultSettings(), laneSets: [{ ...set, id: '' }, set, null] };
  expect(parseStoredSettings(stored).laneSets).toEqual([set]);
  expect(parseStoredSettings({}).laneSets).toEqual([]);
  expect(parseStoredSettings({ laneSets: 3 }).laneSets).toEqual([]);
});
