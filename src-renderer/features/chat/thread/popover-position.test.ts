import { describe, expect, it } from 'vitest';
import { popoverPosition } from './popover-position.ts';

describe('the popover', () => {
  const column = { left: 232, top: 40, right: 964, bottom: 772 };
  const card = { offsetWidth: 292, offsetHeight: 300 };
  const at = (left: number, top: number) => ({ left, top, right: left + 40, bottom: top + 20 });

  it('is below the token, and above it at the bottom', () => {
    expect(popoverPosition(at(400, 150), card, column)).toEqual({ left: 392, top: 178 });
    expect(popoverPosition(at(400, 600), card, column)).toEqual({ left: 392, top: 292 });
  });

  it('stays in the column', () => {
    expect(popoverPosition(at(930, 150), card, column).left).toBe(964 - 8 - 292);
    expect(popoverPosition(at(232, 150), card, column).left).toBe(240);
    expect(popoverPosition(at(400, 400), { offsetWidth: 292, offsetHeight: 900 }, column).top).toBe(48);
  });
});
