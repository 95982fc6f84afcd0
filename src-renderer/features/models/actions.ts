/** Actions on a model in the list. */
export interface ModelActions {
  load(id: string): void;
  unload(): void;
  cancelLoad(): void;
  /** Starts a chat with the loaded model. */
  use(): void;
  locate(id: string): void;
  accept(id: string): void;
  check(id: string): void;
  showInFolder(id: string): void;
  remove(id: string): void;
  /** Asks for confirmation to delete the file. */
  askToDelete(id: string): void;
}
