import { describe, expect, it } from 'vitest';
import { AutomaticRequests } from '../../chat/state/automatic-requests.ts';
import { EngineState } from '../../chat/state/engine.svelte.ts';
import { SettingsState } from '../../chat/state/settings.svelte.ts';
import { FakeConnection, FakeEngine, FakeServices, memoryStorage, MODEL } from '../../chat/test-support/fakes.ts';
import { LanePanel } from './lane-panel.svelte.ts';
import { newLaneSettings } from './lane-settings.ts';
import { Lane } from './lane.svelte.ts';

async function setUp(modelId = MODEL.id) {
  const services = new FakeServices();
  const settings = await SettingsState.load(services);
  const connection = new FakeConnection(services);
  const engine = new EngineState(connection, MODEL.id);
  const api = new FakeEngine();
  api.loadScripts = [[{ ...MODEL, samplingDefaults: { topK: 7 } }]];
  connection.change(api, 'ready');
  await engine.ready();
  const lane = new Lane(newLaneSettings({ id: modelId, name: 'Model' }, { seed: 3 }));
  const open = () =>
    new LanePanel({
      lane,
      engine,
      settings,
      automatic: new AutomaticRequests(memoryStorage(), () => true),
      prompt: () => ({ kind: 'text', text: 'Once' }),
      busy: () => false,
      scope: 'Only for lane A',
    });
  return { settings, lane, panel: open(), open };
}

describe('LanePanel', () => {
  it('edits the settings of the lane, and not those of the model', async () => {
    const { settings, lane, panel } = await setUp();
    const { modelSettings } = panel;
    expect(modelSettings.sampling).toEqual(lane.settings.sampling);
    modelSettings.setSampling({ temperature: 0.3 });
    modelSettings.setStop({ maxTokens: 12 });
    modelSettings.setThinking(false);
    expect(lane.settings).toMatchObject({
      sampling: { temperature: 0.3, topK: 0, seed: 3 },
      stop: { maxTokens: 12 },
      enableThinking: false,
    });
    expect(settings.current.perModel).toEqual({});
    // What the model recommends is what a reset goes back to.
    modelSettings.reset(['topK']);
    expect(lane.settings.sampling.topK).toBe(7);
  });

  it('keeps the text of a template and a grammar while another option is chosen', async () => {
    const { lane, panel, open } = await setUp();
    const { modelSettings } = panel;
    modelSettings.setTemplateSource('{{ messages }}');
    modelSettings.setTemplate('custom');
    expect(lane.settings.template).toEqual({ kind: 'custom', source: '{{ messages }}' });
    modelSettings.setTemplate('plain');
    expect(lane.settings.template).toEqual({ kind: 'plain' });
    expect(modelSettings.own.drafts.template).toBe('{{ messages }}');
    modelSettings.setGrammar({ kind: 'gbnf', source: 'root ::= "x"' });
    modelSettings.setGrammar(null);
    expect(lane.settings.sampling.grammar).toBeNull();
    expect(modelSettings.own.drafts.gbnf).toBe('root ::= "x"');
    // Also after it was closed.
    expect(open().modelSettings.own.drafts).toMatchObject({ template: '{{ messages }}', gbnf: 'root ::= "x"' });
  });

  it('gives the prompt of the lane', async () => {
    const { lane, panel } = await setUp();
    panel.chats.current.systemPrompt = 'Be brief.';
    expect(lane.settings.systemPrompt).toBe('Be brief.');
    expect(panel.session.promptOf('')).toMatchObject({
      messages: [
        { role: 'system', text: 'Be brief.' },
        { role: 'user', text: 'Once' },
      ],
    });
  });

  it('knows nothing of a model that is not loaded', async () => {
    const { lane, panel } = await setUp('other');
    expect(panel.engine.model).toBeNull();
    expect(panel.engine.status).toBe('empty');
    panel.modelSettings.setSampling({ topP: 0.5 });
    expect(lane.settings.sampling.topP).toBe(0.5);
  });
});
