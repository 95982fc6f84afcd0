import type { ComparedPrompt, LaneSettings } from '../../../../src-main/protocol/app/comparisons/comparison.ts';
import { drawnFrom, replyDraws } from '../../chat/state/reply-draws.ts';
import type { Reply } from '../../chat/state/reply.svelte.ts';
import type { DrawQuestion, DrawSource } from '../../waterfall/draw-source.ts';
import type { Lane } from './lane.svelte.ts';
import { promptWith } from './lane-settings.ts';

/** The draws of a lane's reply. @param prompt and settings that it was run with */
export function laneDraws(
  prompt: ComparedPrompt,
  settings: LaneSettings,
  reply: Reply,
  lane: Pick<Lane, 'sourceOf'>,
): DrawSource {
  const question = (of: Reply, index: number): DrawQuestion => {
    const source = lane.sourceOf(of);
    // Tokens before a branch were drawn for the other reply.
    if (source !== null && index < of.runStart) return question(source, index);
    // The random numbers of a branch begin after the token that a person chose.
    const drawn = drawnFrom(of, index);
    const begun = Math.min(of.runStart, drawn);
    const chosen = of.ids(begun, drawn).at(0);
    const asked = promptWith(prompt, settings, of, begun);
    const date = of.facts.run?.requestedAt;
    return {
      prompt: date === undefined ? asked : { ...asked, date },
      sampling: { ...of.sampling, seed: of.seed },
      stop: settings.stop,
      ...(chosen === undefined ? {} : { firstToken: chosen }),
      reply: of.ids(drawn, index),
    };
  };
  return replyDraws(reply, prompt.kind === 'text' ? `${prompt.text} ` : '', (index) => question(reply, index));
}
