import { expect, it } from 'vitest';
import type { GenerateEnd } from '../../../src-main/engine/api/types.ts';
import type { AppServices, MeasuredRate } from '../../../src-main/protocol/app/app-services.ts';
import { end, FakeEngine, MODEL, start, type Script, tokens } from '../chat/test-support/fakes.ts';
import { Rates } from './rates.svelte.ts';

const TOKENS = 48;
const ENDED: GenerateEnd = { ...(end(TOKENS) as GenerateEnd), ids: Array.from({ length: TOKENS }, (_, id) => id) };

async function measured(script: Script) {
  const api = new FakeEngine();
  api.scripts = [script];
  const saved: MeasuredRate[] = [];
  const invoke = async (_method: string, _id: string, rate: MeasuredRate) => void saved.push(rate);
  const rates = new Rates({ services: { invoke } as unknown as AppServices, client: () => api, isListed: () => true });
  await rates.measure(MODEL);
  return { saved, error: rates.error };
}

it('saves the rates that were measured', async () => {
  const { saved, error } = await measured([start(), ...tokens(TOKENS), { type: 'end', ...ENDED }]);
  expect(saved).toMatchObject([{ executor: MODEL.executor, decodeTokensPerSecond: 400 }]);
  expect(error).toBeNull();
});

it('saves none if the model moved to another executor meanwhile', async () => {
  const moved = { type: 'moved', model: MODEL, notice: 'Moved.' } as const;
  const { saved, error } = await measured([start(), moved, ...tokens(TOKENS), { type: 'end', ...ENDED }]);
  expect(saved).toEqual([]);
  expect(error).toBe('Moved.');
});
