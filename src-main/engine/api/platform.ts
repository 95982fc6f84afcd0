/**
 * What a host supplies to the engine. The engine itself imports nothing from Node, Electron or the DOM, so the same
 * code runs in a utility process, a browser Worker, a terminal and a test.
 */
import type { Gpu } from './gpu.ts';

/** Random access to the bytes of one file, wherever it is (disk, `File`, HTTP range, memory). */
export interface ByteSource {
  /** A name that people recognise (a file name or URL), used in error messages. */
  readonly name: string;
  /** Total length in bytes. */
  readonly size: number;
  /**
   * Reads `length` bytes from byte `offset`.
   * @param buffer reused for the bytes, to avoid garbage when reading in chunks; at least `length` long
   * @throws EngineError MODEL_FORMAT when the range is outside the file, MODEL_IO when reading fails.
   */
  read(offset: number, length: number, buffer?: Uint8Array): Promise<Uint8Array>;
  close?(): Promise<void>;
}

/** A file to be written sequentially. */
export interface ByteSink {
  /** @throws EngineError STORAGE when it cannot be written */
  write(bytes: Uint8Array): Promise<void>;
}

/** The files of one model folder by relative name: `model.safetensors`, `tokenizer.json`, `config.json`. */
export interface ModelFiles {
  /** Stable id of the model in this installation, for example `tiny-transformer`. */
  readonly id: string;
  /** Display name, if neither the id nor the files give one: a folder's name. */
  readonly name?: string;
  /** Names of the files that exist. */
  readonly names: readonly string[];
  /** Changes when the id's files change; absent if they never do. */
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
   * Calls `listener` when the request is cancelled, so that a waiting request ends at once. Without it, the request ends
   * when its turn comes.
   * @returns stops listening
   */
  onCancel?(listener: () => void): () => void;
}

/** The CPU kernels (src-main/kernels), compiled for this machine. */
export interface CompiledKernels {
  /** Display name of the build. */
  readonly variant: string;
  readonly module: WebAssembly.Module;
  /** Whether it was built for shared memory, for several threads. */
  readonly shared: boolean;
  /**
   * The same kernels in a form that V8 compiles to 256-bit instructions, for the same kind of memory. Absent if it does
   * not. The faster of the two is used.
   */
  readonly wide?: WebAssembly.Module | undefined;
  /** Hash of the code; without it, measurements are not stored. */
  readonly hash?: string;
}

/**
 * Measurements on this computer and runtime that outlive the process. Neither call fails: what cannot be read is measured
 * again.
 */
export interface Measurements {
  /** The numbers stored under `key`, all of them finite and above 0; undefined if there are none or they are outdated. */
  get(key: string): Promise<readonly number[] | undefined>;
  set(key: string, numbers: readonly number[]): Promise<void>;
}

/** Size of the stored prefix cache. */
export interface PrefixStoreSize {
  bytes: number;
  /** Beyond this, what was used least recently is deleted. */
  limit: number;
}

/**
 * Blocks of bytes that outlive the process, by key (64 hexadecimal digits). Several processes may share them. Their content
 * is checked by the engine, so a store may return anything.
 */
export interface PrefixStore {
  /** Names processor and runtime: on others, the last bits of K and V may differ. */
  readonly machine: string;
  /** Undefined if there is none. @throws EngineError STORAGE */
  get(key: string): Promise<Uint8Array | undefined>;
  has(key: string): Promise<boolean>;
  /**
   * Stores a block, all or nothing. Beyond the limit, deletes those that were used least recently.
   * @param used when it was last used, ms since 1970; by default now
   * @returns keys of the deleted blocks
   * @throws EngineError STORAGE, for example when the disk is full
   */
  set(key: string, bytes: Uint8Array<ArrayBuffer>, used?: number): Promise<readonly string[]>;
  /** Blocks of this many bytes that are left when others were deleted. A chat with more would lose the rest at once. */
  capacity(blockBytes: number): number;
  delete(key: string): Promise<void>;
  /**
   * Notes that a chat uses these blocks now, the first ones last of all to be deleted.
   * @throws EngineError STORAGE
   */
  use(chat: string, keys: readonly string[]): Promise<void>;
  /** Deletes the blocks that no other chat has used. @throws EngineError STORAGE */
  deleteChat(chat: string): Promise<void>;
  /** @throws EngineError STORAGE */
  size(): Promise<PrefixStoreSize>;
  /** Deletes all. @throws EngineError STORAGE */
  clear(): Promise<void>;
  /** The host's SHA-256: 32 bytes. */
  sha256(bytes: Uint8Array): Promise<Uint8Array>;
}

/** One of a model's memories. */
export interface KernelThreadPart {
  readonly memory: WebAssembly.Memory;
  /** Address of the pool's state. */
  readonly pool: number;
  /** Address of an i32 that the script sets to 1 when the kernels throw, so that nobody waits for the thread. */
  readonly failed: number;
}

/**
 * Start parameters of a kernel thread. The host's script waits for runs with `nextRun` of the kernels in the first memory,
 * and computes each with `work` of the kernels in its memory, until there are no more.
 */
export interface KernelThread {
  readonly module: WebAssembly.Module;
  readonly parts: readonly KernelThreadPart[];
  /** From 1; the engine's own thread is 0. */
  readonly thread: number;
}

/** Threads in addition to the engine's own. */
export interface KernelThreads {
  /** Threads that this machine runs at once, including the engine's. */
  readonly available: number;
  /**
   * Starts one thread. Resolves when it is ready.
   * @param onFailure called when it ends without having been stopped
   * @throws EngineError BACKEND_LOST
   */
  start(thread: KernelThread, onFailure: () => void): Promise<{ stop(): Promise<void> }>;
}

/** A connection to a part of the engine in another process. Messages are plain data, and copied. */
export interface MessageLink {
  post(message: unknown): void;
  /** One listener. Messages that arrive before are kept for it. */
  onMessage(listener: (message: unknown) => void): void;
  /** Called once, when the other side is gone. */
  onClose(listener: () => void): void;
  close(): void;
}

/** The host's services for the engine. */
export interface Platform {
  readonly clock: Clock;
  readonly log: Logger;
  /**
   * Awaits one macrotask, so that the host's event loop can deliver messages. Must not be clamped to 4 ms like nested
   * browser timers.
   */
  yieldToHost(): Promise<void>;
  /**
   * Whether cancelling arrives as a message instead of through shared memory, which requires a yield after every token.
   * Default false: yields every 16 ms.
   */
  readonly yieldEveryToken?: boolean;
  /** Memory of this computer in bytes, within the limits of the process; absent if the host does not know. */
  readonly memoryBytes?: number;
  /** A new 32-bit seed for replies without one. */
  randomSeed(): number;
  /**
   * Compiles the CPU kernels, once. Absent if there are none, so that the `wasm` executor is unavailable.
   * @throws EngineError BACKEND_LOST when they cannot be read or this machine cannot run them.
   */
  compileKernels?(): Promise<CompiledKernels>;
  /**
   * WebGPU, for the `webgpu` executor. Absent if the host has none.
   * @throws EngineError BACKEND_LOST when it is not installed
   */
  openGpu?(): Promise<Gpu>;
  /**
   * Connects to a thread that has WebGPU and serves the `webgpu` executor (`serveGpu`). For hosts whose engine has no
   * WebGPU, instead of `openGpu`.
   * @throws EngineError BACKEND_LOST with the reason why there is none
   */
  connectGpu?(): Promise<MessageLink>;
  /** Absent if threads cannot share memory. */
  readonly threads?: KernelThreads;
  /** Absent if nothing is stored, so that every process measures for itself. */
  readonly measurements?: Measurements | undefined;
  /** Absent if K and V are not stored beyond the process. */
  readonly prefixStore?: PrefixStore | undefined;
  /**
   * Collects garbage. A model's WebAssembly memory is only freed by the garbage collector, which ignores its size and may
   * leave it for minutes. If absent, the host frees it at some point.
   */
  collectGarbage?(): void;
}
