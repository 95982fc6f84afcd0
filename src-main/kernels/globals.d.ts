/** Set by scripts/build-kernels.ts: 1 where V8 may make one instruction of 256 bits out of two of 128, see base/wide.ts. */
declare const WIDE: bool;
