import { describe, expect, it } from 'vitest';
import type { ModelListing } from '../../../../src-main/protocol/app/app-services.ts';
import {
  laneSettings,
  storedComparison,
} from '../../../../src-main/protocol/app/comparisons/test-support/comparisons.ts';
import { tokenscopeIn, withOwnModels } from './open-file.ts';

const run = storedComparison();
const [{ settings }] = run.lanes;
const model = { id: settings.modelId, name: settings.modelName, bytes: 10, sha256: null };
const listing = (change: Partial<ModelListing>) =>
  ({ id: 'mine', name: model.name, fileBytes: 10, sha256: null, ...change }) as ModelListing;

describe('withOwnModels', () => {
  it('gives the lanes the model of this computer', () => {
    const opened = withOwnModels({ comparison: run, models: [model] }, [listing({})]);
    expect(opened.run.lanes[0].settings.modelId).toBe('mine');
    expect(opened.notice).toBeNull();
  });
  it('says which models are missing or different', () => {
    expect(withOwnModels({ comparison: run, models: [model] }, []).notice).toBe(
      `This computer does not have ${model.name}. Its lanes cannot be run.`,
    );
    expect(withOwnModels({ comparison: run, models: [model] }, [listing({ fileBytes: 11 })]).notice).toBe(
      `This computer has ${model.name} with a different file, so new replies may differ.`,
    );
    const other = { ...model, id: 'other', name: 'Other' };
    expect(withOwnModels({ comparison: run, models: [model, other] }, []).notice).toBe(
      `This computer does not have ${model.name} and Other. Their lanes cannot be run.`,
    );
  });
  it('drops names that were made from the settings, and keeps those that a person gave', () => {
    const named = (label: string, modelName: string) => laneSettings(label, { modelName });
    const lanes = [named('Bob’s Tiny', 'Bob’s Tiny'), named('Mine', 'Other')];
    const comparison = { ...run, lanes: lanes.map((each) => ({ settings: each, replies: [] })) };
    const opened = withOwnModels({ comparison, models: [] }, []);
    expect(opened.run.lanes.map((lane) => lane.settings.label)).toEqual(['', 'Mine']);
  });
});

describe('tokenscopeIn', () => {
  it('finds a run among dropped files', () => {
    const files = ['a.gguf', 'run.TOKENSCOPE'].map((name) => new File([], name));
    expect(tokenscopeIn(files)?.name).toBe('run.TOKENSCOPE');
    expect(tokenscopeIn(files.slice(0, 1))).toBeNull();
  });
});
