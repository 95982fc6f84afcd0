/** Buffers that are used again and again, so that reading a file slice by slice leaves no garbage behind. */
export class BufferPool {
  private readonly free: Uint8Array<ArrayBuffer>[] = [];

  /**
   * @returns `length` bytes, with what was in them
   * @throws RangeError where there is no memory for them
   */
  take(length: number): Uint8Array<ArrayBuffer> {
    const buffer = this.free.pop();
    return (buffer && buffer.length >= length ? buffer : new Uint8Array(length)).subarray(0, length);
  }

  /** @param buffer may be taken by others from now on */
  give(buffer: Uint8Array<ArrayBuffer>): void {
    this.free.push(new Uint8Array(buffer.buffer));
  }
}
