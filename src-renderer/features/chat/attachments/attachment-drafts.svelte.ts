import { SvelteMap } from 'svelte/reactivity';
import { EngineError } from '../../../../src-main/engine/api/errors.ts';
import { MAX_ATTACHMENTS } from '../../../../src-main/protocol/app/chats/chat.ts';
import { formatInteger } from '../../../ui/format.ts';
import type { AttachedFile } from './message-text.ts';
import { readFile, type ReadPdf } from './read-file.ts';

interface Draft {
  readonly files: readonly AttachedFile[];
  /** Names of files that are being read. */
  readonly reading: readonly string[];
  /** Why files were refused. */
  readonly problems: readonly string[];
}

const EMPTY: Draft = { files: [], reading: [], problems: [] };
/** Of all files of one message, UTF-16 units: a message may have 8 Mi. */
const MAX_TOTAL = 6_000_000;

/** Files attached in the composer, for each chat. They last as long as the page. */
export class AttachmentDrafts {
  readonly #drafts = new SvelteMap<string, Draft>();
  /** Where files that are being read will go. */
  // eslint-disable-next-line svelte/prefer-svelte-reactivity -- nothing on screen depends on it
  readonly #places = new Set<{ key: string }>();
  readonly #key: () => string;
  readonly #readPdf: ReadPdf;

  /** @param key identifies the open chat */
  constructor(key: () => string, readPdf: ReadPdf) {
    this.#key = key;
    this.#readPdf = readPdf;
  }

  get files(): readonly AttachedFile[] {
    return this.#of(this.#key()).files;
  }
  get reading(): readonly string[] {
    return this.#of(this.#key()).reading;
  }
  get problems(): readonly string[] {
    return this.#of(this.#key()).problems;
  }

  /** Reads files one after another and attaches them; `problems` says which were refused. */
  async add(files: readonly File[]): Promise<void> {
    const place = { key: this.#key() };
    this.#places.add(place);
    this.#change(place.key, (draft) => ({
      ...draft,
      problems: [],
      reading: [...draft.reading, ...files.map(({ name }) => name)],
    }));
    for (const file of files) {
      const outcome = await this.#read(place.key, file);
      this.#change(place.key, ({ reading, files: before, problems }) => {
        // Counted here: others may have been attached while it was read.
        const problem = typeof outcome === 'string' ? outcome : refusalOf(before, outcome);
        return {
          reading: reading.toSpliced(reading.indexOf(file.name), 1),
          files: typeof outcome === 'string' || problem !== null ? before : [...before, outcome],
          problems: problem === null ? problems : [...problems, problem],
        };
      });
    }
    this.#places.delete(place);
  }

  /** Adds the files of one chat to those of another, also those that are being read. */
  move(from: string, to: string): void {
    for (const place of this.#places) if (place.key === from) place.key = to;
    const draft = this.#drafts.get(from);
    if (draft === undefined) return;
    this.#drafts.delete(from);
    this.#change(to, ({ files, reading, problems }) => ({
      files: [...files, ...draft.files],
      reading: [...reading, ...draft.reading],
      problems: [...problems, ...draft.problems],
    }));
  }

  remove(id: string): void {
    this.#change(this.#key(), (draft) => ({ ...draft, files: draft.files.filter((file) => file.id !== id) }));
  }

  /** Replaces a file, whichever chat is open by now. */
  replace(id: string, changed: AttachedFile): void {
    for (const [key, { files }] of this.#drafts) {
      if (!files.some((file) => file.id === id)) continue;
      this.#change(key, (draft) => ({ ...draft, files: draft.files.map((file) => (file.id === id ? changed : file)) }));
    }
  }

  dismissProblems(): void {
    this.#change(this.#key(), (draft) => ({ ...draft, problems: [] }));
  }

  /** Removes the files, to send them. Files that are still being read stay. */
  take(): readonly AttachedFile[] {
    const { files } = this;
    this.#change(this.#key(), (draft) => ({ ...draft, files: [], problems: [] }));
    return files;
  }

  /** Says why files, or a message with them, cannot be sent. @param key of the chat */
  report(problem: string, key: string): void {
    this.#change(key, (draft) => ({ ...draft, problems: [problem] }));
  }

  /** There may be more than one message can have. @param key of the chat */
  putBack(files: readonly AttachedFile[], key = this.#key()): void {
    if (files.length > 0) this.#change(key, (draft) => ({ ...draft, files: [...files, ...draft.files] }));
  }

  /** @returns the file, or why it was refused */
  async #read(key: string, file: File): Promise<AttachedFile | string> {
    try {
      if (this.#of(key).files.length >= MAX_ATTACHMENTS) return tooMany(file);
      return await readFile(file, this.#readPdf);
    } catch (error) {
      return EngineError.from(error).message;
    }
  }

  #of(key: string): Draft {
    return this.#drafts.get(key) ?? EMPTY;
  }

  #change(key: string, change: (draft: Draft) => Draft): void {
    this.#drafts.set(key, change(this.#of(key)));
  }
}

/** Why a file cannot be added to others, or null. */
function refusalOf(files: readonly AttachedFile[], file: AttachedFile): string | null {
  if (files.length >= MAX_ATTACHMENTS) return tooMany(file);
  const total = files.reduce((sum, { content }) => sum + content.length, file.content.length);
  if (total <= MAX_TOTAL) return null;
  const limit = `The files of a message can have ${formatInteger(MAX_TOTAL)} characters together.`;
  return `${file.name} was not attached. ${limit} Remove one first.`;
}

function tooMany({ name }: { name: string }): string {
  return `${name} was not attached. A message can have at most ${MAX_ATTACHMENTS} files. Remove one first.`;
}
