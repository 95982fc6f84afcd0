import { EngineError } from '../../../../src-main/engine/api/errors.ts';
import { workerUrl } from '../../../lib/trusted-url.ts';
import type { PdfText } from './pdf-text.ts';

/** A file that takes longer is given up, ms. */
const TIMEOUT_MS = 120_000;
/** The header of a PDF is in its first bytes, by the notes of Adobe's own reader. */
const HEADER_WITHIN = 1024;

/**
 * Reads the text of a PDF. The library is loaded on first use, and parses in a Worker that ends with the file, which frees
 * its memory.
 * @throws EngineError BAD_REQUEST if the file is protected, damaged or takes too long
 */
export async function readPdf(bytes: ArrayBuffer, name: string): Promise<PdfText> {
  const worker = new Worker(workerUrl('pdf.worker.js'), { type: 'module', name: 'pdf' });
  // Its bytes are transferred to the Worker.
  const isPdf = hasHeader(bytes);
  let timer: ReturnType<typeof setTimeout> | undefined;
  try {
    const failed = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new DOMException('It took too long', 'TimeoutError')), TIMEOUT_MS);
      worker.onerror = () => reject(new Error('The PDF reader stopped'));
    });
    return await Promise.race([parsed(bytes, worker), failed]);
  } catch (error) {
    throw new EngineError('BAD_REQUEST', pdfProblem(name, error, isPdf), {}, { cause: error });
  } finally {
    clearTimeout(timer);
    worker.terminate();
  }
}

async function parsed(bytes: ArrayBuffer, worker: Worker): Promise<PdfText> {
  const [{ pdfText }, { cMap }] = await Promise.all([import('./pdf-text.ts'), import('./cmaps.ts')]);
  return await pdfText(new Uint8Array(bytes), worker, cMap);
}

/** Whether it begins as a PDF does. */
export function hasHeader(bytes: ArrayBuffer): boolean {
  return new TextDecoder('latin1').decode(bytes.slice(0, HEADER_WITHIN)).includes('%PDF-');
}

/** Why a PDF was not attached. @param error of PDF.js */
export function pdfProblem(name: string, error: unknown, isPdf: boolean): string {
  const { name: kind, message } = error instanceof Error ? error : new Error(String(error));
  if (kind === 'PasswordException')
    return `${name} is protected by a password. Save a copy without one and attach that.`;
  if (!isPdf) return `${name} is not a PDF, although its name says so.`;
  if (kind === 'TimeoutError')
    return `${name} could not be read within two minutes. Save fewer of its pages as a PDF and attach that.`;
  if (kind === 'InvalidPDFException') return `${name} is damaged: no pages were found in it. Get the file again.`;
  return `${name} could not be read. ${message.replace(/\.$/, '')}.`;
}
