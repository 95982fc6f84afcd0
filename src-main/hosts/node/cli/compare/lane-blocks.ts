import type { Output } from '../output.ts';
import type { LaneView } from './lane-view.ts';

/** Prints lanes one below the other: the first running lane is streamed, and those after it follow when it has ended. */
export class LaneBlocks implements LaneView {
  /** Text that is not printed yet, by lane. */
  private readonly waiting: string[];
  private readonly running: Set<number>;
  private shown = 0;
  private hasTitle = false;

  constructor(
    private readonly out: Output,
    private readonly titles: readonly string[],
    /** Lanes of an earlier batch were printed before. */
    private readonly follows = false,
  ) {
    this.waiting = titles.map(() => '');
    this.running = new Set(titles.keys());
  }

  async add(lane: number, text: string): Promise<void> {
    this.waiting[lane] += text;
    if (lane === this.shown) await this.write();
  }

  async end(lane: number): Promise<void> {
    this.running.delete(lane);
    while (this.shown < this.titles.length && !this.running.has(this.shown)) {
      await this.write();
      await this.out.write('\n');
      this.shown++;
      this.hasTitle = false;
    }
    if (this.shown < this.titles.length) await this.write();
  }

  private async write(): Promise<void> {
    const { shown, titles, waiting, follows } = this;
    if (!this.hasTitle) await this.out.line(`${shown === 0 && !follows ? '' : '\n'}[${titles[shown]}]`);
    this.hasTitle = true;
    const text = waiting[shown]!;
    waiting[shown] = '';
    await this.out.write(text);
  }
}
