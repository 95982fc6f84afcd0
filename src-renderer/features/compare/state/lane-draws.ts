import type { ComparedPrompt, LaneSettings } from '../../../../src-main/protocol/app/comparisons/comparison.ts';
import { replyDraws } from '../../chat/state/reply-draws.ts';
import type { Reply } from '../../chat/state/reply.svelte.ts';
import type { DrawSource } from '../../waterfall/draw-source.ts';
import { laneParams } from './lane-settings.ts';

/** The draws of a lane's reply. @param prompt and settings that it was run with */
export function laneDraws(prompt: ComparedPrompt, settings: LaneSettings, reply: Reply): DrawSource {
  const { prompt: asked, stop } = laneParams(prompt, settings, 0);
  const date = reply.facts.run?.requestedAt;
  const dated = asked.kind === 'chat' && date !== undefined ? { ...asked, date } : asked;
  const sampling = { ...reply.sampling, seed: reply.seed };
  return replyDraws(reply, prompt.kind === 'text' ? prompt.text : '', (index) => ({
    ...{ prompt: dated, sampling, stop },
    reply: reply.ids(0, index),
  }));
}
