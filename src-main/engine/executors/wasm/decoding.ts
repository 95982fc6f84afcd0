/** How single tokens are computed fastest: the number of weight streams and of threads. */
import type { CancelToken, Clock } from '../../api/platform.ts';
import { type Measured, type MeasureOnce, timeAlternatives, whenMeasured } from './measure-once.ts';
import { STREAM_COUNTS, type RunSettings, type StreamCount } from './run-inputs.ts';
import { ThreadAdaptation } from './thread-adaptation.ts';
import { chooseThreads } from './thread-choice.ts';

/** Weights up to this size stay in a cache, where the number of streams makes no difference. */
const CACHED_BYTES = 16 * 2 ** 20;
/** Maximum time of all barriers of a token. */
const MEETINGS_MS = 2;

/** What is timed. */
interface Decoder {
  /** Threads of the pool, including the engine's own. */
  readonly threads: number;
  readonly operations: number;
  readonly weightBytes: number;
  /** The float32 kernels always read four streams. */
  readonly isFloat32: boolean;
  /** Part of a token that `runToken` computes: its first operations, if all would take long. */
  readonly share: number;
  /**
   * Computes one token, or its first part. The cache is still empty, so the cell that is written does not matter.
   * @throws EngineError CANCELLED
   */
  runToken(cancel?: CancelToken): Promise<void>;
}

export class DecodeChoice {
  /** Threads for runs with little work, such as one token, on free cores. */
  threads: number;
  /** Takes fewer on busy cores; null where the number was requested. */
  adaptation: ThreadAdaptation | null = null;
  whyThreads = 'as requested';
  /** Whether nothing else seemed to run while threads were timed. */
  private areTimesClear = true;
  whyStreams = 'as requested';

  constructor(
    private readonly decoder: Decoder,
    private readonly settings: RunSettings,
  ) {
    this.threads = decoder.threads;
  }

  /**
   * Chooses how many threads compute a token.
   * @throws EngineError CANCELLED
   */
  async measureThreads(clock: Clock, once: MeasureOnce, cancel?: CancelToken): Promise<void> {
    const time = (more: number, fewer: number) => this.timeThreads(clock, more, fewer, cancel);
    const { threads, reason, before } = await chooseThreads(this.decoder.threads, this.costs(), once, time);
    this.threads = threads;
    this.whyThreads = reason;
    // V8 compiles kernels when they first run; do it now rather than in the first reply.
    if (before) await this.decoder.runToken(cancel);
    const most = this.areTimesClear ? threads : this.decoder.threads;
    if (most > 1) this.adaptation = new ThreadAdaptation(most, clock, threads);
  }

  private async timeThreads(clock: Clock, more: number, fewer: number, cancel?: CancelToken): Promise<Measured> {
    const choose = async (first: boolean) => {
      this.threads = first ? more : fewer;
      // Idle threads sleep; during a reply they are awake.
      if (first) await this.decoder.runToken(cancel);
    };
    const { values, clear } = await this.timeToken(clock, choose, cancel);
    // Sharing makes a long token slower only while other programs use the processor, which is temporary.
    const isBusy = fewer === 1 && values[0] > values[1] && values[1] > MEETINGS_MS;
    this.areTimesClear &&= clear && !isBusy;
    return { values, clear: clear && !isBusy };
  }

  /**
   * Chooses the number of streams by timing single tokens, because processors prefetch differently.
   * @throws EngineError CANCELLED
   */
  async chooseStreams(asked: StreamCount | Clock | undefined, once: MeasureOnce, cancel?: CancelToken): Promise<void> {
    const { decoder, settings } = this;
    if (decoder.isFloat32) {
      this.whyStreams = 'float32 weights always use 4 streams';
      return;
    }
    if (typeof asked === 'number') {
      settings.streams = asked;
      return;
    }
    const clock = asked;
    if (!clock) {
      this.whyStreams = 'no clock is available to measure with';
      return;
    }
    if (decoder.weightBytes < CACHED_BYTES) {
      this.whyStreams = 'the weights fit in the CPU cache, so the number of streams makes no difference';
      return;
    }
    const time = async () => {
      // V8 compiles kernels when they first run, which must not be timed.
      await decoder.runToken(cancel);
      const choose = (first: boolean) => void (settings.streams = STREAM_COUNTS[first ? 0 : 1]);
      return this.timeToken(clock, choose, cancel);
    };
    const what = `${STREAM_COUNTS.join(' or ')} places, ${decoder.threads} at once, ${this.costs()}`;
    const { values, before } = await once(what, STREAM_COUNTS.length, time);
    settings.streams = values[0] < values[1] ? STREAM_COUNTS[0] : STREAM_COUNTS[1];
    const [eight, two] = values.map((ms) => `${ms.toFixed(2)} ms`);
    this.whyStreams = `${whenMeasured(before)}: one token takes ${eight} with 8 streams, ${two} with 2`;
  }

  /** @returns ms of a whole token in either way */
  private async timeToken(
    clock: Clock,
    choose: (first: boolean) => void | Promise<void>,
    cancel?: CancelToken,
  ): Promise<Measured> {
    const { share } = this.decoder;
    const { values, clear } = await timeAlternatives(clock, choose, () => this.decoder.runToken(cancel));
    return { values: values.map((ms) => ms / share), clear };
  }

  /** What a token's time depends on, independent of the model's name. */
  private costs(): string {
    return `${this.decoder.operations} operations, ${this.decoder.weightBytes} bytes of weights`;
  }
}
