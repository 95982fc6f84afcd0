import { getDocument, type PDFDocumentProxy, PDFWorker, VerbosityLevel } from 'pdfjs-dist/legacy/build/pdf.mjs';

/** More pages are left out. */
const MAX_PAGES = 2000;
/** More text fits no message, so the rest is not read. UTF-16 units. */
const MAX_UNITS = 4_000_000;

/** The text of a PDF, page by page. */
export interface PdfText {
  readonly pages: readonly string[];
  /** In the document; more than `pages` if it is very long. */
  readonly total: number;
  /** Numbers of damaged pages, from 1; they are empty in `pages`. */
  readonly damaged: readonly number[];
}

/** Reads a character map of Chinese, Japanese or Korean fonts that a PDF names but does not contain. */
type ReadCMap = (fileName: string) => Promise<Uint8Array>;

/**
 * Parses a PDF. The legacy build brings what the browsers of this year may lack, such as `Uint8Array.toHex`.
 * @param data is transferred to the Worker
 * @throws Error of the library; its `name` says which
 */
export async function pdfText(data: Uint8Array, port: Worker, cMap: ReadCMap): Promise<PdfText> {
  const task = getDocument({
    data,
    // Its types declare the port as `null`.
    worker: new PDFWorker({ port: port as never }),
    // Text needs no fonts, images or scripts, so nothing of them is loaded.
    useWorkerFetch: false,
    useWasm: false,
    useSystemFonts: false,
    disableFontFace: true,
    cMapPacked: true,
    BinaryDataFactory: class {
      async fetch({ kind, filename }: { kind: string; filename: string }): Promise<Uint8Array> {
        if (kind !== 'cMapUrl') throw new Error(`Not needed for text: ${filename}`);
        return await cMap(filename);
      }
    },
    verbosity: VerbosityLevel.ERRORS,
  });
  try {
    return await textOf(await task.promise);
  } finally {
    await task.destroy();
  }
}

async function textOf(document: PDFDocumentProxy): Promise<PdfText> {
  const pages: string[] = [];
  const damaged: number[] = [];
  let units = 0;
  for (let number = 1; number <= Math.min(document.numPages, MAX_PAGES) && units <= MAX_UNITS; number++) {
    try {
      const page = await document.getPage(number);
      const { items } = await page.getTextContent();
      const parts = items.map((item) => ('str' in item ? item.str + (item.hasEOL ? '\n' : '') : ''));
      const text = parts.join('').trim();
      units += text.length;
      pages.push(text);
      page.cleanup();
    } catch {
      // The other pages may still be read.
      pages.push('');
      damaged.push(number);
    }
  }
  return { pages, total: document.numPages, damaged };
}
