import { beforeEach, describe, expect, it } from 'vitest';
import { defaultSamplingParams, defaultStopParams } from '../../../../src-main/engine/api/defaults.ts';
import type { ModelInfo } from '../../../../src-main/engine/api/types.ts';
import { MAX_MODELS_WITH_SETTINGS } from '../../../../src-main/protocol/app/settings-schemas.ts';
import { ModelSettingsState, type SettingsScope } from './model-settings.svelte.ts';
import { SettingsState } from './settings.svelte.ts';
import { FakeServices, MODEL } from '../test-support/fakes.ts';

const ADVISED: ModelInfo = { ...MODEL, id: 'advised', samplingDefaults: { temperature: 0.6, topK: 20 } };

let settings: SettingsState;
let engine: { model: ModelInfo | null };

beforeEach(async () => {
  settings = await SettingsState.load(new FakeServices());
});

function settingsOf(model: ModelInfo | null): ModelSettingsState {
  engine = { model };
  return new ModelSettingsState({ settings, engine, firstModel: MODEL.id });
}

describe('settings of a chat', () => {
  it('hide those of the model, and are changed instead of them', () => {
    const chat: SettingsScope = { id: 'chat', settings: null };
    const state = () =>
      new ModelSettingsState({ settings, engine: { model: ADVISED }, firstModel: MODEL.id, chat: () => chat });
    state().setSampling({ topK: 3 });
    expect(state().owner).toBe('advised');
    state().setOfChat(true);
    expect(state().owner).toBe('chat');
    expect(chat.settings).toEqual({ sampling: { topK: 3 }, stop: {} });
    state().setSampling({ topK: 4 });
    state().setStop({ maxTokens: 7 });
    expect(chat.settings).toEqual({ sampling: { topK: 4 }, stop: { maxTokens: 7 } });
    expect(state().sampling).toMatchObject({ topK: 4, temperature: 0.6 });
    expect(state().of({ settings: null }).sampling.topK).toBe(3);
    // What is not sampling or stopping stays with the model.
    state().setTemplate('plain');
    expect(settings.current.perModel['advised']).toMatchObject({ template: 'plain', sampling: { topK: 3 }, stop: {} });
    state().setOfChat(false);
    expect(state().owner).toBe('advised');
    expect(state().sampling.topK).toBe(3);
  });
});

describe('settings per model', () => {
  it('begin with the defaults, under what the file recommends', () => {
    expect(settingsOf(MODEL).sampling).toEqual(defaultSamplingParams());
    expect(settingsOf(MODEL).stop).toEqual(defaultStopParams());
    const advised = settingsOf(ADVISED);
    expect(advised.sampling).toEqual({ ...defaultSamplingParams(), temperature: 0.6, topK: 20 });
    expect(advised.isRecommended('topK')).toBe(true);
    expect(advised.isRecommended('topP')).toBe(false);
  });

  it('keep only what a person chose, each model its own', () => {
    settingsOf(null).setSampling({ topP: 0.5 });
    settingsOf(ADVISED).setSampling({ topK: 3, temperature: 0.6 });
    settingsOf(ADVISED).setStop({ maxTokens: 9, ignoreEos: false });
    expect(settings.current.perModel).toMatchObject({
      [MODEL.id]: { sampling: { topP: 0.5 }, stop: {} },
      advised: { sampling: { topK: 3 }, stop: { maxTokens: 9 } },
    });
    expect(settingsOf(ADVISED).sampling).toMatchObject({ topK: 3, topP: 0.95 });
    expect(settingsOf(ADVISED).isRecommended('topK')).toBe(false);
    settingsOf(ADVISED).reset(['topK']);
    expect(settings.current.perModel['advised']?.sampling).toEqual({});
    expect(settingsOf(ADVISED).sampling.topK).toBe(20);
  });

  it('keep a text that is out of use', () => {
    const model = settingsOf(MODEL);
    model.setTemplateSource('{{ messages }}');
    expect(model.template).toEqual({ kind: 'model' });
    model.setTemplate('custom');
    expect(model.template).toEqual({ kind: 'custom', source: '{{ messages }}' });
    model.setGrammar({ kind: 'gbnf', source: 'root ::= "a"' });
    expect(model.sampling.grammar).toEqual({ kind: 'gbnf', source: 'root ::= "a"' });
    model.setGrammar(null);
    expect(model.sampling.grammar).toBeNull();
    expect(model.own.drafts.gbnf).toBe('root ::= "a"');
    model.setThinking(false);
    expect(model.own.enableThinking).toBe(false);
  });

  it('forget the models that were not used for longest', () => {
    for (let i = 0; i <= MAX_MODELS_WITH_SETTINGS; i++) settingsOf({ ...MODEL, id: `m${i}` }).setSampling({ topK: 3 });
    expect(Object.keys(settings.current.perModel)).toHaveLength(MAX_MODELS_WITH_SETTINGS);
    expect(settings.current.perModel).not.toHaveProperty('m0');
  });
});

describe('what is remembered', () => {
  it('goes back to the model that had it', () => {
    const state = settingsOf(ADVISED);
    state.setSampling({ topK: 3 });
    const undo = state.remember();
    state.setSampling({ topK: 9 });
    settingsOf(MODEL).setSampling({ topK: 7 });
    undo();
    expect(settings.current.perModel).toMatchObject({
      advised: { sampling: { topK: 3 } },
      [MODEL.id]: { sampling: { topK: 7 } },
    });
  });

  it('goes back to the chat that had it', () => {
    const [first, second]: SettingsScope[] = [
      { id: 'first', settings: { sampling: { topK: 3 }, stop: { maxTokens: 7 } } },
      { id: 'second', settings: { sampling: { topK: 5 }, stop: {} } },
    ];
    let open = first!;
    const state = () =>
      new ModelSettingsState({ settings, engine: { model: MODEL }, firstModel: MODEL.id, chat: () => open });
    const undo = state().remember();
    state().setSampling({ topK: 9 });
    state().setStop({ maxTokens: 8 });
    open = second!;
    undo();
    expect(first?.settings).toEqual({ sampling: { topK: 3 }, stop: { maxTokens: 7 } });
    expect(second?.settings).toEqual({ sampling: { topK: 5 }, stop: {} });
  });
});
