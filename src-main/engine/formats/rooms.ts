/** Bytes that are used again and again, so that reading a file slice by slice leaves no garbage behind. */
export class Rooms {
  private readonly free: Uint8Array<ArrayBuffer>[] = [];

  /**
   * @returns `length` bytes, with what was in them
   * @throws RangeError where there is no memory for them
   */
  take(length: number): Uint8Array<ArrayBuffer> {
    const room = this.free.pop();
    return (room && room.length >= length ? room : new Uint8Array(length)).subarray(0, length);
  }

  /** @param room may be taken by others from now on */
  give(room: Uint8Array<ArrayBuffer>): void {
    this.free.push(new Uint8Array(room.buffer));
  }
}
