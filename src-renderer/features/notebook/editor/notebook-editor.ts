import { insertNewline, standardKeymap } from '@codemirror/commands';
import { Annotation, Compartment, EditorState, Prec, type ChangeSpec, type StateEffect } from '@codemirror/state';
import { EditorView, keymap, placeholder, type KeyBinding, type ViewUpdate } from '@codemirror/view';
import type * as Y from 'yjs';
import { readMark, TOKEN } from '../../../../src-main/protocol/app/chats/notebook.ts';
import { GENERATED, insertTyped, TYPED, type NotebookDocument } from '../state/notebook-document.svelte.ts';
import { withLineFeeds } from '../state/text-file.ts';
import { tokensInRuns, type NotebookToken } from '../state/token-runs.ts';
import { found, foundIn, setFound } from './found.ts';
import {
  addTokens,
  setTokens,
  setView,
  tokenDecorations,
  tokenMarks,
  tokenView,
  visibleTokens,
  type TokenView,
} from './marks.ts';
import { notebookTheme } from './theme.ts';

export interface EditorOptions {
  /** The editor's styles go here: the page's security policy forbids style elements. */
  root: ShadowRoot;
  notebook: NotebookDocument;
  label: string;
  placeholder: string;
  keys: readonly KeyBinding[];
  /** The browser wants to undo or redo something, for example because of its menu. It does not know what was generated. */
  onhistory: (step: 'undo' | 'redo') => void;
  /** Position of the cursor: the end of the selection, UTF-16. */
  oncursor: (position: number) => void;
  /** Other tokens may be on screen. */
  onview: () => void;
}

/** By type of input event. */
const HISTORY: ReadonlyMap<string, 'undo' | 'redo'> = new Map([
  ['historyUndo', 'undo'],
  ['historyRedo', 'redo'],
]);

/** A change that comes from the notebook, not from the keyboard. */
const fromNotebook = Annotation.define<boolean>();

/** A text editor for a notebook. Both always have the same text. */
export class NotebookEditor {
  readonly view: EditorView;
  readonly #notebook: NotebookDocument;
  readonly #readOnly = new Compartment();
  readonly #observer: (event: Y.YTextEvent, transaction: Y.Transaction) => void;
  /** The editor's own change is being written to the notebook. */
  #writing = false;

  constructor({ root, notebook, label, placeholder: hint, keys, onhistory, oncursor, onview }: EditorOptions) {
    this.#notebook = notebook;
    const state = EditorState.create({
      doc: notebook.text.toString(),
      extensions: [
        // Anything else would make the offsets of the two texts differ.
        EditorState.lineSeparator.of('\n'),
        EditorView.clipboardInputFilter.of(withLineFeeds),
        EditorView.lineWrapping,
        // With a tabindex it counts as what scrolls its region by keyboard.
        EditorView.contentAttributes.of({ 'aria-label': label, 'data-testid': 'notebook-text', tabindex: '0' }),
        placeholder(hint),
        Prec.high(keymap.of([...keys, { key: 'Enter', run: insertNewline }])),
        keymap.of([...standardKeymap]),
        EditorView.domEventHandlers({
          beforeinput({ inputType }) {
            const step = HISTORY.get(inputType);
            if (step !== undefined) onhistory(step);
            return step !== undefined;
          },
        }),
        this.#readOnly.of([]),
        tokenMarks,
        tokenView,
        // Inside the marks of tokens, which would hide it otherwise.
        found,
        tokenDecorations,
        notebookTheme,
        EditorView.updateListener.of((update) => {
          this.#write(update);
          if (update.docChanged || update.selectionSet) oncursor(this.position);
          if (update.docChanged || update.viewportChanged) onview();
        }),
      ],
    });
    this.view = new EditorView({ state, parent: root, root });
    this.view.dispatch({ effects: setTokens.of(this.#tokens()) });
    this.#observer = (event, transaction) => {
      if (!this.#writing) this.#read(event, transaction);
    };
    notebook.text.observe(this.#observer);
  }

  get position(): number {
    return this.view.state.selection.main.to;
  }

  /** While text is generated, nothing is typed. */
  set readOnly(readOnly: boolean) {
    this.view.dispatch({ effects: this.#readOnly.reconfigure(readOnly ? EditorState.readOnly.of(true) : []) });
  }

  show(shown: TokenView): void {
    this.view.dispatch({ effects: setView.of(shown) });
  }

  moveTo(position: number): void {
    this.view.dispatch({ selection: { anchor: position }, scrollIntoView: true });
  }

  get visibleTokens(): NotebookToken[] {
    return visibleTokens(this.view);
  }

  /** Marks a text wherever it is; empty: marks nothing. */
  mark(query: string): void {
    this.view.dispatch({ effects: setFound.of({ query }) });
  }

  /** Scrolls to the first occurrence of a text, marks it, and moves the cursor behind it. @returns whether there is one */
  jumpTo(query: string): boolean {
    const [current] = foundIn(this.view.state.sliceDoc(), query);
    if (current === undefined) return false;
    const effects = [setFound.of({ current }), EditorView.scrollIntoView(current.from, { y: 'center' })];
    this.view.dispatch({ selection: { anchor: current.to }, effects });
    return true;
  }

  /** The element of a token on screen. */
  elementOf(token: NotebookToken): HTMLElement | null {
    return this.view.dom.querySelector<HTMLElement>(`[data-from="${token.from}"]`);
  }

  destroy(): void {
    this.#notebook.text.unobserve(this.#observer);
    this.view.destroy();
  }

  #tokens(): NotebookToken[] {
    return tokensInRuns(this.#notebook.runs(), (id) => this.#notebook.reply(id));
  }

  /** Writes what was typed to the notebook. */
  #write({ docChanged, transactions, changes }: ViewUpdate): void {
    if (!docChanged || transactions.some((transaction) => transaction.annotation(fromNotebook))) return;
    this.#writing = true;
    this.#notebook.edit(TYPED, (text) => {
      changes.iterChanges((fromOld, toOld, from, _to, inserted) => {
        if (toOld > fromOld) text.delete(from, toOld - fromOld);
        if (inserted.length > 0) insertTyped(text, from, inserted.toString());
      });
    });
    this.#writing = false;
  }

  /** Shows what changed in the notebook: generated text, Undo, another page. */
  #read(event: Y.YTextEvent, { origin }: Y.Transaction): void {
    const changes: ChangeSpec[] = [];
    const added: NotebookToken[] = [];
    let old = 0;
    let now = 0;
    for (const { retain = 0, insert, delete: deleted = 0, attributes = {} } of event.delta) {
      old += retain;
      now += retain;
      if (typeof insert === 'string') {
        changes.push({ from: old, insert });
        const mark = readMark((attributes as Record<string, unknown>)[TOKEN]);
        const reply = mark === null ? null : this.#notebook.reply(mark.turn);
        if (mark !== null && reply !== null) {
          added.push({ from: now, to: now + insert.length, reply, index: mark.index, kept: false });
        }
        now += insert.length;
      }
      if (deleted > 0) changes.push({ from: old, to: old + deleted });
      old += deleted;
    }
    const isGenerated = origin === GENERATED && event.delta.every(({ delete: deleted = 0 }) => deleted === 0);
    // Undo and other pages may complete a token, or change what is marked.
    const effects: StateEffect<readonly NotebookToken[]> = isGenerated
      ? addTokens.of(added)
      : setTokens.of(this.#tokens());
    const { main } = this.view.state.selection;
    const isOwn = origin === GENERATED || origin === this.#notebook.undoManager;
    const follows = changes.length > 0 && isOwn && (origin !== GENERATED || main.head === startOf(event));
    this.view.dispatch({
      changes,
      effects,
      annotations: fromNotebook.of(true),
      ...(follows ? { selection: { anchor: now }, scrollIntoView: true } : {}),
    });
  }
}

/** Where the first change begins, in the old text. */
function startOf({ delta }: Y.YTextEvent): number {
  return delta[0]?.retain ?? 0;
}
