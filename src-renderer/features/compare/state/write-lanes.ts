import { EngineError } from '../../../../src-main/engine/api/errors.ts';
import type {
  GenerateParams,
  GenerateStart,
  LanesEvent,
  LanesPrefill,
  MovedReply,
  Stop,
} from '../../../../src-main/engine/api/types.ts';
import type { EngineApi } from '../../../../src-main/protocol/engine/api.ts';
import { FrameParts } from '../../../lib/frame-parts.ts';
import type { Reply } from '../../chat/state/reply.svelte.ts';
import { ReplyBuffer, stopAfter } from '../../chat/state/write-reply.ts';

type LaneEvent = Extract<LanesEvent, { type: 'lane' }>;

/** Events taken in one frame. Without a limit, a frame that took long would make the next one take longer. */
const MOST_IN_A_FRAME = 64;

export interface WriteLanesOptions {
  readonly engine: EngineApi;
  /** Names the batch in `stopLane`. */
  readonly key: string;
  /** One of each reply. */
  readonly params: GenerateParams[];
  readonly signal: AbortSignal;
  /** Collects the events of lanes until a frame. See `LaneRunnerParts.frame`. */
  frame(callback: () => void, isUrgent: boolean, share: number): void;
  /** Nothing is drawn, and frames are rare. */
  isHidden(): boolean;
  onPrefill(prefill: LanesPrefill): void;
  /** The `start` event of a lane arrived. */
  onStart(lane: number, start: GenerateStart): void;
  /** A lane continues on another executor. */
  onMoved(moved: MovedReply): void;
  /** Maps the engine's stop to the reply's. */
  stopOf(stop: Stop): Stop;
}

/** Generates replies as one batch. Never rejects: what goes wrong is the stop reason of the replies that had not ended. */
export async function writeLanes(replies: readonly Reply[], options: WriteLanesOptions): Promise<void> {
  const { engine, key, params, signal } = options;
  const writers = replies.map((reply) => new ReplyBuffer(reply, options.stopOf));
  const parts = new FrameParts(replies.length);
  let events: LaneEvent[] = [];
  let whenTaken = () => {};
  const taken = () => new Promise<void>((done) => (whenTaken = done));
  /** Number of events that one frame takes. A hidden page draws none. */
  const most = () => (options.isHidden() ? Infinity : MOST_IN_A_FRAME);
  /** The engine waits while this many events have not been taken: more while a frame draws only some of the lanes. */
  const mostWaiting = () => most() / parts.share;
  let coming: { readonly isUrgent: boolean } | null = null;
  const request = () => {
    // Otherwise the engine would have to wait, or a lane that was stopped would seem to go on.
    const hasEnded = !options.isHidden() && events.some(isEnd);
    const isUrgent = hasEnded || events.length >= mostWaiting();
    if (coming !== null && (coming.isUrgent || !isUrgent)) return;
    const frame = { isUrgent };
    coming = frame;
    // An urgent frame takes the place of one that was to come after a rest.
    const inFrame = () => (coming === frame ? flush() : undefined);
    options.frame(inFrame, isUrgent, parts.share);
  };
  // Several lanes at once, so that the page is updated once per frame; not all of them if that takes long.
  const flush = () => {
    coming = null;
    parts.measure();
    try {
      const turn = takeTurn(events, options.isHidden() || signal.aborted ? Infinity : parts.most, most());
      events = turn.left;
      for (const { lane, event } of turn.taken) {
        writers[lane].take(event);
        if (event.type === 'start') options.onStart(lane, event);
        else if (event.type === 'moved') options.onMoved(event);
      }
      for (const writer of writers) writer.flush();
    } finally {
      if (events.length > 0) request();
      whenTaken();
    }
  };
  let failure: EngineError | null = null;
  try {
    for await (const event of engine.stream('compare', { key, lanes: params }, { signal })) {
      if (event.type === 'prefill') {
        options.onPrefill(event);
        continue;
      }
      events.push(event);
      request();
      // The engine waits for a page that cannot draw as fast.
      while (events.length >= mostWaiting()) await taken();
    }
    // The next frame may be a minute away.
    if (options.isHidden()) flush();
  } catch (thrown) {
    failure = EngineError.from(thrown);
  }
  while (events.length > 0) await taken();
  const error = failure ?? new EngineError('INTERNAL', 'The engine ended the reply without a stop reason. Try again.');
  for (const reply of replies) if (reply.running) reply.failed(options.stopOf(stopAfter(error, reply)));
}

const isEnd = ({ event }: LaneEvent) => event.type === 'end';

/**
 * Divides events, oldest first: those of the lanes that have ended or else waited longest, no more than `most`, and the
 * others.
 */
function takeTurn(
  events: readonly LaneEvent[],
  lanes: number,
  most: number,
): { taken: LaneEvent[]; left: LaneEvent[] } {
  const inOrder = new Set([...events.filter(isEnd), ...events].map(({ lane }) => lane));
  const turn = new Set([...inOrder].slice(0, lanes));
  const taken: LaneEvent[] = [];
  const left: LaneEvent[] = [];
  for (const one of events) {
    if (turn.has(one.lane) && taken.length < most) taken.push(one);
    else left.push(one);
  }
  return { taken, left };
}
