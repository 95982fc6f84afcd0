import { EngineError } from '../../../../src-main/engine/api/errors.ts';
import { workerUrl } from '../../../lib/trusted-url.ts';
import type { PdfText } from './read-file.ts';

export interface PdfRequest {
  bytes: ArrayBuffer;
  name: string;
}
export type PdfAnswer = { result: PdfText } | { error: string };

/** A file that takes longer is given up, ms. A book of 1,000 pages takes about a tenth. */
const TIMEOUT_MS = 120_000;

/** Reads one PDF in a Worker of its own, which ends with it and frees its memory. @throws EngineError BAD_REQUEST */
export async function readPdf(bytes: ArrayBuffer, name: string): Promise<PdfText> {
  const worker = new Worker(workerUrl('/pdf.worker.js'), { type: 'module', name: 'pdf' });
  let timer: ReturnType<typeof setTimeout> | undefined;
  try {
    const answer = await new Promise<PdfAnswer>((resolve, reject) => {
      const fail = (why: string) => () => reject(new EngineError('BAD_REQUEST', `${name} could not be read: ${why}.`));
      timer = setTimeout(fail('it took longer than two minutes'), TIMEOUT_MS);
      worker.onmessage = ({ data }: MessageEvent<PdfAnswer>) => resolve(data);
      worker.onerror = fail('the PDF reader failed');
      worker.postMessage({ bytes, name } satisfies PdfRequest, [bytes]);
    });
    if ('error' in answer) throw new EngineError('BAD_REQUEST', answer.error);
    return answer.result;
  } finally {
    clearTimeout(timer);
    worker.terminate();
  }
}
