/** Px. `ChatList.svelte` gives rows these heights. */
export const HEAD_HEIGHT = 28;
export const ROW_HEIGHT = 30;
/** Rows beyond the visible part that are in the page, */
const OVERSCAN_ROWS = 20;
/** which change when as much as these rows was scrolled, px. */
export const SCROLL_STEP = 10 * ROW_HEIGHT;

/** Rows of a group that are in the page: from `from` up to, and without, `to`. */
export interface GroupRows {
  from: number;
  to: number;
}

/**
 * Which rows of a long list are in the page.
 *
 * @param sizes rows of each group; a head stands above each
 * @param top what is scrolled away, px, rounded down to steps of `SCROLL_STEP`
 * @param height of the visible part, px
 */
export function rowsInPage(sizes: readonly number[], top: number, height: number): GroupRows[] {
  const start = top - OVERSCAN_ROWS * ROW_HEIGHT;
  const end = top + SCROLL_STEP + height + OVERSCAN_ROWS * ROW_HEIGHT;
  let y = 0;
  return sizes.map((size) => {
    const first = y + HEAD_HEIGHT;
    y = first + size * ROW_HEIGHT;
    const clamp = (row: number) => Math.min(size, Math.max(0, row));
    return {
      from: clamp(Math.floor((start - first) / ROW_HEIGHT)),
      to: clamp(Math.ceil((end - first) / ROW_HEIGHT)),
    };
  });
}
