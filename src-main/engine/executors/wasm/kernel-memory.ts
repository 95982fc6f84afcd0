import { EngineError } from '../../api/errors.ts';
import { bytesText } from '../bytes-text.ts';

const PAGE = 65536;
/** The end of the 32-bit address space. */
export const MAX_MEMORY_BYTES = 4 * 2 ** 30 - PAGE;
/** A cache line, to avoid false sharing between threads. */
const ALIGNMENT = 64;
/** The first page is unused: address 0 means null. */
const FIRST = PAGE;

/** Allocates memory for as long as the model lives. */
export interface Allocator {
  /** Bytes in use. */
  readonly allocated: number;
  /** @param purpose used in error messages */
  allocate(bytes: number, purpose: string): number;
}

/** Computes how much memory would be allocated, without allocating it. */
export class MemoryCount implements Allocator {
  allocated = FIRST;

  allocate(bytes: number): number {
    const at = this.allocated;
    this.allocated = align(at + bytes);
    return at;
  }
}

/**
 * One WebAssembly memory. What lives as long as the model is allocated from the bottom; the scratch region of runs is
 * above that and grows with the largest run.
 */
export class KernelMemory implements Allocator {
  readonly memory: WebAssembly.Memory;
  private next = FIRST;
  /** Memory below this may be dirty. */
  private used = FIRST;
  private buffer: ArrayBuffer;
  private views: { u8: Uint8Array; i32: Int32Array; f32: Float32Array };

  constructor(shared: boolean) {
    this.memory = createMemory(shared);
    this.buffer = this.memory.buffer;
    this.views = viewsOf(this.buffer);
  }

  /** Bytes in use, without the scratch region. */
  get allocated(): number {
    return this.next;
  }

  /**
   * Allocates zeroed memory for as long as the model lives. Must not be called while memory from `reserve` is in use.
   * @throws EngineError OUT_OF_MEMORY
   */
  allocate(bytes: number, purpose: string): number {
    const at = this.next;
    this.ensure(at + bytes, purpose);
    if (at < this.used) this.u8.fill(0, at, Math.min(at + bytes, this.used));
    this.next = align(at + bytes);
    return at;
  }

  /** Frees all allocations from address `at`. The process keeps the memory: WebAssembly memory cannot shrink. */
  release(at: number): void {
    this.used = Math.max(this.used, this.next);
    this.next = at;
  }

  /**
   * Address of `bytes` of scratch memory, valid until the next call. Contents are undefined.
   * @throws EngineError OUT_OF_MEMORY
   */
  reserve(bytes: number, purpose: string): number {
    this.ensure(this.next + bytes, purpose);
    this.used = Math.max(this.used, this.next + bytes);
    return this.next;
  }

  /** Views of the whole memory. They are detached when memory grows, so fetch them again after each allocation. */
  get u8(): Uint8Array {
    return this.current().u8;
  }

  get i32(): Int32Array {
    return this.current().i32;
  }

  get f32(): Float32Array {
    return this.current().f32;
  }

  private current(): { u8: Uint8Array; i32: Int32Array; f32: Float32Array } {
    if (this.memory.buffer !== this.buffer) {
      this.buffer = this.memory.buffer;
      this.views = viewsOf(this.buffer);
    }
    return this.views;
  }

  /**
   * Grows the memory to `end`, so that a lack of it shows before anything is read. This only takes addresses; a page is
   * committed when it is first written.
   * @param total bytes that the purpose needs in all memories, for the error
   * @throws EngineError OUT_OF_MEMORY
   */
  ensure(end: number, purpose: string, total = end): void {
    const missing = end - this.memory.buffer.byteLength;
    if (missing <= 0) return;
    try {
      if (end > MAX_MEMORY_BYTES) throw new RangeError('past 4 GiB');
      this.memory.grow(Math.ceil(missing / PAGE));
    } catch (cause) {
      // RangeError: past the limit, or the system has no more.
      if (!(cause instanceof RangeError)) throw cause;
      const why =
        end > MAX_MEMORY_BYTES
          ? `one WebAssembly memory holds ${bytesText(MAX_MEMORY_BYTES)}. Choose a smaller model or a smaller context.`
          : 'the system has less free. Close other apps, or choose a smaller model or a smaller context.';
      throw new EngineError(
        'OUT_OF_MEMORY',
        `Out of memory for ${purpose}: ${bytesText(total)} are needed, but ${why}`,
        { bytes: total, limit: MAX_MEMORY_BYTES },
        { cause },
      );
    }
  }
}

function createMemory(shared: boolean): WebAssembly.Memory {
  try {
    return new WebAssembly.Memory({ initial: 1, maximum: 65536, shared });
  } catch (cause) {
    // RangeError: the system has no more addresses.
    if (!(cause instanceof RangeError)) throw cause;
    const message =
      'The model does not fit: the system refused to reserve 4\u00a0GiB of address space. Close other apps, or unload ' +
      'another model.';
    throw new EngineError('OUT_OF_MEMORY', message, { bytes: MAX_MEMORY_BYTES }, { cause });
  }
}

export function align(bytes: number): number {
  return Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
}

function viewsOf(buffer: ArrayBuffer): { u8: Uint8Array; i32: Int32Array; f32: Float32Array } {
  return { u8: new Uint8Array(buffer), i32: new Int32Array(buffer), f32: new Float32Array(buffer) };
}
