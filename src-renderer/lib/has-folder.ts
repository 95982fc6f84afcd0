/** Whether a folder was dropped. Call it before anything is awaited: later, the list is empty. */
export function hasFolder({ items }: Pick<DataTransfer, 'items'>): boolean {
  return [...items].some((item) => item.webkitGetAsEntry()?.isDirectory);
}
