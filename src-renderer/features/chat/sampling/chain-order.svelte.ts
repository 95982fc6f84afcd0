import { moved } from './chain.ts';

interface Lifted {
  from: number;
  /** Where it would be dropped. */
  at: number;
  /** Distance dragged by the pointer, px; null when moved with the keyboard. */
  dragged: number | null;
}

/** A stage that is being moved. The list does not change until the stage is dropped; rows only slide. */
export class ChainOrder {
  lifted = $state.raw<Lifted | null>(null);
  /** Heights of all rows at the start of the move, px. */
  #heights: readonly number[] = [];

  /** @param heights of all rows, px, in the order of the list */
  lift(from: number, heights: readonly number[], by: 'pointer' | 'keys'): void {
    this.#heights = heights;
    this.lifted = { from, at: from, dragged: by === 'pointer' ? 0 : null };
  }

  /** @returns where it would be dropped now; null if no stage is being moved */
  step(by: number): number | null {
    if (this.lifted === null) return null;
    const at = Math.min(this.#heights.length - 1, Math.max(0, this.lifted.at + by));
    this.lifted = { ...this.lifted, at };
    return at;
  }

  /** @param distance from where the drag started, px */
  drag(distance: number): void {
    if (this.lifted === null) return;
    const { from } = this.lifted;
    const top = this.#top(from) + distance;
    const bottom = top + this.#height(from);
    // A row is passed when the leading edge of the moved one passes its middle.
    const at = this.#heights.filter((height, index) => {
      const middle = this.#top(index) + height / 2;
      return index < from ? middle < top : index > from && middle < bottom;
    }).length;
    this.lifted = { from, at, dragged: distance };
  }

  /** Ends the move. @returns old and new index; null if unchanged */
  drop(): { from: number; to: number } | null {
    const { lifted } = this;
    this.lifted = null;
    return lifted === null || lifted.from === lifted.at ? null : { from: lifted.from, to: lifted.at };
  }

  cancel(): void {
    this.lifted = null;
  }

  /** How far a row is displaced during a move, px. */
  offset(index: number): number {
    if (this.lifted === null) return 0;
    const { from, at, dragged } = this.lifted;
    if (index === from && dragged !== null) return dragged;
    const order = moved([...this.#heights.keys()], from, at);
    const above = order.slice(0, order.indexOf(index)).reduce((sum, row) => sum + this.#height(row), 0);
    return above - this.#top(index);
  }

  /** Index that a row would have now. */
  placeOf(index: number): number {
    if (this.lifted === null) return index;
    return moved([...this.#heights.keys()], this.lifted.from, this.lifted.at).indexOf(index);
  }

  #height(index: number): number {
    return this.#heights[index] ?? 0;
  }

  #top(index: number): number {
    return this.#heights.slice(0, index).reduce((sum, height) => sum + height, 0);
  }
}
