/**
 * The files of the clipboard that are pasted as attachments. Spreadsheets and slides put a picture of the copied text
 * beside it: then the text is pasted.
 */
export function pastedFiles(clipboard: Pick<DataTransfer, 'files' | 'getData'> | null): File[] {
  if (clipboard === null) return [];
  const files = [...clipboard.files];
  const isPictureOfText =
    clipboard.getData('text/plain') !== '' && files.every(({ type }) => type.startsWith('image/'));
  return isPictureOfText ? [] : files;
}
