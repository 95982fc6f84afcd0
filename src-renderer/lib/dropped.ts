/** What was dropped on the page. */
export interface Dropped {
  readonly files: readonly File[];
  /** Whether one of `files` is a folder. */
  readonly hasFolder: boolean;
}

/** Call it before anything is awaited: later, the lists are empty. */
export function droppedIn({ files, items }: Pick<DataTransfer, 'files' | 'items'>): Dropped {
  return { files: [...files], hasFolder: [...items].some((item) => item.webkitGetAsEntry()?.isDirectory) };
}
