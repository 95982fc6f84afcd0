/** Sends only what changed in the contexts of batches, because a context grows by one cell per token. */
import type { SequenceContext } from '../../kv-cache/kv-cache.ts';
import type { ContextChange } from './messages.ts';

/** Cells and positions of a context, which grow. */
class Known {
  private cells = new Int32Array(64);
  private positions = new Int32Array(64);
  private length = 0;

  common({ cells, positions }: SequenceContext): number {
    const limit = Math.min(this.length, cells.length);
    let same = 0;
    while (same < limit && this.cells[same] === cells[same] && this.positions[same] === positions[same]) same++;
    return same;
  }

  replace(from: number, cells: Int32Array, positions: Int32Array): SequenceContext {
    this.length = from + cells.length;
    if (this.length > this.cells.length) {
      this.cells = grown(this.cells, from, this.length);
      this.positions = grown(this.positions, from, this.length);
    }
    this.cells.set(cells, from);
    this.positions.set(positions, from);
    return { cells: this.cells.subarray(0, this.length), positions: this.positions.subarray(0, this.length) };
  }
}

function grown(array: Int32Array<ArrayBuffer>, kept: number, length: number): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(2 * length);
  larger.set(array.subarray(0, kept));
  return larger;
}

export class SentContexts {
  private readonly known: Known[] = [];

  changes(contexts: readonly SequenceContext[]): ContextChange[] {
    return contexts.map((context, i) => {
      const known = (this.known[i] ??= new Known());
      const kept = known.common(context);
      const [cells, positions] = [context.cells.slice(kept), context.positions.slice(kept)];
      known.replace(kept, cells, positions);
      return { kept, cells, positions };
    });
  }
}

export class ReceivedContexts {
  private readonly known: Known[] = [];

  /** @returns valid until the next call */
  apply(changes: readonly ContextChange[]): SequenceContext[] {
    return changes.map(({ kept, cells, positions }, i) => {
      const known = (this.known[i] ??= new Known());
      return known.replace(kept, cells, positions);
    });
  }
}
