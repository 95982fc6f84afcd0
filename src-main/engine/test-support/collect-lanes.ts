import type { GenerateEnd, LanesEvent } from '../api/types.ts';

/** The ends of all lanes, by lane. */
export async function collectLanes(events: AsyncIterable<LanesEvent>): Promise<GenerateEnd[]> {
  const ends: GenerateEnd[] = [];
  for await (const each of events) {
    if (each.type === 'lane' && each.event.type === 'end') ends[each.lane] = each.event;
  }
  return ends;
}
