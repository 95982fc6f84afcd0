import { describe, expect, it } from 'vitest';
import type { Settings } from '../../../../src-main/protocol/app/app-services.ts';
import { announcements } from '../../../ui/live-region.svelte.ts';
import type { Picture, TableValue } from '../picture/picture.ts';
import type { InsideState } from '../state/inside.svelte.ts';
import { STEPS } from '../steps.ts';
import { LESSON } from './lesson-parts.ts';
import { Lesson } from './lesson.svelte.ts';

/** A picture with these rows behind it. */
function pictureOf(rows: TableValue[][], columns = rows[0]?.length ?? 0): Picture {
  return {
    ...{ title: '', fileName: '', rows: rows.length, columns: 1, signed: false, max: 0 },
    scene: { width: 0, height: 0, shapes: [] },
    boxOf: () => ({ x: 0, y: 0, width: 0, height: 0 }),
    cellAt: () => null,
    describe: () => ({ name: '', value: '', formula: '' }),
    table: { columns: Array.from({ length: columns }, String), rows: rows.length, row: (row) => rows[row] ?? [] },
  };
}

function setUp(answered: string[] = []) {
  const inside = {
    step: 'tokenize',
    layer: 1,
    head: 2,
    token: 0,
    text: '',
    second: { choice: { kind: 'text' } },
    model: null,
  };
  const state = Object.assign(inside, {
    setText: (text: string) => (inside.text = text),
    selectToken: (index: number) => (inside.token = index),
    show(step: string) {
      inside.step = step;
      lesson.verdict = null;
    },
  });
  const settings = {
    current: { lessonAnswered: answered } as unknown as Settings,
    update: (patch: Partial<Settings>) => (settings.current = { ...settings.current, ...patch }),
  };
  const lesson: Lesson = new Lesson(state as unknown as InsideState, settings);
  return { inside, settings, lesson };
}

const PIECES = pictureOf([
  [0, '<BOS>', 0],
  [1, 'Hello', 593],
]);

describe('the lesson', () => {
  it('has the ten steps', () => {
    expect(LESSON.map(({ step }) => step)).toEqual(STEPS.map(({ id }) => id));
  });

  it('begins with the example at the first step that is not answered', () => {
    const { lesson, inside } = setUp(['tokenize', 'embed']);
    lesson.start();
    expect(inside).toMatchObject({
      step: 'position',
      layer: 0,
      head: 0,
      // The last one.
      token: Infinity,
      text: 'Hello world',
      second: { choice: null },
    });
    expect(lesson.answered).toBe(2);
  });

  it('begins again when all is answered', () => {
    const { lesson, settings } = setUp(STEPS.map(({ id }) => id));
    lesson.start();
    expect(settings.current.lessonAnswered).toEqual([]);
  });

  it('judges touches of the picture that it asks about, and saves right ones once', () => {
    const { lesson, settings } = setUp();
    lesson.touch('pieces', { row: 0, column: 0 }, PIECES);
    expect(lesson.verdict).toBeNull();
    lesson.start();
    lesson.touch('bytes', { row: 0, column: 0 }, PIECES);
    expect(lesson.verdict).toBeNull();
    lesson.touch('pieces', { row: 0, column: 1 }, PIECES);
    expect(lesson.verdict).toBe('wrong');
    expect(settings.current.lessonAnswered).toEqual([]);
    lesson.touch('pieces', { row: 0, column: 0 }, PIECES);
    lesson.touch('pieces', { row: 0, column: 0 }, PIECES);
    expect(lesson.verdict).toBe('right');
    expect(settings.current.lessonAnswered).toEqual(['tokenize']);
    expect(lesson.next?.step).toBe('embed');
  });

  it('announces each verdict, also the same one again', () => {
    const { lesson } = setUp();
    lesson.start();
    const said = [1, 1, 0].map((column) => {
      announcements.text = '';
      lesson.touch('pieces', { row: 0, column }, PIECES);
      return announcements.text;
    });
    const { hint, right } = LESSON[0]!;
    expect(said).toEqual([`No. ${hint}`, `No. ${hint}`, `Right. ${right}`]);
  });

  it('finds the largest number, and ignores cells without one', () => {
    const partOf = (step: string) => LESSON.find((part) => part.step === step)!;
    const rows = pictureOf([
      [1, 7, 'a', 2, 0.1, 'removed'],
      [2, 8, 'b', 1, 0.2, 0.9],
      [3, 9, 'c', 3, 0.3, 0.1],
    ]);
    const right = [0, 1, 2].map((row) => partOf('sampling').isRight({ row, column: 0 }, rows));
    expect(right).toEqual([false, true, false]);
    const weights = pictureOf([
      [0, 'a', 1, 0],
      [1, 'b', 0.7, 0.3],
    ]);
    const cells = [0, 1].flatMap((row) => [0, 1].map((column) => ({ row, column })));
    expect(cells.map((cell) => partOf('attention').isRight(cell, weights))).toEqual([false, false, true, false]);
  });
});
