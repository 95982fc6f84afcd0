import type { GrammarSource } from '../../../../src-main/engine/api/types.ts';
import { toasts } from '../../../ui/toasts.svelte.ts';
import type { ModelSettingsState } from '../state/model-settings.svelte.ts';
import { GRAMMAR_EXAMPLES, type Example } from './examples.ts';

/** Replaces an answer format by an example, which can be undone if a person wrote the format. */
export function chooseExample(
  settings: Pick<ModelSettingsState, 'owner' | 'remember' | 'setGrammar'>,
  { kind, source: written }: GrammarSource,
  { name, source }: Example,
): void {
  const { owner } = settings;
  const giveBack = settings.remember();
  settings.setGrammar({ kind, source });
  if (written.trim() === '' || GRAMMAR_EXAMPLES[kind].some((example) => example.source === written)) return;
  toasts.show({
    text: 'Answer format replaced',
    detail: name,
    // Setting it again restores its draft too. By then another chat or model may be current, which keeps its own.
    undo: () => (settings.owner === owner ? settings.setGrammar({ kind, source: written }) : giveBack()),
  });
}
