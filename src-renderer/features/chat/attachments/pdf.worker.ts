/** Reads PDF files beside the page, so that no file can block it. */
import { EngineError } from '../../../../src-main/engine/api/errors.ts';
import type { PdfAnswer, PdfRequest } from './pdf-client.ts';
import { pdfText } from './pdf-text.ts';

self.addEventListener('message', ({ data: { bytes, name } }: MessageEvent<PdfRequest>) => {
  const post = (answer: PdfAnswer) => self.postMessage(answer);
  pdfText(bytes, name).then(
    (result) => post({ result }),
    (error: unknown) => post({ error: EngineError.from(error).message }),
  );
});
