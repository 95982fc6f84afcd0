import { EngineError } from '../../../../src-main/engine/api/errors.ts';
import { workerUrl } from '../../../lib/trusted-url.ts';
import type { PdfText } from './read-file.ts';

/** More pages are left out. */
const MAX_PAGES = 2000;
/** A file that takes longer is given up, ms. */
const TIMEOUT_MS = 120_000;

/**
 * Reads the text of a PDF. The library is loaded on first use, and parses in a Worker that ends with the file, which frees
 * its memory.
 * @throws EngineError BAD_REQUEST if the file is protected, damaged or takes too long
 */
export async function readPdf(bytes: ArrayBuffer, name: string): Promise<PdfText> {
  const worker = new Worker(workerUrl('/pdf.worker.js'), { type: 'module', name: 'pdf' });
  let timer: ReturnType<typeof setTimeout> | undefined;
  try {
    const failed = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error('it took longer than two minutes')), TIMEOUT_MS);
      worker.onerror = () => reject(new Error('the PDF reader failed'));
    });
    return await Promise.race([textIn(bytes, worker), failed]);
  } catch (error) {
    const reason = error instanceof Error ? error : new Error(String(error));
    const message =
      reason.name === 'PasswordException'
        ? `${name} is protected by a password. Save it without one first.`
        : `${name} could not be read as a PDF: ${reason.message.replace(/\.$/, '')}.`;
    throw new EngineError('BAD_REQUEST', message, {}, { cause: error });
  } finally {
    clearTimeout(timer);
    worker.terminate();
  }
}

async function textIn(bytes: ArrayBuffer, port: Worker): Promise<PdfText> {
  const { getDocument, PDFWorker, VerbosityLevel } = await import('pdfjs-dist/legacy/build/pdf.mjs');
  // The legacy build brings what the browsers of this year may lack, such as `Uint8Array.toHex`.
  // Text needs no fonts, images or scripts, so nothing of them is loaded.
  const document = await getDocument({
    data: bytes,
    worker: new PDFWorker({ port: port as never }),
    useWorkerFetch: false,
    useWasm: false,
    useSystemFonts: false,
    disableFontFace: true,
    verbosity: VerbosityLevel.ERRORS,
  }).promise;
  const pages: string[] = [];
  for (let number = 1; number <= Math.min(document.numPages, MAX_PAGES); number++) {
    const page = await document.getPage(number);
    const { items } = await page.getTextContent();
    const parts = items.map((item) => ('str' in item ? item.str + (item.hasEOL ? '\n' : '') : ''));
    pages.push(parts.join('').trim());
    page.cleanup();
  }
  return { pages, total: document.numPages };
}
