import type { NetworkRecord } from '../protocol/app-services.ts';

const MAX_RECORDS = 500;
const MAX_URL = 500;

/** Every request that left the app, or tried to. The latest 500, oldest first. */
export class NetworkLog {
  #records: NetworkRecord[] = [];

  add(record: Omit<NetworkRecord, 'at'>): void {
    this.#records.push({ ...record, url: record.url.slice(0, MAX_URL), at: new Date().toISOString() });
    if (this.#records.length > MAX_RECORDS) this.#records.shift();
  }

  records(): NetworkRecord[] {
    return [...this.#records];
  }
}
