import type { ComparedPrompt, LaneSettings } from '../../../../src-main/protocol/app/comparisons/comparison.ts';
import { recordedRun, runWith, type StoredRun } from '../../chat/receipts/recorded-reply.ts';
import type { Reply } from '../../chat/state/reply.svelte.ts';
import { promptWith } from './lane-settings.ts';

/**
 * What repeats a reply of a lane, alone; or the reason, for people, why it cannot be repeated.
 * @param prompt and settings that it was run with
 */
export function laneRun(prompt: ComparedPrompt, settings: LaneSettings, reply: Reply): StoredRun | string {
  const run = recordedRun(reply);
  if (typeof run === 'string') return run;
  const asked = promptWith(prompt, settings, reply, reply.runStart);
  return runWith(reply, run, { ...asked, whenFull: run.whenFull });
}
