import { newReplyFacts, type ReplyFacts } from '../../../../src-main/protocol/app/chats/chat.ts';
import type { LaneReply, LaneSettings, StoredLane } from '../../../../src-main/protocol/app/comparisons/comparison.ts';
import { newId, now } from '../../chat/state/identity.ts';
import { Reply } from '../../chat/state/reply.svelte.ts';

/** One lane: settings, and the replies that were generated with them. */
export class Lane {
  /** Identifies it on screen. */
  readonly key = newId();
  settings = $state.raw<LaneSettings>() as LaneSettings;
  /** Its samples. Replaced as a whole by each run. */
  replies = $state.raw<readonly Reply[]>([]);
  /** Index of the sample on screen. */
  shown = $state(0);
  /** Settings of the latest run, or null. */
  ranWith = $state.raw<LaneSettings | null>(null);

  constructor(settings: LaneSettings) {
    this.settings = settings;
  }

  static from({ settings, replies }: StoredLane): Lane {
    const lane = new Lane(settings);
    lane.replies = replies.map((reply) => Reply.from({ ...newTurn(reply.facts), ...reply }));
    lane.ranWith = replies.length > 0 ? settings : null;
    return lane;
  }

  /** The sample on screen, or null before the first run. */
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
    this.replies = Array.from({ length: settings.samples }, () => {
      const reply = new Reply(newTurn(newFacts(settings)));
      reply.keepDetails();
      reply.begin({ sampling: settings.sampling });
      return reply;
    });
    this.shown = Math.min(this.shown, this.replies.length - 1);
    return this.replies;
  }

  /** With the settings that its replies were generated with. @param label its name on screen */
  stored(label: string): StoredLane {
    const started = this.replies.filter(({ count, stop }) => count > 0 || stop !== null);
    return { settings: { ...(this.ranWith ?? this.settings), label }, replies: started.map(storedReply) };
  }
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

function newTurn(facts: ReplyFacts) {
  return { id: newId(), parent: null, role: 'assistant', createdAt: now(), facts } as const;
}

function newFacts({ sampling, modelId, modelName, executor }: LaneSettings): ReplyFacts {
  return newReplyFacts({
    seed: sampling.seed ?? 0,
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
