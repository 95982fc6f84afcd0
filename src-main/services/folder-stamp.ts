/** Longer than the clock of modification times stands still, ms: 16 on Windows, 10 on Linux before 6.13. */
const TICK_MS = 50;

/**
 * Decides whether the stamp of a folder may be remembered when the folder is read. It may not if a later change could
 * leave it the same, because modification times are coarse. By this process's own clock: that of a server may differ.
 */
export class FolderStamp {
  #stamp: string | null = null;
  /** When the folder was first seen with this stamp. */
  #since = 0;

  /**
   * @param stamp of the folder right before it is read
   * @returns the stamp if every later change will change it; null if the folder must be read again
   */
  lasting(stamp: string, now = performance.now()): string | null {
    if (stamp !== this.#stamp) {
      this.#stamp = stamp;
      this.#since = now;
    }
    return now - this.#since < TICK_MS ? null : stamp;
  }
}
