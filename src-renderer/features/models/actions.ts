/** What a person can do with a model of the list. */
export interface ModelActions {
  load(id: string): void;
  unload(): void;
  cancelLoad(): void;
  /** Begins a chat with the model in memory. */
  use(): void;
  locate(id: string): void;
  accept(id: string): void;
  check(id: string): void;
  showInFolder(id: string): void;
  remove(id: string): void;
  /** Asks whether the file is to be deleted. */
  askToDelete(id: string): void;
}
