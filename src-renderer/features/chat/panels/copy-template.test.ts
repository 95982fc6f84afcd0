import { beforeEach, expect, it } from 'vitest';
import { toasts } from '../../../ui/toasts.svelte.ts';
import { EXAMPLE_TEMPLATE } from '../prompt/templates.ts';
import { ModelSettingsState } from '../state/model-settings.svelte.ts';
import { SettingsState } from '../state/settings.svelte.ts';
import { FakeServices, MODEL } from '../test-support/fakes.ts';
import { copyTemplate } from './copy-template.ts';

let settings: ModelSettingsState;

beforeEach(async () => {
  toasts.list = [];
  const stored = await SettingsState.load(new FakeServices());
  settings = new ModelSettingsState({ settings: stored, engine: { model: MODEL }, firstModel: MODEL.id });
});

it('replaces a written template only until that is undone', () => {
  settings.setTemplateSource('{{ mine }}');
  copyTemplate(settings, '{{ messages }}');
  expect(settings.own.drafts.template).toBe('{{ messages }}');
  expect(toasts.list).toMatchObject([{ text: 'Custom template replaced' }]);
  toasts.undo(toasts.list[0].id);
  expect(settings.own.drafts.template).toBe('{{ mine }}');
});

it('has nothing to undo after the example, or an empty template', () => {
  for (const template of [EXAMPLE_TEMPLATE, '', '{{ messages }}']) {
    settings.setTemplateSource(template);
    copyTemplate(settings, '{{ messages }}');
  }
  expect(toasts.list).toEqual([]);
});

it('is not undone in the template of another model', () => {
  const sources: string[] = [];
  const own = (template: string) => ({ ...settings.own, drafts: { ...settings.own.drafts, template } });
  const setTemplateSource = (source: string) => void sources.push(source);
  const target = { model: MODEL, own: own('{{ mine }}'), setTemplateSource };
  copyTemplate(target, '{{ messages }}');
  target.model = { ...MODEL, id: 'other' };
  target.own = own('{{ its }}');
  toasts.undo(toasts.list[0].id);
  expect(sources).toEqual(['{{ messages }}']);
});
