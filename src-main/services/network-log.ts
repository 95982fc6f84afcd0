import type { NetworkRecord } from '../protocol/app/about.ts';

const MAX_RECORDS = 500;
const MAX_URL = 500;

/** A request in progress. */
export interface RunningRequest {
  received(bytes: number): void;
  /** @param note outcome, for people, if there is more to say than the result */
  end(result: 'done' | 'failed', note?: string): void;
}

/** All requests that left the app, or tried to. The latest 500, oldest first. */
export class NetworkLog {
  #records: NetworkRecord[] = [];

  /** Records a request that was blocked. */
  refused(url: string): void {
    this.#add({ url, result: 'refused', bytes: 0, note: null });
  }

  /** @param note purpose of the request */
  begin(url: string, note: string): RunningRequest {
    const record = this.#add({ url: withoutQuery(url), result: 'running', bytes: 0, note });
    return {
      received: (bytes) => void (record.bytes += bytes),
      end(result, how) {
        record.result = result;
        if (how !== undefined) record.note = `${note} ${how}`;
      },
    };
  }

  records(): NetworkRecord[] {
    return this.#records.map((record) => ({ ...record }));
  }

  #add({ url, ...rest }: Omit<NetworkRecord, 'at'>): NetworkRecord {
    const record = { url: url.slice(0, MAX_URL), ...rest, at: new Date().toISOString() };
    this.#records.push(record);
    if (this.#records.length > MAX_RECORDS) this.#records.shift();
    return record;
  }
}

/** A query is often a temporary access key. */
function withoutQuery(url: string): string {
  const at = url.indexOf('?');
  return at === -1 ? url : `${url.slice(0, at)}?…`;
}
