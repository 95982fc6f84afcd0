import { EngineError } from '../../api/errors.ts';

const PAGE = 65536;
/** 32-bit addresses end here. */
export const MAX_MEMORY_BYTES = 4 * 2 ** 30 - PAGE;
/** A cache line, so that threads do not share one by accident. */
const ALIGNMENT = 64;
/** The first page stays empty: address 0 stands for nothing. */
const FIRST = PAGE;

/** Gives memory for as long as the model lives. */
export interface Allocator {
  /** Bytes in use. */
  readonly allocated: number;
  /** @param purpose says in messages what there was no memory for */
  allocate(bytes: number, purpose: string): number;
}

/** Tells how much memory would be taken, and takes none. */
export class MemoryCount implements Allocator {
  allocated = FIRST;

  allocate(bytes: number): number {
    const at = this.allocated;
    this.allocated = align(at + bytes);
    return at;
  }
}

/**
 * One WebAssembly memory: what lives as long as the model is allocated from the bottom, and what one run needs lies in
 * one region above that, which grows with the largest run.
 */
export class KernelMemory implements Allocator {
  readonly memory: WebAssembly.Memory;
  private next = FIRST;
  /** Up to here memory may not be zero. */
  private used = FIRST;
  private buffer: ArrayBuffer;
  private views: { u8: Uint8Array; i32: Int32Array; f32: Float32Array };

  constructor(shared: boolean) {
    this.memory = createMemory(shared);
    this.buffer = this.memory.buffer;
    this.views = viewsOf(this.buffer);
  }

  /** Bytes in use, the region of runs left out. */
  get allocated(): number {
    return this.next;
  }

  /**
   * Gives zeroed memory for as long as the model lives. Not after `reserve` has given any that is still in use.
   * @throws EngineError OUT_OF_MEMORY
   */
  allocate(bytes: number, purpose: string): number {
    const at = this.next;
    this.ensure(at + bytes, purpose);
    if (at < this.used) this.u8.fill(0, at, Math.min(at + bytes, this.used));
    this.next = align(at + bytes);
    return at;
  }

  /** Frees what was allocated from address `at` on. The memory stays with the process: WebAssembly has no way to shrink it. */
  release(at: number): void {
    this.used = Math.max(this.used, this.next);
    this.next = at;
  }

  /**
   * Where a run may keep `bytes`, until the next call. Contents are undefined.
   * @throws EngineError OUT_OF_MEMORY
   */
  reserve(bytes: number, purpose: string): number {
    this.ensure(this.next + bytes, purpose);
    this.used = Math.max(this.used, this.next + bytes);
    return this.next;
  }

  /** Views of the whole memory. They end when memory grows: ask anew after each allocation. */
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
   * Takes from the system what will be given out up to `end`, so that a lack of it shows before anything is read. Takes
   * addresses; a page becomes memory when something is written there.
   * @throws EngineError OUT_OF_MEMORY
   */
  ensure(end: number, purpose: string): void {
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
          ? `WebAssembly can address ${MAX_MEMORY_BYTES}. Choose a smaller model, a shorter context, or the reference executor.`
          : 'the system does not have that much free. Close other programs, or choose a smaller model or a shorter context.';
      throw new EngineError(
        'OUT_OF_MEMORY',
        `Out of memory for ${purpose}: ${end} bytes are needed in total, and ${why}`,
        { bytes: end, limit: MAX_MEMORY_BYTES },
        { cause },
      );
    }
  }
}

function createMemory(shared: boolean): WebAssembly.Memory {
  try {
    return new WebAssembly.Memory({ initial: 1, maximum: 65536, shared });
  } catch (cause) {
    // RangeError: the system gives no more addresses.
    if (!(cause instanceof RangeError)) throw cause;
    const message = `Another model does not fit: the system refused to reserve 4 GiB of address space. Unload a model, or use the reference executor.`;
    throw new EngineError('OUT_OF_MEMORY', message, { bytes: MAX_MEMORY_BYTES }, { cause });
  }
}

export function align(bytes: number): number {
  return Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
}

function viewsOf(buffer: ArrayBuffer): { u8: Uint8Array; i32: Int32Array; f32: Float32Array } {
  return { u8: new Uint8Array(buffer), i32: new Int32Array(buffer), f32: new Float32Array(buffer) };
}
