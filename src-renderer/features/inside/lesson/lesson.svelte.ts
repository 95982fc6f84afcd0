import { announce } from '../../../ui/live-region.svelte.ts';
import { BUILT_IN_MODEL } from '../../chat/state/app-model.svelte.ts';
import type { SettingsState } from '../../chat/state/settings.svelte.ts';
import type { Cell, Picture } from '../picture/picture.ts';
import type { InsideState } from '../state/inside.svelte.ts';
import { LESSON, LESSON_TEXT, type LessonPart } from './lesson-parts.ts';

/** The lesson through the ten steps. Which of them are answered is a setting, so it is saved. */
export class Lesson {
  isOpen = $state(false);
  /** What came of the last touch on this step. */
  verdict = $state.raw<'right' | 'wrong' | null>(null);
  readonly #inside: InsideState;
  readonly #settings: Pick<SettingsState, 'current' | 'update'>;

  constructor(inside: InsideState, settings: Pick<SettingsState, 'current' | 'update'>) {
    this.#inside = inside;
    this.#settings = settings;
  }

  /** The part about the step that is shown, or null. */
  get part(): LessonPart | null {
    return LESSON.find(({ step }) => step === this.#inside.step) ?? null;
  }

  /** Steps whose question is answered. */
  get answered(): number {
    return LESSON.filter((part) => this.isAnswered(part)).length;
  }

  get hasModel(): boolean {
    return this.#inside.model?.id === BUILT_IN_MODEL;
  }

  isAnswered({ step }: LessonPart): boolean {
    return this.#settings.current.lessonAnswered.includes(step);
  }

  /** Begins with the first step that is not answered, or again. */
  start(): void {
    const next = LESSON.find((part) => !this.isAnswered(part));
    if (next === undefined) this.#settings.update({ lessonAnswered: [] });
    this.isOpen = true;
    this.#inside.second.choice = null;
    this.#inside.setText(LESSON_TEXT);
    this.show(next ?? LESSON[0]);
  }

  show({ step }: LessonPart): void {
    this.#inside.show(step);
    this.prepare();
  }

  /** The questions are about the last token, and the first head of the first layer, whatever was touched before. */
  prepare(): void {
    const inside = this.#inside;
    inside.layer = 0;
    inside.head = 0;
    inside.selectToken(Infinity);
  }

  /** The step after this one; null at the end. */
  get next(): LessonPart | null {
    const { part } = this;
    return part === null ? null : (LESSON[LESSON.indexOf(part) + 1] ?? null);
  }

  /** A cell was chosen. Only those of the picture that is asked about count. */
  touch(name: string, cell: Cell, picture: Picture): void {
    const { part } = this;
    if (!this.isOpen || part === null || part.picture !== name) return;
    const isRight = part.isRight(cell, picture);
    this.verdict = isRight ? 'right' : 'wrong';
    // Each time: a second wrong cell changes nothing on the page.
    announce(isRight ? `Right. ${part.right}` : `No. ${part.hint}`);
    if (!isRight || this.isAnswered(part)) return;
    this.#settings.update({ lessonAnswered: [...this.#settings.current.lessonAnswered, part.step] });
  }
}
