/** State of a model's card: one chip, and the problem if there is one. */
import CircleAlert from '@lucide/svelte/icons/circle-alert';
import Check from '@lucide/svelte/icons/check';
import TriangleAlert from '@lucide/svelte/icons/triangle-alert';
import type { EngineError } from '../../../src-main/engine/api/errors.ts';
import type { ModelListing } from '../../../src-main/protocol/app/app-services.ts';
import type { IconComponent } from '../../ui/types.ts';
import { problemText, type Problem } from './messages.ts';

export interface CardState {
  chip: { text: string; tone: 'neutral' | 'ok' | 'warn' | 'danger'; icon?: IconComponent } | null;
  problem: (Problem & { tone: 'warn' | 'danger' }) | null;
  loadable: boolean;
}

/** @param facts.short why it does not fit in memory @param facts.described its header was read */
export function cardState(
  model: Pick<ModelListing, 'state' | 'stateText'>,
  facts: { loaded: boolean; loading: boolean; described: boolean; error: EngineError | null; short: Problem | null },
): CardState {
  const { loaded, loading, described, error, short } = facts;
  if (loading) return { chip: { text: 'Loading', tone: 'neutral' }, problem: null, loadable: false };
  if (model.state === 'missing') {
    const text = model.stateText ?? '';
    return {
      chip: { text: 'Missing', tone: 'danger', icon: CircleAlert },
      problem: { title: 'File not found', text, tone: 'danger' },
      loadable: false,
    };
  }
  const changed: CardState['problem'] =
    model.state === 'changed' ? { title: 'File changed', text: model.stateText ?? '', tone: 'warn' } : null;
  if (loaded) {
    // The file was replaced and could not be loaded: memory still has the old one.
    const failed = error === null ? null : ({ ...problemText(error), tone: 'danger' } as const);
    const chip = { text: 'Loaded', tone: 'ok', icon: Check } as const;
    return { chip, problem: changed ?? failed, loadable: changed === null && failed !== null && described };
  }
  if (error !== null) {
    return {
      chip: { text: described ? 'Load failed' : 'Unusable', tone: 'danger', icon: CircleAlert },
      problem: { ...problemText(error), tone: 'danger' },
      // A failed load can be retried, for example after freeing memory. What the header rules out cannot.
      loadable: described,
    };
  }
  if (changed !== null) {
    return { chip: { text: 'Changed', tone: 'warn', icon: TriangleAlert }, problem: changed, loadable: described };
  }
  if (short !== null) {
    return {
      chip: { text: short.title, tone: 'warn', icon: TriangleAlert },
      problem: { ...short, tone: 'warn' },
      loadable: false,
    };
  }
  return { chip: described ? { text: 'Ready', tone: 'neutral' } : null, problem: null, loadable: described };
}
