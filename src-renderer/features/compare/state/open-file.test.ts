import { describe, expect, it } from 'vitest';
import type { ModelListing } from '../../../../src-main/protocol/app/app-services.ts';
import { storedComparison } from '../../../../src-main/protocol/app/comparisons/test-support/comparisons.ts';
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
      `The file of ${model.name} on this computer is a different one, so new replies may differ.`,
    );
  });
});

describe('tokenscopeIn', () => {
  it('finds a run among dropped files', () => {
    const files = ['a.gguf', 'run.TOKENSCOPE'].map((name) => new File([], name));
    expect(tokenscopeIn(files)?.name).toBe('run.TOKENSCOPE');
    expect(tokenscopeIn(files.slice(0, 1))).toBeNull();
  });
});
