/** An update of the app, as the page sees it. */
export interface UpdateState {
  /** Why this installation does not update itself, and what to do, for people; null if it can. */
  unsupported: string | null;
  /** `idle`: no newer version is known. `ready`: it is installed when the app quits. */
  phase: 'idle' | 'checking' | 'available' | 'downloading' | 'ready' | 'failed';
  /** ISO 8601, UTC; null before the first check. */
  lastCheck: string | null;
  /** The newer version that is offered, with its size in bytes; null if none is known. */
  release: { version: string; date: string; notes: string; bytes: number } | null;
  /** Downloaded so far. */
  bytes: number;
  /** Why the last step failed, for people. */
  problem: string | null;
}
