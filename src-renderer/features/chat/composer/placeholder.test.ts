import { expect, it } from 'vitest';
import { isChatModel, placeholderText } from './placeholder.ts';

it('a model with a template answers messages, unless the template is not used; one without continues a text', () => {
  expect(isChatModel({ hasChatRoles: true }, 'model')).toBe(true);
  expect(isChatModel({ hasChatRoles: true }, 'plain')).toBe(false);
  expect(isChatModel({ hasChatRoles: false }, 'model')).toBe(false);
  expect(isChatModel({ hasChatRoles: false }, 'custom')).toBe(true);
  expect(isChatModel(null, 'model')).toBe(false);
});

it('the text box fits the model and what it is doing', () => {
  const tiny = { name: 'TinyTransformer', answers: false, builtIn: true };
  const smol = { name: 'SmolLM2', answers: true, builtIn: false };
  const base = { name: 'gpt2', answers: false, builtIn: false };
  const at = (model: typeof tiny | null, change: object = {}) =>
    placeholderText({ busy: false, loading: null, model, isNew: true, ...change });
  expect(at(tiny)).toBe('Start a story…');
  expect(at(base)).toBe('Start a text…');
  expect(at(base, { isNew: false })).toBe('Continue the text…');
  expect(at(smol)).toBe('Message SmolLM2…');
  expect(at(smol, { isNew: false })).toBe('Message SmolLM2…');
  expect(at(null)).toBe('Load a model to start');
  expect(at(null, { loading: 'SmolLM2' })).toBe('Loading SmolLM2…');
  expect(at(smol, { busy: true })).toContain('sent when this reply ends');
});
