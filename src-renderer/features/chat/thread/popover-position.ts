interface Box {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

const GAP = 8;

/**
 * Position of a floating card: below its anchor, or above it if there is more room, and always within the column.
 *
 * @returns viewport coordinates, px
 */
export function popoverPosition(
  anchor: Box,
  card: { offsetWidth: number; offsetHeight: number },
  column: Box,
): { left: number; top: number } {
  const { offsetWidth: width, offsetHeight: height } = card;
  const below = column.bottom - anchor.bottom - GAP;
  const above = anchor.top - column.top - GAP;
  const wanted = below >= height || below >= above ? anchor.bottom + GAP : anchor.top - GAP - height;
  return {
    left: clamp(anchor.left - GAP, column.left + GAP, column.right - GAP - width),
    top: clamp(wanted, column.top + GAP, column.bottom - GAP - height),
  };
}

/** Height in px that a floating card may have beside its anchor, where there is more room. */
export function popoverHeight(anchor: Box, column: Box): number {
  return Math.max(column.bottom - anchor.bottom, anchor.top - column.top) - 2 * GAP;
}

/** If the limits cross, the lower one wins: the start of a card matters more than its end. */
function clamp(value: number, low: number, high: number): number {
  return Math.max(low, Math.min(value, high));
}
