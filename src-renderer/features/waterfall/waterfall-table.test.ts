import { describe, expect, it } from 'vitest';
import { explainedDraw } from './test-support/explained.ts';
import { moreText, shareText, waterfallTable } from './waterfall-table.ts';

describe('the table of a draw', () => {
  const table = waterfallTable(explainedDraw(), 10);

  it('has a column for the scores, for every stage that is on, and for the pick', () => {
    expect(table.columns.map(({ label, survivors, more }) => [label, survivors, more])).toEqual([
      ['Scores', 8, 4],
      ['Penalties', 8, 4],
      ['Top-k', 3, 0],
      ['Temperature', 3, 0],
      ['Pick', 1, 0],
    ]);
    expect(table.columns.map(({ note }) => note)).toEqual([
      'the model’s logits',
      'lowers repeated tokens',
      'keeps the 3 best',
      '0.8 sharpens',
      'one random draw',
    ]);
  });

  it('shows a stage that only rules out tokens where it affects one of the rows', () => {
    const masked = explainedDraw();
    masked.draw.rows[2].stages.fill(null);
    const { columns, rows } = waterfallTable(masked, 10);
    expect(columns[0]).toMatchObject({ label: 'Scores', survivors: 10, more: 6 });
    expect(columns[1]).toMatchObject({ label: 'Masked', note: 'never generated' });
    expect(rows[2].cells.slice(1)).toEqual([
      { kind: 'removed', reason: 'never generated' },
      { kind: 'gone' },
      { kind: 'gone' },
      { kind: 'gone' },
    ]);
  });

  it('has logits before the first stage that works with probabilities, and says what was changed', () => {
    const [best, second, cut] = table.rows;
    expect(best!.cells.map((cell) => ('text' in cell ? cell.text : cell.kind))).toEqual([
      '4.00',
      '4.00',
      '47\u00a0%',
      '50\u00a0%',
    ]);
    expect(second!.cells[1]).toMatchObject({ kind: 'logit', changed: false });
    expect(cut!.cells).toMatchObject([
      { kind: 'logit', text: '2.50' },
      { kind: 'logit', text: '1.50', changed: true },
      { kind: 'removed', reason: 'not in top 3' },
      { kind: 'gone' },
    ]);
    expect(table.others[0].cells[0]).toMatchObject({ text: '−1.00' });
  });

  it('scales bars together: logits from the lowest, probabilities to the highest', () => {
    const bars = (at: number) =>
      [...table.rows, ...table.others].flatMap(({ cells }) => ('bar' in cells[at] ? [cells[at].bar] : []));
    expect(bars(0)[0]).toBe(1);
    expect(Math.min(...bars(0))).toBeCloseTo(0.5 / 5.5);
    expect(bars(3)).toEqual([1, 0.6, 0.4]);
  });

  it('keeps removed candidates in place, and says which part of the line picks the others', () => {
    expect(table.rows.map(({ id, share, picked }) => [id, share, picked])).toEqual([
      [10, [0, 0.5], false],
      [11, [0.5, 0.8], true],
      [12, null, false],
    ]);
    expect(table.others.map(({ id }) => id)).toEqual([13]);
    expect(shareText([0.4693, 0.73])).toBe('0.469 – 0.730');
  });

  it('counts what has no row', () => {
    expect(moreText(7988)).toBe('7,988 more');
    expect(moreText(0)).toBe('');
  });
});
