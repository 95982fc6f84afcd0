/** What the app tells about itself: its versions, its requests, and the computer's memory. */

export interface AboutInfo {
  name: string;
  version: string;
  /** `browser`: files of a web server, which stores nothing; chats and settings are in the browser. */
  host: 'electron' | 'web' | 'browser';
  /** Versions of Electron, Chromium and Node, if applicable. */
  versions: Record<string, string>;
  /** Why this is not the Electron version that package.json pins; null when it is. */
  runtimeNote: string | null;
  license: string;
  /** Folder of chats and settings; empty if they are in the browser. */
  dataFolder: string;
}

export interface NetworkRecord {
  at: string;
  url: string;
  /** Requests that no person initiated are refused. `running`: in progress. */
  result: 'refused' | 'running' | 'done' | 'failed';
  /** Received so far. */
  bytes: number;
  /** Purpose and outcome, for people; null for a refused request. */
  note: string | null;
}

/** This computer's memory in bytes. */
export interface SystemMemory {
  /** Memory that a program can get without swapping out others. */
  freeBytes: number;
  totalBytes: number;
}
