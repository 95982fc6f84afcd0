/** The folders with a TypeScript project: one per runtime, so that each sees only what exists there. */
export const PROJECT_FOLDERS = [
  'src-main/engine',
  'src-main/protocol',
  'src-main/services',
  'src-main/hosts/web',
  'src-main/preload',
  'src-main',
  'src-renderer',
  'scripts',
];
