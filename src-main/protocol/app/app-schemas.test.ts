import { describe, expect, it } from 'vitest';
import { defaultSamplingParams, defaultStopParams } from '../../engine/api/defaults.ts';
import { EngineError } from '../../engine/api/errors.ts';
import { checkAppCall } from './app-schemas.ts';
import {
  defaultModelSettings,
  defaultSettings,
  MAX_MODELS_WITH_SETTINGS,
  parseStoredSettings,
} from './settings-schemas.ts';
import type { ChatEvent, ReplyFacts, ReplyRun, StoredStop } from './chats/chat.ts';
import { fakeToken } from '../engine/test-support/fake-engine.ts';

const DATE = '2026-01-02T03:04:05.678Z';

const facts: ReplyFacts = {
  stop: { reason: 'max_tokens', maxTokens: 2 },
  timings: {
    loadMs: 0,
    prefillMs: 1.5,
    timeToFirstTokenMs: 2,
    prefillTokensPerSecond: null,
    decodeTokensPerSecond: 100,
    totalMs: 20,
  },
  seed: 2 ** 32 - 1,
  sampling: defaultSamplingParams(),
  modelId: 'tiny-transformer',
  model: 'TinyTransformer',
  vocabularySize: 8000,
  executor: 'reference',
  notices: ['The template does not know the role "system".'],
  promptTokens: 2,
  systemTokens: 1,
  droppedMessages: 0,
  contextUsed: 4,
  runStart: 0,
};
const run: ReplyRun = {
  requestedAt: DATE,
  systemPrompt: 'Be brief.',
  whenFull: 'drop_oldest',
  template: { kind: 'custom', source: '{{ messages[0].content }}' },
  enableThinking: null,
  stop: defaultStopParams(),
  useKvCache: true,
  continues: { reason: 'stop_string', stopString: '.' },
  promptDigest: '0'.repeat(64),
  architecture: 'llama',
  files: [{ name: 'model.gguf', bytes: 5, sha256: 'a'.repeat(64) }],
  conditions: {
    executor: 'wasm',
    contextSize: 1000,
    kernels: { variant: 'wide', revision: null, kvCacheType: 'f16', threads: 2, decodeThreads: 1, sumBits: 16 },
    versions: { Tokenscope: '1.0.0' },
  },
};
const tokens = { ids: [4, -1], lengths: [3, 2], parts: [0, 2], logprobs: [-1.5, 0], latencies: [2.25, 0] };
const tokensEvent = { type: 'tokens', at: DATE, turn: 'b', from: 0, text: 't0 t1', tokens } as const;
const { id: _id, part: _part, text: _text, logprob: _logprob, latencyMs: _latencyMs, ...details } = fakeToken(0);

function chatWrite(...events: unknown[]) {
  return { id: 'chat-1', base: 3, origin: 'page-1', events, details: [] };
}

const events: ChatEvent[] = [
  { type: 'facts', at: DATE, facts: { title: 'Once upon a time', modelName: 'TinyTransformer', head: 'b' } },
  { type: 'turn', at: DATE, turn: { id: 'a', parent: null, role: 'user', text: 'Once', createdAt: DATE } },
  { type: 'turn', at: DATE, turn: { id: 'b', parent: 'a', role: 'assistant', createdAt: DATE, facts } },
  tokensEvent,
  { type: 'reply', at: DATE, turn: 'b', facts: { stop: null, contextUsed: 5 } },
  { type: 'remove', at: DATE, turn: 'b' },
  { type: 'restore', at: DATE, turn: 'b' },
];

function withSampling(sampling: object) {
  return { ...defaultModelSettings(), sampling };
}

function refusedField(method: unknown, params: unknown): unknown {
  try {
    checkAppCall(method, params);
  } catch (error) {
    if (error instanceof EngineError && error.code === 'BAD_REQUEST') return error.details.field ?? 'method';
    throw error;
  }
  return null;
}

describe('checkAppCall', () => {
  it('passes good calls on unchanged', () => {
    expect(checkAppCall('about', [])).toEqual({ method: 'about', params: [] });
    const write = { ...chatWrite(...events), details: [{ turn: 'b', from: 0, details: [details] }] };
    expect(checkAppCall('chatWrite', [write])).toEqual({ method: 'chatWrite', params: [write] });
    expect(checkAppCall('chatSince', ['chat-1', 0]).params).toEqual(['chat-1', 0]);
    const range = { id: 'chat-1', turn: 'b', from: 0, count: 1024 };
    expect(checkAppCall('chatDetails', [range]).params).toEqual([range]);
    expect(checkAppCall('settingsSet', [defaultSettings()]).params).toEqual([defaultSettings()]);
    expect(checkAppCall('settingsSet', [{ theme: 'dark' }]).params).toEqual([{ theme: 'dark' }]);
    expect(checkAppCall('openExternal', ['https://example.org/a?b#c']).params).toHaveLength(1);
  });

  it.each<StoredStop>([
    { reason: 'eos', token: { id: 1, piece: '<EOS>' } },
    { reason: 'eos', token: null, droppedTokens: 10 },
    { reason: 'max_tokens', maxTokens: 2 },
    { reason: 'stop_string', stopString: '\n' },
    { reason: 'repetition', window: 10 },
    { reason: 'time_limit', timeLimitMs: 450.5, tokens: 4 },
    { reason: 'context_full', promptTokens: 3, contextSize: 10 },
    { reason: 'user', tokens: 4 },
    { reason: 'user', tokens: 4, to: 'load Other' },
    { reason: 'error', tokens: 4, error: { code: 'GRAMMAR', message: 'Wrong.', details: { line: 2 } } },
    // As stored by earlier versions: a page may continue such a reply, and write it again.
    { reason: 'eos', detail: 'The model ended the text with <EOS> (token 1).', tokenId: 1 },
    { reason: 'stop_string', detail: 'The text reached the stop string "a".', stopString: 'a' },
    { reason: 'error', detail: 'Gone.', errorCode: 'BACKEND_LOST' },
  ])('accepts the stored stop %o', (stop) => {
    const write = chatWrite({ type: 'reply', at: DATE, turn: 'b', facts: { stop } });
    expect(checkAppCall('chatWrite', [write]).params).toEqual([write]);
  });

  it('stores what repeats a reply, where it is known', () => {
    for (const known of [run, { ...run, continues: null, files: null }, null]) {
      const turn = { id: 'b', parent: 'a', role: 'assistant', createdAt: DATE, facts: { ...facts, run: known } };
      const write = chatWrite(
        { type: 'turn', at: DATE, turn },
        { type: 'reply', at: DATE, turn: 'b', facts: { run: known } },
      );
      expect(checkAppCall('chatWrite', [write]).params).toEqual([write]);
    }
    for (const change of [{ promptDigest: 'x' }, { template: { kind: 'other' } }, { files: [] }, { more: 1 }]) {
      const write = chatWrite({ type: 'reply', at: DATE, turn: 'b', facts: { run: { ...run, ...change } } });
      expect(refusedField('chatWrite', [write])).not.toBeNull();
    }
  });

  it.each([{ reason: 'max_tokens' }, { reason: 'tired', detail: '' }, { reason: 'error', tokens: 1 }, {}])(
    'refuses an incomplete stop: %o',
    (stop) => {
      const facts = { stop } as unknown as Partial<ReplyFacts>;
      expect(refusedField('chatWrite', [chatWrite({ type: 'reply', at: DATE, turn: 'b', facts })])).not.toBeNull();
    },
  );

  it.each([['nothing'], ['__proto__'], ['toString'], [5], [null], [Object.create(null)]])(
    'refuses the unknown method %j',
    (method) => {
      expect(refusedField(method, [])).toBe('method');
    },
  );

  it.each<[string, unknown, string]>([
    ['about', [1], '0'],
    ['about', null, ''],
    ['chatGet', [], '0'],
    ['chatGet', ['../../etc/passwd'], '0'],
    ['chatGet', ['a/b'], '0'],
    ['chatDelete', [''], '0'],
    ['chatDelete', ['a'.repeat(65)], '0'],
    ['settingsSet', [{ theme: 'pink' }], '0.theme'],
    ['settingsSet', [{ textSize: 'huge' }], '0.textSize'],
    ['settingsSet', [{ density: 1 }], '0.density'],
    ['settingsSet', [{ sendWith: 'space' }], '0.sendWith'],
    ['settingsSet', [{ unknown: 1 }], '0.unknown'],
    ['settingsSet', [{ perModel: { a: withSampling({ topP: NaN }) } }], '0.perModel.a.sampling.topP'],
    ['settingsSet', [{ perModel: { a: withSampling({ topK: undefined }) } }], '0.perModel.a.sampling.topK'],
    ['settingsSet', [{ perModel: { '../a': defaultModelSettings() } }], '0.perModel.../a'],
    ['settingsSet', [{ perModel: { a: { ...defaultModelSettings(), template: 'mine' } } }], '0.perModel.a.template'],
    ['settingsSet', [{ theme: undefined }], '0.theme'],
    ['chatWrite', [{ ...chatWrite(), id: '..' }], '0.id'],
    ['chatWrite', [{ ...chatWrite(), base: -1 }], '0.base'],
    ['chatWrite', [chatWrite({ ...events[0], at: 'yesterday' })], '0.events.0.at'],
    ['chatWrite', [chatWrite({ type: 'rename', at: DATE })], '0.events.0.type'],
    ['chatWrite', [chatWrite({ ...events[0], facts: { head: '../x' } })], '0.events.0.facts.head'],
    ['chatWrite', [chatWrite({ ...events[0], facts: { title: undefined } })], '0.events.0.facts.title'],
    ['chatWrite', [chatWrite({ ...events[0], facts: { colour: 'red' } })], '0.events.0.facts.colour'],
    ['chatWrite', [chatWrite({ type: 'turn', at: DATE, turn: { role: 'robot' } })], '0.events.0.turn.role'],
    ['chatWrite', [chatWrite({ ...tokensEvent, text: 'too long' })], '0.events.0'],
    ['chatWrite', [chatWrite({ ...tokensEvent, from: 3_000_000 })], '0.events.0.from'],
    ['chatWrite', [chatWrite({ ...tokensEvent, tokens: { ...tokens, ids: [4] } })], '0.events.0.tokens'],
    ['chatWrite', [chatWrite({ ...tokensEvent, tokens: { ...tokens, ids: [4, -2] } })], '0.events.0.tokens'],
    ['chatWrite', [chatWrite({ ...tokensEvent, tokens: { ...tokens, parts: [0, 3] } })], '0.events.0.tokens'],
    ['chatWrite', [chatWrite({ ...tokensEvent, tokens: { ...tokens, logprobs: [0, NaN] } })], '0.events.0.tokens'],
    ['chatWrite', [chatWrite(...Array.from({ length: 1001 }, () => events[5]))], '0.events'],
    [
      'chatWrite',
      [{ ...chatWrite(), details: [{ turn: 'b', from: 0, details: [{}] }] }],
      '0.details.0.details.0.piece',
    ],
    ['chatSince', ['chat-1', 0.5], '1'],
    ['chatDetails', [{ id: 'chat-1', turn: 'b', from: 0, count: 1025 }], '0.count'],
    ['chatRestore', ['..'], '0'],
    ['chatsDeleted', ['chat-1'], '0'],
    ['chatsPurge', ['chat-1'], '0'],
    ['chatsPurge', [['chat-1', '../x']], '0.1'],
    ['modelRemove', ['../x'], '0'],
    ['modelRestore', ['../x'], '0'],
    ['modelOpen', ['/etc/passwd'], '0'],
    ['openExternal', ['http://example.org'], '0'],
    ['openExternal', ['file:///etc/passwd'], '0'],
    ['openExternal', ['javascript:alert(1)'], '0'],
    ['openExternal', ['https://user:secret@example.org'], '0'],
    ['openExternal', ['not a url'], '0'],
  ])('refuses %s %j', (method, params, field) => {
    expect(refusedField(method, params)).toBe(field);
  });
});

describe('parseStoredSettings', () => {
  it('returns what was stored', () => {
    const settings = { ...defaultSettings(), theme: 'dark' as const, lastChatId: 'chat-1' };
    expect(parseStoredSettings(JSON.parse(JSON.stringify(settings)))).toEqual(settings);
  });

  it.each([undefined, null, 5, 'text', [], {}])('replaces %j with the defaults', (value) => {
    expect(parseStoredSettings(value)).toEqual(defaultSettings());
  });

  it('replaces only missing or invalid parts, at any depth', () => {
    const stored = {
      theme: 'light',
      perModel: {
        one: {
          sampling: { temperature: 0.3, topK: 'many', magic: 1 },
          stop: null,
          template: 'custom',
          contextSize: 0.5,
          drafts: { gbnf: 'x' },
        },
        two: 5,
        '../three': withSampling({ topK: 3 }),
      },
      panel: { open: false },
      lastChatId: '../x',
      removedLongAgo: true,
    };
    const defaults = defaultSettings();
    expect(parseStoredSettings(stored)).toEqual({
      ...defaults,
      theme: 'light',
      perModel: {
        one: {
          ...withSampling({ temperature: 0.3 }),
          template: 'custom',
          drafts: { template: '', gbnf: 'x', json_schema: '' },
        },
        two: defaultModelSettings(),
      },
      panel: { open: false, tab: defaults.panel.tab },
    });
  });

  it('gives the first model the settings from when there was one set for all', () => {
    const sampling = { ...defaultSamplingParams(), temperature: 0.3, topK: 7 };
    const stop = { maxTokens: 9, stopStrings: [], ignoreEos: 'maybe' };
    const { perModel } = parseStoredSettings({ theme: 'dark', sampling, stop });
    const expected = { ...withSampling({ temperature: 0.3, topK: 7 }), stop: { maxTokens: 9 } };
    expect(perModel).toEqual({ 'tiny-transformer': expected });
    expect(parseStoredSettings({ sampling: defaultSamplingParams() }).perModel).toEqual({});
    expect(parseStoredSettings({ perModel: {}, sampling }).perModel).toEqual({});
  });

  it('reads sampling settings from before all samplers existed', () => {
    const read = (sampling: object) => parseStoredSettings({ sampling }).perModel['tiny-transformer']?.sampling;
    const samplers = ['penalties', 'top_k', 'top_p', 'min_p', 'temperature'];
    expect(read({ samplers, temperature: 0.3, topK: 7 })).toEqual({ temperature: 0.3, topK: 7 });
    expect(read({ samplers: ['top_k'] })).toEqual({ samplers: ['top_k'] });
    // A choice made when the others already existed.
    expect(read({ ...defaultSamplingParams(), samplers })).toEqual({ samplers });
    expect(read({ samplers: ['magic', 'top_k'], topK: 7 })).toEqual({ topK: 7 });
  });

  it('keeps the settings of a limited number of models, the newest', () => {
    const many = Object.fromEntries(
      Array.from({ length: MAX_MODELS_WITH_SETTINGS + 1 }, (_, i) => [`m${i}`, withSampling({ topK: i })]),
    );
    const { perModel } = parseStoredSettings({ perModel: many });
    expect(Object.keys(perModel)).toHaveLength(MAX_MODELS_WITH_SETTINGS);
    expect(perModel).not.toHaveProperty('m0');
    expect(refusedField('settingsSet', [{ perModel: many }])).toBe('0.perModel');
  });

  it('returns new objects to each caller', () => {
    const [one, other] = [parseStoredSettings(null), parseStoredSettings(null)];
    expect(one.perModel).not.toBe(other.perModel);
  });
});
