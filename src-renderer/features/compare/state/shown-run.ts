import type { StoredComparison } from '../../../../src-main/protocol/app/comparisons/comparison.ts';
import { laneLabels } from './lane-labels.ts';
import { Lane } from './lane.svelte.ts';
import type { SentChat } from './sent-chat.ts';

/** What is on screen of a stored run. */
export interface ShownRun {
  readonly lanes: readonly Lane[];
  /** That of all lanes; empty if they differ. */
  readonly systemPrompt: string;
  /** The prompt, unless it is a chat. */
  readonly text: string;
  readonly chat: SentChat | null;
}

export function shownRun(run: StoredComparison): ShownRun {
  const { title, prompt } = run;
  const settings = run.lanes.map((lane) => ({ ...lane.settings, label: '' }));
  const labels = laneLabels(settings);
  // A name that is made from the settings follows them.
  const lanes = run.lanes.map((lane, at) => {
    return Lane.from(lane.settings.label === labels[at] ? { ...lane, settings: settings[at] } : lane);
  });
  const [first] = settings;
  const systemPrompt = settings.every((one) => one.systemPrompt === first.systemPrompt) ? first.systemPrompt : '';
  if (prompt.kind === 'text') return { lanes, systemPrompt, text: prompt.text, chat: null };
  const { kind: _, ...sent } = prompt;
  return { lanes, systemPrompt, text: '', chat: { title: title || 'Chat', ...sent, systemPrompt } };
}
