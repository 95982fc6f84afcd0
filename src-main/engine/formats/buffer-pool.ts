/** Reusable buffers, so that reading a file in slices creates no garbage. */
export class BufferPool {
  private readonly free: Uint8Array<ArrayBuffer>[] = [];

  /**
   * @returns `length` bytes, not cleared
   * @throws RangeError when memory runs out
   */
  take(length: number): Uint8Array<ArrayBuffer> {
    const buffer = this.free.pop();
    return (buffer && buffer.length >= length ? buffer : new Uint8Array(length)).subarray(0, length);
  }

  /** @param buffer may be reused from now on */
  give(buffer: Uint8Array<ArrayBuffer>): void {
    this.free.push(new Uint8Array(buffer.buffer));
  }
}
