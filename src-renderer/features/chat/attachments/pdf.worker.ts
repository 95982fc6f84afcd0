/** PDF.js parses files in this Worker. `read-pdf.ts` asks it. */
import 'pdfjs-dist/legacy/build/pdf.worker.mjs';
