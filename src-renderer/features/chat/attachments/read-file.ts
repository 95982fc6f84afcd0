import { EngineError } from '../../../../src-main/engine/api/errors.ts';
import { newId } from '../../../lib/new-id.ts';
import { formatBytes, formatCount, formatInteger } from '../../../ui/format.ts';
import { decodeText } from './decode-text.ts';
import { kindOf } from './kinds.ts';
import type { AttachedFile } from './message-text.ts';
import type { PdfText } from './pdf-text.ts';

/** Bytes. More text than this fits no context window. */
export const MAX_TEXT_FILE = 4 * 1024 * 1024;
/** Bytes. Most of a PDF are fonts and images. */
const MAX_PDF_FILE = 64 * 1024 * 1024;
/** Of the text of one file, UTF-16 units: a message may have 8 Mi. */
const MAX_CONTENT = 2_000_000;

export type ReadPdf = (bytes: ArrayBuffer, name: string) => Promise<PdfText>;

/** Reads a file for a message. @throws EngineError BAD_REQUEST, which says why not */
export async function readFile(
  file: Pick<File, 'name' | 'size' | 'arrayBuffer'>,
  readPdf: ReadPdf,
): Promise<AttachedFile> {
  const { name, size } = file;
  const kind = kindOf(name);
  const limit = kind === 'pdf' ? MAX_PDF_FILE : MAX_TEXT_FILE;
  if (size > limit) {
    throw refused(`${name} has ${formatBytes(size)}. The limit is ${formatBytes(limit)}.`);
  }
  if (size === 0) throw refused(`${name} is empty.`);
  const bytes = await file.arrayBuffer();
  const { content, notes } = kind === 'pdf' ? pdf(await readPdf(bytes, name), name) : text(bytes, name);
  if (content.trim() === '') throw refused(`${name} has no text.`);
  if (content.length > MAX_CONTENT) {
    const length = formatInteger(content.length);
    throw refused(`${name} has ${length} characters. The limit is ${formatInteger(MAX_CONTENT)}.`);
  }
  return { id: newId(), name: name.slice(0, 200), kind, bytes: size, content, notes };
}

function text(bytes: ArrayBuffer, name: string): { content: string; notes: string[] } {
  const { text: content, note } = decodeText(new Uint8Array(bytes), name);
  return { content, notes: note === null ? [] : [note] };
}

function pdf({ pages, total, damaged }: PdfText, name: string): { content: string; notes: string[] } {
  const withText = pages.filter((page) => page.trim() !== '');
  const empty = pages.length - withText.length - damaged.length;
  if (withText.length === 0) {
    throw refused(
      empty === 0
        ? `${name} is damaged: none of its ${formatCount(pages.length, 'page')} can be read. Get the file again.`
        : `${name} has no text, only images. Recognise its text (OCR) with another program first.`,
    );
  }
  const notes = [`The text of ${formatCount(withText.length, 'page')}, without layout and images.`];
  if (pages.length < total)
    notes.push(`Only the first ${formatInteger(pages.length)} of ${formatInteger(total)} pages.`);
  if (empty > 0) notes.push(`${formatCount(empty, 'page')} without text, perhaps scanned.`);
  if (damaged.length > 0) notes.push(`${formatCount(damaged.length, 'damaged page')} left out.`);
  return { content: withText.join('\n\n'), notes };
}

function refused(message: string): EngineError {
  return new EngineError('BAD_REQUEST', message);
}
