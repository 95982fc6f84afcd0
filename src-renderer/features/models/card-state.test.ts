import { expect, it } from 'vitest';
import { EngineError } from '../../../src-main/engine/api/errors.ts';
import { cardState } from './card-state.ts';

const OK = { state: 'ok', stateText: null } as const;
const FACTS = { loaded: false, loading: false, described: true, error: null, short: null };

it('says one thing, and the worst of it', () => {
  expect(cardState(OK, FACTS)).toEqual({ chip: { text: 'Ready', tone: 'neutral' }, problem: null, loadable: true });
  expect(cardState(OK, { ...FACTS, described: false })).toEqual({ chip: null, problem: null, loadable: false });
  expect(cardState(OK, { ...FACTS, loaded: true })).toMatchObject({ chip: { text: 'Loaded' }, loadable: false });
  expect(cardState(OK, { ...FACTS, loading: true })).toMatchObject({ chip: { text: 'Loading' }, loadable: false });
  const short = { title: '0.7 GB short', text: 'It needs 2 GB.' };
  expect(cardState(OK, { ...FACTS, short })).toMatchObject({
    chip: { text: '0.7 GB short', tone: 'warn' },
    problem: short,
    loadable: false,
  });
});

it('lets what failed once be tried again, and what cannot be read not', () => {
  const error = new EngineError('OUT_OF_MEMORY', 'No room.');
  expect(cardState(OK, { ...FACTS, error })).toMatchObject({ chip: { text: 'Load failed' }, loadable: true });
  const broken = new EngineError('MODEL_FORMAT', 'Cut short.');
  expect(cardState(OK, { ...FACTS, described: false, error: broken })).toMatchObject({
    chip: { text: 'Unusable' },
    problem: { title: 'Damaged, or not a model', text: 'Cut short.' },
    loadable: false,
  });
});

it('tells of a file that is gone or another one, also of the model in memory', () => {
  const missing = { state: 'missing', stateText: 'a.gguf is not there.' } as const;
  for (const loaded of [true, false]) {
    expect(cardState(missing, { ...FACTS, loaded })).toMatchObject({
      chip: { text: 'Missing' },
      problem: { text: 'a.gguf is not there.', tone: 'danger' },
      loadable: false,
    });
  }
  const changed = { state: 'changed', stateText: 'a.gguf changed.' } as const;
  expect(cardState(changed, FACTS)).toMatchObject({ chip: { text: 'Changed' }, loadable: true });
  expect(cardState(changed, { ...FACTS, loaded: true })).toMatchObject({
    chip: { text: 'Loaded' },
    problem: { text: 'a.gguf changed.' },
  });
});

it('offers to load a model in memory again whose new file could not be loaded', () => {
  const error = new EngineError('MODEL_FORMAT', 'Cut short.');
  expect(cardState(OK, { ...FACTS, loaded: true, error })).toMatchObject({
    chip: { text: 'Loaded' },
    problem: { text: 'Cut short.', tone: 'danger' },
    loadable: true,
  });
});
