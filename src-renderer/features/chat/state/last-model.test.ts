import { expect, it } from 'vitest';
import type { ModelListing } from '../../../../src-main/protocol/app/app-services.ts';
import { defaultModelSettings } from '../../../../src-main/protocol/app/settings-schemas.ts';
import { survivesRestart, lastModel } from './last-model.ts';

it('is the model of the last time with its context, unless that is the built-in one', () => {
  const perModel = { smol: { ...defaultModelSettings(), contextSize: 2048 }, other: defaultModelSettings() };
  expect(lastModel({ lastModelId: null, perModel }, 'tiny')).toBeNull();
  expect(lastModel({ lastModelId: 'tiny', perModel }, 'tiny')).toBeNull();
  expect(lastModel({ lastModelId: 'smol', perModel }, 'tiny')).toEqual({ modelId: 'smol', contextSize: 2048 });
  expect(lastModel({ lastModelId: 'other', perModel }, 'tiny')).toEqual({ modelId: 'other' });
  expect(lastModel({ lastModelId: 'new', perModel }, 'tiny')).toEqual({ modelId: 'new' });
});

it('is kept only if it is there at the next start', () => {
  const listings = [
    { id: 'smol', source: 'file' },
    { id: 'lent-1', source: 'lent' },
  ] as ModelListing[];
  expect(survivesRestart('smol', listings)).toBe(true);
  expect(survivesRestart('lent-1', listings)).toBe(false);
  expect(survivesRestart('gone', listings)).toBe(false);
});
