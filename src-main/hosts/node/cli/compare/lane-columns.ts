import { displayWidth } from '../format/display-width.ts';
import type { Output } from '../output.ts';
import type { LaneView } from './lane-view.ts';
import { TextLines } from './text-lines.ts';

const BETWEEN = ' │ ';
/** Narrower columns are hard to read. */
const LEAST_WIDTH = 20;

/** @returns width of each lane, or null if the terminal is too narrow or the output is not a terminal */
export function columnWidth(lanes: number, columns: number | undefined): number | null {
  if (columns === undefined) return null;
  const width = Math.floor((columns - BETWEEN.length * (lanes - 1)) / lanes);
  return width >= LEAST_WIDTH ? width : null;
}

/** Prints lanes side by side. A row is printed once every lane has its line of it, so that nothing is overwritten. */
export class LaneColumns implements LaneView {
  private readonly lanes: readonly TextLines[];
  private readonly running: Set<number>;
  private rows = 0;

  constructor(
    private readonly out: Output,
    private readonly width: number,
    titles: readonly string[],
  ) {
    const heads = titles.map((title) => {
      const lines = new TextLines(width);
      lines.add(title);
      lines.end();
      return lines.complete;
    });
    const height = Math.max(...heads.map(({ length }) => length));
    this.lanes = heads.map((head) => {
      const lines = new TextLines(width);
      for (let row = 0; row < height; row++) lines.complete.push(head[row] ?? '');
      lines.complete.push('─'.repeat(width));
      return lines;
    });
    this.running = new Set(titles.keys());
  }

  async add(lane: number, text: string): Promise<void> {
    this.lanes[lane]!.add(text);
    await this.writeRows();
  }

  async end(lane: number): Promise<void> {
    this.lanes[lane]!.end();
    this.running.delete(lane);
    await this.writeRows();
  }

  private async writeRows(): Promise<void> {
    const lengths = this.lanes.map(({ complete }) => complete.length);
    const running = [...this.running].map((lane) => lengths[lane]!);
    const ready = running.length > 0 ? Math.min(...running) : Math.max(...lengths);
    for (; this.rows < ready; this.rows++) {
      const cells = this.lanes.map(({ complete }) => {
        const line = complete[this.rows] ?? '';
        return line + ' '.repeat(Math.max(0, this.width - displayWidth(line)));
      });
      await this.out.line(cells.join(BETWEEN).trimEnd());
    }
  }
}
