/** Reads the text of PDF files. It runs in a Worker, where the library finds no page to draw on. */
import { EngineError } from '../../../../src-main/engine/api/errors.ts';
import type { PdfText } from './read-file.ts';

/** More pages are left out. */
const MAX_PAGES = 2000;

/** @throws EngineError BAD_REQUEST if it is protected or damaged */
export async function pdfText(bytes: ArrayBuffer, name: string): Promise<PdfText> {
  const [pdf, worker] = await Promise.all([import('pdfjs-dist'), import('pdfjs-dist/build/pdf.worker.mjs')]);
  // The library then parses in this thread instead of starting a Worker of its own.
  Reflect.set(globalThis, 'pdfjsWorker', worker);
  const loading = pdf.getDocument({
    data: bytes,
    isEvalSupported: false,
    useWorkerFetch: false,
    useWasm: false,
    useSystemFonts: false,
    disableFontFace: true,
    enableXfa: false,
    stopAtErrors: false,
    verbosity: pdf.VerbosityLevel.ERRORS,
  });
  try {
    const document = await loading.promise;
    const pages: string[] = [];
    for (let number = 1; number <= Math.min(document.numPages, MAX_PAGES); number++) {
      const page = await document.getPage(number);
      const { items } = await page.getTextContent();
      pages.push(
        items
          .map((item) => ('str' in item ? item.str + (item.hasEOL ? '\n' : '') : ''))
          .join('')
          .trim(),
      );
      page.cleanup();
    }
    return { pages, total: document.numPages };
  } catch (error) {
    const reason = error instanceof Error ? error : new Error(String(error));
    const message =
      reason.name === 'PasswordException'
        ? `${name} is protected by a password. Save it without one first.`
        : `${name} could not be read as a PDF: ${reason.message}`;
    throw new EngineError('BAD_REQUEST', message, {}, { cause: error });
  } finally {
    await loading.destroy();
  }
}
