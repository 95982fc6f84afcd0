/**
 * What a host supplies to the engine. The engine itself imports nothing from Node, Electron or the DOM, so the same
 * code runs in a utility process, a browser Worker, a terminal and a test.
 */

/** Random access to the bytes of one file, wherever they lie (disk, `File`, HTTP range, memory). */
export interface ByteSource {
  /** A name a person recognises (a file name or URL), used in error messages. */
  readonly name: string;
  /** Total length in bytes. */
  readonly size: number;
  /**
   * Reads `length` bytes from byte `offset`.
   * @param buffer reused for the bytes, to avoid garbage when reading in chunks; at least `length` long
   * @throws EngineError MODEL_FORMAT when the range lies outside the file, MODEL_IO when reading fails.
   */
  read(offset: number, length: number, buffer?: Uint8Array): Promise<Uint8Array>;
  close?(): Promise<void>;
}

/** A file being written, from its first byte to its last. */
export interface ByteSink {
  /** @throws EngineError STORAGE when it cannot be written */
  write(bytes: Uint8Array): Promise<void>;
}

/** The files of one model folder by relative name: `model.safetensors`, `tokenizer.json`, `config.json`. */
export interface ModelFiles {
  /** Stable id of the model in this installation, for example `tiny-transformer`. */
  readonly id: string;
  /** What people call it, where the id does not say and the files do not either: a folder's name. */
  readonly name?: string;
  /** Names of the files that exist. */
  readonly names: readonly string[];
  /** Another one when other files stand for the id, or the same were changed; left out where they never are. */
  readonly stamp?: string;
  /** @throws EngineError MODEL_NOT_FOUND when there is no file of that name. */
  open(name: string): Promise<ByteSource>;
}

/** Monotonic time in ms, as `performance.now()` gives it. */
export interface Clock {
  now(): number;
}

export interface Logger {
  debug(message: string, details?: unknown): void;
  warn(message: string, details?: unknown): void;
}

/**
 * Asked by the generation loop between tokens and by CPU executors between operations. Backed by shared memory
 * where there is any (see `protocol/engine/cancel-flags.ts`), by a plain boolean elsewhere.
 */
export interface CancelToken {
  readonly cancelled: boolean;
  /**
   * Calls `listener` when the request is cancelled, so that one that waits for its turn ends at once. Left out where
   * nothing tells: it then ends when its turn comes.
   * @returns stops listening
   */
  onCancel?(listener: () => void): () => void;
}

/** The CPU kernels (src-main/kernels), compiled for this machine. */
export interface CompiledKernels {
  /** Name of the build, for people. */
  readonly variant: string;
  readonly module: WebAssembly.Module;
  /** Built for memory that threads share; else for memory of one thread. */
  readonly shared: boolean;
  /**
   * The same in the shape that V8 makes instructions of 256 bits from, for the same kind of memory. Left out where it
   * does not. The faster of the two is used.
   */
  readonly wide?: WebAssembly.Module | undefined;
  /** Another one for other code; left out, nothing that was measured with them is kept. */
  readonly hash?: string;
}

/**
 * What was measured on this computer with this runtime, kept past the end of the process. Neither call fails: what
 * cannot be read is measured again.
 */
export interface Measurements {
  /** The numbers that were kept under `key`, all of them finite and above 0; undefined when none are or they are old. */
  get(key: string): Promise<readonly number[] | undefined>;
  set(key: string, numbers: readonly number[]): Promise<void>;
}

/** What a thread of the kernels needs to start; the host's script passes it to the kernels' `work`. */
export interface KernelThread {
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  /** Address of the pool's state. */
  readonly pool: number;
  /** Address of an i32 that the script sets to 1 when `work` throws: nobody waits for the thread any more. */
  readonly failed: number;
  /** From 1; the engine's own thread is 0. */
  readonly thread: number;
}

/** Threads that compute beside the engine's own. */
export interface KernelThreads {
  /** Threads that this machine runs at once, the engine's included. */
  readonly available: number;
  /**
   * Starts one thread. Resolves when it is ready to work.
   * @param onFailure called when it ends without having been stopped
   * @throws EngineError BACKEND_LOST
   */
  start(thread: KernelThread, onFailure: () => void): Promise<{ stop(): Promise<void> }>;
}

/** Everything the engine needs from its host. */
export interface Platform {
  readonly clock: Clock;
  readonly log: Logger;
  /**
   * Awaits one macrotask, so that the host's event loop can deliver messages. Must not be clamped to 4 ms as nested
   * browser timers are.
   */
  yieldToHost(): Promise<void>;
  /**
   * Where cancelling arrives as a message instead of through shared memory: yield after every token, because the
   * message is only heard then. Default false: yield when 16 ms have passed.
   */
  readonly yieldEveryToken?: boolean;
  /** A fresh 32-bit seed, for replies whose seed the user left open. */
  randomSeed(): number;
  /**
   * Compiles the CPU kernels, once. Left out where there are none: the `wasm` executor is then not to be had.
   * @throws EngineError BACKEND_LOST when they cannot be read or this machine cannot run them.
   */
  compileKernels?(): Promise<CompiledKernels>;
  /** Left out where threads cannot share memory. */
  readonly threads?: KernelThreads;
  /** Left out where nothing is kept: every process then measures for itself. */
  readonly measurements?: Measurements | undefined;
  /**
   * Frees what nothing refers to any more. A model's WebAssembly memory is freed by the garbage collector only, which
   * does not feel its weight and may leave it for minutes. Left out, the host frees it when it will.
   */
  collectGarbage?(): void;
}
