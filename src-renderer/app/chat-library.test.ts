import { expect, it, vi } from 'vitest';
import { EngineError } from '../../src-main/engine/api/errors.ts';
import type { ModelListing } from '../../src-main/protocol/app/app-services.ts';
import type { Fit } from '../features/models/memory.ts';
import { chatLibrary } from './chat-library.ts';

function setUp() {
  const outcome = { problem: null as EngineError | null, verdict: 'fits' as Fit['verdict'] };
  const library = {
    listings: [] as readonly ModelListing[],
    nameOf: (id: string) => id,
    load: vi.fn(async () => undefined),
    biggerWindow: () => null,
    loadWindow: async () => undefined,
    problem: () => outcome.problem,
    fit: () => ({ verdict: outcome.verdict }) as Fit,
  };
  const showModels = vi.fn();
  return { outcome, library, showModels, forChat: chatLibrary(library, showModels) };
}

it('shows the Models page if a model cannot be loaded', async () => {
  const { outcome, library, showModels, forChat } = setUp();
  await forChat.load('a');
  expect(library.load).toHaveBeenCalledWith('a');
  expect(showModels).not.toHaveBeenCalled();
  outcome.problem = new EngineError('MODEL_IO', 'It cannot be read.');
  await forChat.load('a');
  expect(showModels).toHaveBeenCalledTimes(1);
  outcome.problem = null;
  outcome.verdict = 'too-large';
  await forChat.load('a');
  expect(showModels).toHaveBeenCalledTimes(2);
});

it('has the models that the library has now', () => {
  const { library, forChat } = setUp();
  const listing = { id: 'a' } as ModelListing;
  library.listings = [listing];
  expect(forChat.listings).toEqual([listing]);
});
