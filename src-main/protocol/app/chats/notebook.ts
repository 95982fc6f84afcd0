/**
 * The text of a notebook: a Yjs text. Its updates may arrive in any order and more than once, so pages that write at the
 * same time end up with the same text, and nothing that was typed is lost.
 *
 * Each generated token has the attribute `token`, which names it (`tokenMark`). What a person types has none.
 */
import { fromBase64, toBase64 } from 'lib0/buffer';
import * as Y from 'yjs';

/** Id of the whole text among the texts that are searched. */
export const NOTEBOOK_TEXT = 'notebook';

/** The attribute of a generated token. */
export const TOKEN = 'token';
/** The attribute of a token that a person accepted: it is no longer marked as generated. */
export const KEPT = 'kept';

export function notebookText(document: Y.Doc): Y.Text {
  return document.getText('text');
}

/** @param turn the reply that has the token @param index its place in that reply */
export function tokenMark(turn: string, index: number): string {
  return `${turn} ${index}`;
}

/** @returns null if it is not the mark of a token */
export function readMark(mark: unknown): { turn: string; index: number } | null {
  const [, turn, index] = (typeof mark === 'string' ? /^([A-Za-z0-9_-]{1,64}) (\d{1,9})$/.exec(mark) : null) ?? [];
  return turn === undefined || index === undefined ? null : { turn, index: Number(index) };
}

export function encodeUpdate(update: Uint8Array): string {
  return toBase64(update);
}

/** @param origin tells the document's listeners where it comes from */
export function applyUpdate(document: Y.Doc, update: string, origin: unknown): void {
  Y.applyUpdate(document, fromBase64(update), origin);
}

/** One update that does the same as several. */
export function mergedUpdate(updates: readonly string[]): string {
  return toBase64(Y.mergeUpdates(updates.map((update) => fromBase64(update))));
}

/** Text without marks. */
export function textOfUpdates(updates: readonly string[]): string {
  const document = new Y.Doc();
  for (const update of updates) applyUpdate(document, update, null);
  return notebookText(document).toString();
}

/** What the text of a notebook consists of. Anything else in it has a length, but no characters. */
const CONTENTS = [Y.ContentString, Y.ContentFormat, Y.ContentDeleted];

/** Whether it can be decoded, and has only text with attributes. */
export function isUpdate(update: string): boolean {
  try {
    const { structs } = Y.decodeUpdate(fromBase64(update));
    return structs.every(
      (struct) => !(struct instanceof Y.Item) || CONTENTS.some((kind) => struct.content instanceof kind),
    );
  } catch {
    return false;
  }
}
