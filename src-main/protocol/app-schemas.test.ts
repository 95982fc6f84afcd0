import { describe, expect, it } from 'vitest';
import { defaultSamplingParams } from '../engine/defaults.ts';
import { EngineError } from '../engine/errors.ts';
import { checkAppCall } from './app-schemas.ts';
import {
  defaultModelSettings,
  defaultSettings,
  MAX_MODELS_WITH_SETTINGS,
  parseStoredSettings,
} from './settings-schemas.ts';
import { parseStoredChat } from './chat-schemas.ts';
import type { Chat } from './app-services.ts';
import { fakeToken } from './test-support/fake-engine.ts';

const DATE = '2026-01-02T03:04:05.678Z';

function chat(): Chat {
  return {
    id: 'chat-1',
    title: 'Once upon a time',
    modelId: 'tiny-transformer',
    modelName: 'TinyTransformer',
    systemPrompt: 'You are brief.',
    createdAt: DATE,
    updatedAt: DATE,
    turns: [
      { id: 'a', role: 'user', text: 'Once', createdAt: DATE },
      {
        id: 'b',
        role: 'assistant',
        active: 0,
        versions: [
          {
            text: 't0 t1 ',
            tokens: [fakeToken(0), fakeToken(1)],
            stop: { reason: 'max_tokens', detail: 'Reached the limit of 2 tokens.' },
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
            model: 'TinyTransformer',
            executor: 'reference',
            segments: [{ role: 'user', message: 0, tokens: 2, dropped: false }],
            notices: ['The template does not know the role "system".'],
            promptTokens: 2,
            contextUsed: 4,
            createdAt: DATE,
          },
        ],
      },
    ],
  };
}

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
    expect(checkAppCall('chatSave', [chat()])).toEqual({ method: 'chatSave', params: [chat()] });
    expect(checkAppCall('settingsSet', [defaultSettings()]).params).toEqual([defaultSettings()]);
    expect(checkAppCall('settingsSet', [{ theme: 'dark' }]).params).toEqual([{ theme: 'dark' }]);
    expect(checkAppCall('openExternal', ['https://example.org/a?b#c']).params).toHaveLength(1);
  });

  it.each([['nothing'], ['__proto__'], ['toString'], [5], [null], [Object.create(null)]])(
    'does not know the method %j',
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
    ['settingsSet', [{ unknown: 1 }], '0.unknown'],
    ['settingsSet', [{ perModel: { a: withSampling({ topP: NaN }) } }], '0.perModel.a.sampling.topP'],
    ['settingsSet', [{ perModel: { a: withSampling({ topK: undefined }) } }], '0.perModel.a.sampling.topK'],
    ['settingsSet', [{ perModel: { '../a': defaultModelSettings() } }], '0.perModel.../a'],
    ['settingsSet', [{ perModel: { a: { ...defaultModelSettings(), template: 'mine' } } }], '0.perModel.a.template'],
    ['settingsSet', [{ theme: undefined }], '0.theme'],
    ['chatSave', [{ ...chat(), id: '..' }], '0.id'],
    ['chatSave', [{ ...chat(), createdAt: 'yesterday' }], '0.createdAt'],
    ['chatSave', [{ ...chat(), turns: [{ role: 'robot' }] }], '0.turns.0.role'],
    ['modelRemove', ['../x'], '0'],
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
  it('gives back what was stored', () => {
    const settings = { ...defaultSettings(), theme: 'dark' as const, lastChatId: 'chat-1' };
    expect(parseStoredSettings(JSON.parse(JSON.stringify(settings)))).toEqual(settings);
  });

  it.each([undefined, null, 5, 'text', [], {}])('makes %j the defaults', (value) => {
    expect(parseStoredSettings(value)).toEqual(defaultSettings());
  });

  it('replaces only what is missing or broken, deep inside too', () => {
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

  it('gives the first model what was changed while there was one set of settings for all', () => {
    const sampling = { ...defaultSamplingParams(), temperature: 0.3, topK: 7 };
    const stop = { maxTokens: 9, stopStrings: [], ignoreEos: 'maybe' };
    const { perModel } = parseStoredSettings({ theme: 'dark', sampling, stop });
    const expected = { ...withSampling({ temperature: 0.3, topK: 7 }), stop: { maxTokens: 9 } };
    expect(perModel).toEqual({ 'tiny-transformer': expected });
    expect(parseStoredSettings({ sampling: defaultSamplingParams() }).perModel).toEqual({});
    expect(parseStoredSettings({ perModel: {}, sampling }).perModel).toEqual({});
  });

  it('reads sampling settings from before there were all the samplers', () => {
    const read = (sampling: object) => parseStoredSettings({ sampling }).perModel['tiny-transformer']?.sampling;
    const samplers = ['penalties', 'top_k', 'top_p', 'min_p', 'temperature'];
    expect(read({ samplers, temperature: 0.3, topK: 7 })).toEqual({ temperature: 0.3, topK: 7 });
    expect(read({ samplers: ['top_k'] })).toEqual({ samplers: ['top_k'] });
    // Chosen when the others could be chosen too.
    expect(read({ ...defaultSamplingParams(), samplers })).toEqual({ samplers });
    expect(read({ samplers: ['magic', 'top_k'], topK: 7 })).toEqual({ topK: 7 });
  });

  it('keeps the settings of so many models, the newest', () => {
    const many = Object.fromEntries(
      Array.from({ length: MAX_MODELS_WITH_SETTINGS + 1 }, (_, i) => [`m${i}`, withSampling({ topK: i })]),
    );
    const { perModel } = parseStoredSettings({ perModel: many });
    expect(Object.keys(perModel)).toHaveLength(MAX_MODELS_WITH_SETTINGS);
    expect(perModel).not.toHaveProperty('m0');
    expect(refusedField('settingsSet', [{ perModel: many }])).toBe('0.perModel');
  });

  it('gives each caller its own objects', () => {
    const [one, other] = [parseStoredSettings(null), parseStoredSettings(null)];
    expect(one.perModel).not.toBe(other.perModel);
  });
});

describe('parseStoredChat', () => {
  it('gives back what was stored', () => {
    expect(parseStoredChat(JSON.parse(JSON.stringify(chat())), 'chat-1.json')).toEqual(chat());
  });

  it('keeps the text of a reply whose record is broken', () => {
    const broken = JSON.parse(JSON.stringify(chat())) as { turns: { versions?: Record<string, unknown>[] }[] };
    const version = broken.turns[1].versions?.[0] ?? {};
    version.tokens = [{ id: null }];
    version.sampling = {};
    delete version.timings;
    const [, turn] = parseStoredChat(broken, 'chat-1.json').turns;
    const kept = turn.role === 'assistant' ? turn.versions[0] : null;
    expect(kept).toMatchObject({ text: 't0 t1 ', tokens: [], timings: null, sampling: defaultSamplingParams() });
  });

  it('reads chats from before models were recorded', () => {
    const older = JSON.parse(JSON.stringify(chat())) as Record<string, unknown> & { turns: { versions?: object[] }[] };
    delete older.modelName;
    delete older.systemPrompt;
    for (const version of older.turns[1].versions ?? []) {
      Reflect.deleteProperty(version, 'model');
      Reflect.deleteProperty(version, 'notices');
    }
    const read = parseStoredChat(older, 'chat-1.json');
    expect(read).toMatchObject({ modelName: '', systemPrompt: '' });
    expect(read.turns[1]).toMatchObject({ versions: [{ text: 't0 t1 ', model: '', notices: [] }] });
  });

  it('keeps the settings of a reply from before there were all the samplers', () => {
    const older = JSON.parse(JSON.stringify(chat())) as { turns: { versions?: Record<string, unknown>[] }[] };
    const samplers = ['penalties', 'top_k', 'top_p', 'min_p', 'temperature'];
    for (const version of older.turns[1].versions ?? []) version.sampling = { samplers, temperature: 0.3, seed: 7 };
    const [, turn] = parseStoredChat(older, 'chat-1.json').turns;
    const sampling = turn.role === 'assistant' ? turn.versions[0].sampling : null;
    expect(sampling).toEqual({ ...defaultSamplingParams(), temperature: 0.3, seed: 7 });
  });

  it('names the file that is no chat', () => {
    expect(() => parseStoredChat({ id: 'x' }, 'x.json')).toThrow(/x\.json/);
  });
});
