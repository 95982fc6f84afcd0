import type { ComparedPrompt, LaneSettings } from '../../../../src-main/protocol/app/comparisons/comparison.ts';
import { drawnFrom, replyDraws } from '../../chat/state/reply-draws.ts';
import type { TokenBasis } from '../../chat/state/recomputed-tokens.svelte.ts';
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
      stop: of.facts.run?.stop ?? settings.stop,
      ...(chosen === undefined ? {} : { firstToken: chosen }),
      reply: of.ids(drawn, index),
    };
  };
  return replyDraws(reply, prompt.kind === 'text' ? `${prompt.text} ` : '', (index) => question(reply, index));
}

/** What the tokens of a lane's reply are recomputed from. @param ran prompt and settings that it was run with */
export function laneBasis(
  ran: () => { prompt: ComparedPrompt; settings: LaneSettings },
  reply: Reply,
  lane: Pick<Lane, 'sourceOf'>,
): TokenBasis {
  return {
    promptWith: async (end) => {
      const { prompt, settings } = ran();
      const asked = promptWith(prompt, settings, reply, end);
      return { prompt: asked, replyTokens: asked.replyIds?.length ?? 0 };
    },
    draws: () => {
      const { prompt, settings } = ran();
      return laneDraws(prompt, settings, reply, lane);
    },
  };
}
