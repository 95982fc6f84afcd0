import { newReplyFacts, type ReplyFacts } from '../../../../src-main/protocol/app/chats/chat.ts';
import {
  MAX_REPLIES,
  type LaneReply,
  type LaneSettings,
  type StoredLane,
} from '../../../../src-main/protocol/app/comparisons/comparison.ts';
import { defaultModelSettings } from '../../../../src-main/protocol/app/settings-schemas.ts';
import { newId } from '../../../lib/new-id.ts';
import { now } from '../../chat/state/identity.ts';
import { Reply } from '../../chat/state/reply.svelte.ts';
import { seedOf } from './lane-settings.ts';

/**
 * Tokens of a lane's run and of its branches whose candidates are kept, about 20 MB. Those of others are computed again
 * when they are looked at.
 */
const MAX_DETAILS = 8192;

/** One lane: settings, and the replies that were generated with them. */
export class Lane {
  /** Identifies it on screen. */
  readonly key = newId();
  settings = $state.raw<LaneSettings>() as LaneSettings;
  /** Its samples, and then their branches. Replaced as a whole by each run. */
  replies = $state.raw<readonly Reply[]>([]);
  /** Index of the reply on screen. */
  shown = $state(0);
  /** Settings of the latest run, or null. */
  ranWith = $state.raw<LaneSettings | null>(null);
  /** Texts of its settings that are kept while another option is selected. */
  drafts = $state.raw(defaultModelSettings().drafts);
  /** Of how many further tokens the candidates are kept. */
  #detailsLeft = { tokens: MAX_DETAILS };

  constructor(settings: LaneSettings) {
    this.settings = settings;
  }

  static from({ settings, replies }: StoredLane): Lane {
    const lane = new Lane(settings);
    const ids = replies.map(() => newId());
    const made: Reply[] = [];
    for (const [at, { text, tokens, facts }] of replies.entries()) {
      const { branch, ...others } = facts;
      const of = Number(branch?.turn);
      // A file may say anything.
      const source = of < at && branch !== undefined && branch.index <= tokens.ids.length ? made[of] : undefined;
      const own =
        branch === undefined || source === undefined ? others : { ...facts, branch: { ...branch, turn: ids[of] } };
      const reply = new Reply({ ...newTurn(own, ids[at]), text, tokens });
      if (source !== undefined && branch !== undefined) reply.details.inherit(source.details, branch.index);
      made.push(reply);
    }
    lane.replies = made;
    lane.ranWith = replies.length > 0 ? settings : null;
    return lane;
  }

  /** Its replies that are no branches. */
  get samples(): readonly Reply[] {
    return this.replies.filter((reply) => !isBranch(reply));
  }

  /** What its figures are about: the branch on screen, or all samples. */
  get measured(): readonly Reply[] {
    const { reply } = this;
    return reply !== null && isBranch(reply) ? [reply] : this.samples;
  }

  /** The reply on screen, or null before the first run. */
  get reply(): Reply | null {
    return this.replies[Math.min(this.shown, this.replies.length - 1)] ?? null;
  }

  get running(): boolean {
    return this.replies.some(({ running }) => running);
  }

  /** Its settings have changed since it ran. */
  get changed(): boolean {
    return this.ranWith !== null && contentOf(this.ranWith) !== contentOf(this.settings);
  }

  set(patch: Partial<LaneSettings>): void {
    this.settings = { ...this.settings, ...patch };
  }

  /** Replaces its replies with empty ones, one for each sample. */
  begin(): readonly Reply[] {
    const { settings } = this;
    this.ranWith = settings;
    this.#detailsLeft = { tokens: MAX_DETAILS };
    this.replies = Array.from({ length: settings.samples }, (_, sample) => {
      const reply = new Reply(newTurn(newFacts(settings, sample)));
      reply.keepDetails(this.#detailsLeft);
      reply.begin({ sampling: settings.sampling });
      return reply;
    });
    this.shown = Math.min(this.shown, this.replies.length - 1);
    return this.replies;
  }

  /** Why no branch can be added, or null. */
  get full(): string | null {
    return this.replies.length < MAX_REPLIES
      ? null
      : `This lane has ${MAX_REPLIES} replies, the maximum. Running it again replaces them all.`;
  }

  /** Adds and shows a reply that begins with the first `index` tokens of another one, which stays. */
  branch(source: Reply, index: number): Reply {
    const settings = this.ranWith ?? this.settings;
    const facts = { ...newFacts(settings, this.sampleOf(source)), branch: { turn: source.id, index } };
    const text = source.slice(0, source.startOf(index));
    const reply = new Reply({ ...newTurn(facts), text, tokens: source.copyColumns(0, index) });
    reply.details.inherit(source.details, index);
    reply.keepDetails(this.#detailsLeft);
    reply.begin({ sampling: settings.sampling });
    this.replies = [...this.replies, reply];
    this.shown = this.replies.length - 1;
    return reply;
  }

  /** The reply that another one was branched from; null for a sample. */
  sourceOf({ facts: { branch } }: Reply): Reply | null {
    return branch === undefined ? null : (this.replies.find(({ id }) => id === branch.turn) ?? null);
  }

  /** A reply, after those that it was branched from, the first one first. */
  lineOf(reply: Reply): Reply[] {
    const source = this.sourceOf(reply);
    return source === null ? [reply] : [...this.lineOf(source), reply];
  }

  /** Indices of a reply's tokens, ascending, whose times include the reading of a prompt. */
  runStartsOf(reply: Reply): number[] {
    const starts = this.lineOf(reply).map(({ runStart }) => runStart);
    // A reply has only the beginning of what it was branched from.
    return [0, ...starts.filter((start, at) => start > 0 && starts.slice(at + 1).every((later) => start < later))];
  }

  /** Index of the sample that a reply is, or was branched from. */
  sampleOf(reply: Reply): number {
    return Math.max(0, this.samples.indexOf(this.lineOf(reply)[0]));
  }

  /** With the settings that its replies were generated with. @param label its name on screen */
  stored(label: string): StoredLane {
    const started = this.replies.filter(({ count, stop }) => count > 0 || stop !== null);
    const replies = started.map((reply): LaneReply => {
      const { facts, ...texts } = storedReply(reply);
      const { branch, ...others } = facts;
      const source = this.sourceOf(reply);
      if (branch === undefined || source === null) return { ...texts, facts: others };
      return { ...texts, facts: { ...others, branch: { ...branch, turn: String(started.indexOf(source)) } } };
    });
    return { settings: { ...(this.ranWith ?? this.settings), label }, replies };
  }
}

export function isBranch({ facts }: Reply): boolean {
  return facts.branch !== undefined;
}

export function storedReply(reply: Reply): LaneReply {
  const { ids, lengths, parts, logprobs, latencies } = reply.columns;
  return {
    text: reply.text,
    tokens: {
      ids: ids.slice(),
      lengths: lengths.slice(),
      parts: parts.slice(),
      logprobs: logprobs.slice(),
      latencies: latencies.slice(),
    },
    facts: reply.facts,
  };
}

function newTurn(facts: ReplyFacts, id = newId()) {
  return { id, parent: null, role: 'assistant', createdAt: now(), facts } as const;
}

/** @param sample from 0 */
function newFacts(settings: LaneSettings, sample: number): ReplyFacts {
  const { sampling, modelId, modelName, executor } = settings;
  return newReplyFacts({
    seed: seedOf(settings, sample) ?? 0,
    sampling,
    modelId,
    model: modelName,
    executor: executor ?? 'wasm',
  });
}

/** What determines its replies: all but the label. */
function contentOf(settings: LaneSettings): string {
  return JSON.stringify({ ...settings, label: '' });
}
