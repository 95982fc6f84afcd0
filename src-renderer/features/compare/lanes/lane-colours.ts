import type { TokenColours } from '../../../../src-main/protocol/app/app-services.ts';

/** Of lanes: what is stored of every token, so that lanes of any age can be compared. */
export const LANE_COLOURS: TokenColours = { by: 'probability', doubtBelow: 0 };
