/** How long the browser may take to start saving, ms. */
const KEEP_MS = 60_000;

/** Saves a file that the page made. The browser or Electron chooses the folder or asks for it. */
export function saveFile(content: Blob, name: string): void {
  const url = URL.createObjectURL(content);
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), KEEP_MS);
}
