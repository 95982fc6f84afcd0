/** Px. `ChatList.svelte` gives rows these heights. */
export const HEAD_HEIGHT = 28;
export const ROW_HEIGHT = 30;
/** Of a row with a line of the text that was searched for. */
export const HIT_HEIGHT = 66;
/** Rows outside the visible part that are in the DOM, */
const OVERSCAN_ROWS = 20;
/** updated after scrolling by this height, px. */
export const SCROLL_STEP = 10 * ROW_HEIGHT;

/** Rows of a group that are in the DOM: from `from` to before `to`. */
export interface GroupRows {
  from: number;
  to: number;
}

/**
 * Which rows of a long list are in the DOM.
 *
 * @param sizes number of rows of each group; each has a heading
 * @param top scroll position, px, rounded down to steps of `SCROLL_STEP`
 * @param height of the visible part, px
 * @param rowHeight px
 */
export function rowsInPage(sizes: readonly number[], top: number, height: number, rowHeight = ROW_HEIGHT): GroupRows[] {
  const start = top - OVERSCAN_ROWS * ROW_HEIGHT;
  const end = top + SCROLL_STEP + height + OVERSCAN_ROWS * ROW_HEIGHT;
  let y = 0;
  return sizes.map((size) => {
    const first = y + HEAD_HEIGHT;
    y = first + size * rowHeight;
    const clamp = (row: number) => Math.min(size, Math.max(0, row));
    return {
      from: clamp(Math.floor((start - first) / rowHeight)),
      to: clamp(Math.ceil((end - first) / rowHeight)),
    };
  });
}
