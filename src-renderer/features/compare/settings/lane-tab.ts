/** A tab of the settings of a lane. */
export type LaneTab = 'sampling' | 'stop' | 'prompt' | 'lane';
