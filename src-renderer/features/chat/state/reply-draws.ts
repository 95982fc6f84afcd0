import type { WaterfallToken, DrawQuestion, DrawSource } from '../../waterfall/draw-source.ts';
import { NO_TOKEN } from '../../../../src-main/protocol/app/chats/chat.ts';
import type { Reply } from './reply.svelte.ts';

/** Whether a person chose the first token of a reply's latest run. */
function beginsWithChosen({ facts: { run, branch }, runStart }: Pick<Reply, 'facts' | 'runStart'>): boolean {
  // Where nothing was recorded, a branch began with one.
  return run === undefined || run === null ? branch?.index === runStart : run.chosen !== undefined;
}

/**
 * Index of the first token of a reply that was drawn in the run of token `index`, at most `index`: neither those before the
 * run nor a token that a person chose were. 0 before the latest run.
 */
export function drawnFrom(reply: Pick<Reply, 'facts' | 'runStart'>, index: number): number {
  const { runStart } = reply;
  if (index < runStart) return 0;
  return beginsWithChosen(reply) ? Math.min(index, runStart + 1) : runStart;
}

/**
 * The draws of a reply.
 * @param asked the text before it
 */
export function replyDraws(reply: Reply, asked: string, question: (index: number) => DrawQuestion): DrawSource {
  const { stop } = reply;
  const ending = stop?.reason === 'eos' && 'token' in stop ? stop.token : null;
  const count = reply.count;
  return {
    count: count + (ending === null ? 0 : 1),
    sampling: { ...reply.sampling, seed: reply.seed },
    seed: reply.seed,
    model: { id: reply.facts.modelId, name: reply.model },
    token(index): WaterfallToken {
      if (index === count && ending !== null) return { id: ending.id, text: ending.piece };
      const { id, text } = reply.token(index);
      return { id, text };
    },
    before: (index) => ({ prompt: asked, reply: reply.slice(0, reply.startOf(index)) }),
    problem(index) {
      const first = index < reply.runStart ? 0 : reply.runStart;
      // The last one is the token in question.
      if (!reply.ids(first, index + 1).includes(NO_TOKEN)) return null;
      return 'The tokens before this one are not known, because the text was not generated.';
    },
    caution(index) {
      if (index < (reply.facts.branch?.index ?? 0)) {
        return 'This token is from the version that the reply was branched from, whose settings are not all stored.';
      }
      if (index < reply.runStart) {
        return 'This reply was continued later. Only the settings of the continuation are stored.';
      }
      if (index === reply.runStart && beginsWithChosen(reply)) {
        return 'You chose this token. The draw shows what the settings would have picked.';
      }
      if (reply.facts.run) return null;
      return 'Its prompt is from an earlier version of Tokenscope, which did not record all settings.';
    },
    question,
  };
}
