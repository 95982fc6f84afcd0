/** Lanes with their cells, which move to another executor when theirs is lost. */
import { EngineError } from '../api/errors.ts';
import type { CancelToken } from '../api/platform.ts';
import type { MovedReply } from '../api/types.ts';
import type { CellBlock, Executor } from '../executors/executor.ts';
import type { ContextWindow, TokenWindow } from './context-window.ts';
import type { Recovered } from './generate.ts';
import type { HostYield } from './host-yield.ts';
import { cellsOf, type LaneCells, Lanes } from './lanes.ts';
import { logitsAfter } from './prefill.ts';

/** Where lanes run. */
export interface LaneHome {
  executor: Executor;
  /** Computes the shared prefix, and keeps it for later requests. */
  context: ContextWindow;
}

/** The same model on another executor. */
export type RecoveredLanes = MovedReply & LaneHome;

export interface MovableLanesOptions {
  /** Common prefix of the lanes. */
  readonly shared: readonly number[];
  readonly needs: readonly LaneCells[];
  /** Number of lanes that can start. */
  readonly count: number;
  /** See `Lanes`. */
  readonly maxRows: number;
  /** Set when all lanes are cancelled. */
  readonly cancel: CancelToken;
  readonly hostYield: HostYield;
  readonly recover: ((error: EngineError) => Promise<RecoveredLanes>) | undefined;
}

/** The lanes on one executor. */
interface Stay {
  readonly home: LaneHome;
  readonly block: CellBlock;
  lanes: Lanes | null;
  /** Why the executor was lost before the lanes started; null if it was not. */
  readonly lost: EngineError | null;
  /** The move to the next executor; null until it starts. */
  moved: Promise<MovedReply> | null;
}

export class MovableLanes {
  private stay: Stay | null = null;
  private readonly ended = new Set<number>();

  constructor(private readonly options: MovableLanesOptions) {}

  /** Additional memory for K and V. */
  get bytes(): number {
    return this.present.block.bytes;
  }

  window(lane: number): TokenWindow {
    return lanesOf(this.present).window(lane);
  }

  /** @throws EngineError OUT_OF_MEMORY that suggests what to change */
  async allocate(home: LaneHome): Promise<void> {
    const { shared, needs, count } = this.options;
    const cells = cellsOf(shared.length, needs);
    try {
      this.stay = { home, block: await home.executor.allocateCells(cells), lanes: null, lost: null, moved: null };
    } catch (thrown) {
      const error = EngineError.from(thrown);
      if (error.code === 'BACKEND_LOST' && this.options.recover) {
        this.stay = { home, block: noBlock(cells), lanes: null, lost: error, moved: null };
        return;
      }
      if (error.code !== 'OUT_OF_MEMORY') throw error;
      throw new EngineError(
        'OUT_OF_MEMORY',
        `Not enough memory for K and V of ${count} lanes, ${cells} tokens in all. Use fewer lanes or a lower token ` +
          `limit. ${error.message}`,
        { ...error.details, lanes: count, cells },
        { cause: error },
      );
    }
  }

  /** @returns tokens of the shared prefix that are stored already */
  reuse(): number {
    const { shared } = this.options;
    // One more, because the last token is never reused.
    return shared.length > 0 ? this.present.home.context.reuse([...shared, 0]) : 0;
  }

  /**
   * Computes the shared prefix and starts the lanes. If the executor is lost meanwhile, their next run fails.
   * @returns length of the prefix in the window: shorter than the shared one if the lanes were stopped meanwhile
   */
  async prefill(): Promise<number> {
    const stay = this.present;
    try {
      if (stay.lost !== null) throw stay.lost;
      return await this.begin(stay);
    } catch (thrown) {
      const error = EngineError.from(thrown);
      if (error.code !== 'BACKEND_LOST' || !this.options.recover) throw error;
      this.start(stay, []).lose(error);
      return 0;
    }
  }

  /** Finishes a lane. */
  finish(lane: number): void {
    this.ended.add(lane);
    this.stay?.lanes?.finish(lane);
  }

  /**
   * Where the lane continues. All lanes move together, when none uses the lost executor any more.
   * @throws EngineError why they cannot continue, the same for all
   */
  async recover(lane: number, error: EngineError): Promise<Recovered> {
    const from = this.present;
    await lanesOf(from).leave(lane, error);
    from.moved ??= this.move(error);
    const moved = await from.moved;
    return { ...moved, context: this.window(lane) };
  }

  release(): void {
    this.stay?.block.release();
    this.stay = null;
  }

  private async move(error: EngineError): Promise<MovedReply> {
    this.release();
    const { executor, context, ...moved } = await this.options.recover!(error);
    await this.allocate({ executor, context });
    if (this.present.lost !== null) throw this.present.lost;
    this.reuse();
    await this.begin(this.present);
    for (const lane of this.ended) lanesOf(this.present).finish(lane);
    return moved;
  }

  private async begin(stay: Stay): Promise<number> {
    const { context } = stay.home;
    const { shared, hostYield, cancel } = this.options;
    if (shared.length > 0 && context.length < shared.length) {
      try {
        await logitsAfter(shared, context, hostYield, cancel);
      } catch (thrown) {
        // Each lane notices separately that it was stopped.
        if (EngineError.from(thrown).code !== 'CANCELLED') throw thrown;
      }
    }
    const prefix = shared.slice(0, Math.min(shared.length, context.length));
    stay.block.copy(context.cells(prefix.length));
    this.start(stay, prefix);
    return prefix.length;
  }

  private start(stay: Stay, prefix: readonly number[]): Lanes {
    const { needs, maxRows } = this.options;
    const { executor } = stay.home;
    stay.lanes = new Lanes({ executor, block: stay.block, shared: prefix, lanes: needs, maxRows });
    return stay.lanes;
  }

  private get present(): Stay {
    if (this.stay === null) throw new EngineError('INTERNAL', 'The lanes have no cells.');
    return this.stay;
  }
}

/** Of an executor that was lost. */
function noBlock(cells: number): CellBlock {
  return { cells, bytes: 0, copy: () => undefined, release: () => undefined };
}

function lanesOf({ lanes }: Stay): Lanes {
  if (lanes === null) throw new EngineError('INTERNAL', 'The lanes have not started.');
  return lanes;
}
