/** The catalogue of models, and downloads from it. */

/** An entry of the bundled catalogue. */
export interface CatalogueEntry {
  id: string;
  name: string;
  /** Who made the model, and who converted the file, if different. */
  publisher: string;
  packer: string | null;
  architecture: string;
  parameters: number;
  /** Training context in tokens. */
  contextSize: number;
  /** Storage type of most of its weights, for example `Q4_K_M`. */
  quantisation: string;
  /** Recommended to people who have no other model. */
  start?: boolean;
  description: string;
  cannot: string;
  /** `terms`: a restrictive licence, which a person must read and accept. */
  license: { name: string; url: string; kind: 'free' | 'terms' };
  /** Web page of the model at the hub. */
  page: string;
  /** Download address, with the mirror of the settings. */
  url: string;
  file: string;
  /** Null if unknown until the download starts. */
  bytes: number | null;
  /** Null if unknown; the hash is then recorded after the download. */
  sha256: string | null;
  /** Bytes of K and V per token at F16. */
  kvBytesPerToken: number;
  /** Its id in the library, if it is on this computer. */
  modelId: string | null;
}

/** Why a download stopped. */
export type DownloadProblemKind =
  | 'dns'
  | 'connection'
  | 'tls'
  | 'proxy'
  | 'timeout'
  | 'redirect'
  | 'http'
  | 'cut'
  | 'disk'
  | 'hash'
  | 'busy';

export interface DownloadProblem {
  kind: DownloadProblemKind;
  /** What happened, with numbers, and what to do. */
  message: string;
  /** HTTP status of the response; null if there was none. */
  httpStatus: number | null;
}

export type DownloadPhase =
  /** Waiting for the server; also between two attempts, `problem` then says why. */
  | 'connecting'
  | 'downloading'
  /** Hashing existing bytes, or flushing to disk. */
  | 'checking'
  | 'paused'
  | 'failed'
  | 'done';

export interface Download {
  id: string;
  catalogueId: string;
  name: string;
  url: string;
  phase: DownloadPhase;
  /** Bytes on disk so far. */
  bytes: number;
  totalBytes: number | null;
  /** Bytes per second over the last seconds; null without data. */
  rate: number | null;
  secondsLeft: number | null;
  problem: DownloadProblem | null;
  /** After completion: the model in the library, and the hash with its source. */
  modelId: string | null;
  sha256: string | null;
  hashChecked: boolean;
}

/** The download folder. */
export interface ModelsFolder {
  path: string;
  isDefault: boolean;
  freeBytes: number | null;
}
