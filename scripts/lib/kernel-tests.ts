/** Unit tests whose result depends on the V8 that compiles the kernels: they run in Electron's, too. */
export const KERNEL_TESTS = [
  'src-main/engine/executors/ops.test.ts',
  ...['attention', 'kernel-choice', 'lent-logits', 'quantized-linear', 'raised-halves', 'smollm2.model', 'threads'].map(
    (name) => `src-main/engine/executors/wasm/${name}.test.ts`,
  ),
];
