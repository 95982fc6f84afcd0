/** Prints the texts of lanes while they are generated. */
export interface LaneView {
  /** Adds to a lane's text. */
  add(lane: number, text: string): Promise<void>;
  /** Marks a lane as complete. */
  end(lane: number): Promise<void>;
}
