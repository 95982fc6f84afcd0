/** What the menu of a lane does. */
export interface LaneActions {
  rerun(): void;
  stop(): void;
  edit(): void;
  pin(): void;
  unpin(): void;
  openAsChat(): void;
  /** Generates the reply again, alone, and compares. */
  verify(): void;
  saveReceipt(): void;
  apply(): void;
  duplicate(): void;
  remove(): void;
}
