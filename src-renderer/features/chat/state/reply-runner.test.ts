import { beforeEach, describe, expect, it, vi } from 'vitest';
import { defaultSamplingParams, defaultStopParams } from '../../../../src-main/engine/api/defaults.ts';
import { end, MODEL, start, tokens } from '../test-support/fakes.ts';
import { openSession } from '../test-support/session.ts';

let opened: Awaited<ReturnType<typeof openSession>>;

beforeEach(async () => {
  opened = await openSession();
});

describe('a reply that waits for a model', () => {
  const OTHER = { ...MODEL, id: 'opened-1', name: 'Other', samplingDefaults: { temperature: 0.6 } };

  /** The model has settings of its own, and another one is being loaded. @returns ends loading it */
  async function loadingOther(): Promise<() => Promise<void>> {
    const { api, engine, modelSettings } = opened;
    modelSettings.setTemplate('custom');
    modelSettings.setTemplateSource('{{ messages }}');
    modelSettings.setThinking(true);
    modelSettings.setSampling({ topK: 3 });
    modelSettings.setStop({ maxTokens: 7 });
    api.loadScripts = [['pause', OTHER]];
    const loading = engine.load({ modelId: OTHER.id });
    await vi.waitFor(() => expect(engine.progress).not.toBeNull());
    return async () => {
      api.resume();
      await loading;
    };
  }

  it('is generated with the settings of that model', async () => {
    const { api, chats, modelSettings, session } = opened;
    const load = await loadingOther();
    const sending = session.send('Once');
    expect(chats.current.lastReply?.phase).toBe('waiting');
    await Promise.all([load(), sending]);
    const { prompt, sampling, stop } = api.requests[0];
    expect(sampling).toEqual({ ...defaultSamplingParams(), temperature: 0.6 });
    expect(stop).toEqual(defaultStopParams());
    expect(prompt).toMatchObject({ template: modelSettings.template, messages: [{ text: 'Once' }] });
    expect(prompt).not.toHaveProperty('enableThinking');
    expect(chats.current.lastReply).toMatchObject({ model: 'Other', sampling });
  });

  it('continues after its stop string, with the sampling that was asked for', async () => {
    const { api, chats, session } = opened;
    api.scripts = [[start(), ...tokens(2), end(2, { reason: 'stop_string', stopString: 'x' })]];
    await session.send('Once');
    const load = await loadingOther();
    const reply = chats.current.lastReply!;
    const sampling = { ...reply.sampling, temperature: 0 };
    const proceeding = session.proceed(reply, { sampling, whenFull: 'shift' });
    await Promise.all([load(), proceeding]);
    expect(api.requests[1]).toMatchObject({
      ...{ continues: { reason: 'stop_string', stopString: 'x' }, sampling },
      prompt: { whenFull: 'shift', template: { kind: 'model' } },
    });
    expect(reply.sampling).toEqual(sampling);
  });

  it('is generated with its settings, if it is the first one', async () => {
    opened = await openSession({ firstLoad: ['pause', OTHER] });
    const { api, chats, engine, session } = opened;
    const sending = session.send('Once');
    await vi.waitFor(() => expect(engine.progress).not.toBeNull());
    api.resume();
    await sending;
    expect(api.requests[0].sampling.temperature).toBe(0.6);
    expect(chats.current.lastReply?.sampling.temperature).toBe(0.6);
  });
});
