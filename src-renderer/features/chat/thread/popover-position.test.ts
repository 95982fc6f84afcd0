import { describe, expect, it } from 'vitest';
import { popoverPosition, popoverHeight } from './popover-position.ts';

describe('the popover', () => {
  const column = { left: 232, top: 40, right: 964, bottom: 772 };
  const card = { offsetWidth: 292, offsetHeight: 300 };
  const at = (left: number, top: number) => ({ left, top, right: left + 40, bottom: top + 20 });

  it('is below the token, and above it at the bottom', () => {
    expect(popoverPosition(at(400, 150), card, column)).toEqual({ left: 392, top: 178 });
    expect(popoverPosition(at(400, 600), card, column)).toEqual({ left: 392, top: 292 });
  });

  it('does not cover the token if it is no higher than the room beside it', () => {
    for (let top = column.top; top < column.bottom - 20; top += 50) {
      const token = at(400, top);
      const place = popoverPosition(token, { offsetWidth: 292, offsetHeight: popoverHeight(token, column) }, column);
      const bottom = place.top + popoverHeight(token, column);
      expect(place.top >= token.bottom || bottom <= token.top).toBe(true);
    }
  });

  it('stays in the column', () => {
    expect(popoverPosition(at(930, 150), card, column).left).toBe(964 - 8 - 292);
    expect(popoverPosition(at(232, 150), card, column).left).toBe(240);
    expect(popoverPosition(at(400, 400), { offsetWidth: 292, offsetHeight: 900 }, column).top).toBe(48);
  });
});
