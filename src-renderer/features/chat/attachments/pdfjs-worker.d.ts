/** The library ships no types for it. It is only imported for what it does in a Worker. */
declare module 'pdfjs-dist/legacy/build/pdf.worker.mjs';
