/** The character maps that PDF.js ships, as files of the app: about 1 MB, of which a PDF needs one or two. */
const URLS = import.meta.glob<string>('../../../../node_modules/pdfjs-dist/cmaps/*.bcmap', {
  query: '?url',
  import: 'default',
  eager: true,
});
const byName = new Map(Object.entries(URLS).map(([path, url]) => [path.slice(path.lastIndexOf('/') + 1), url]));

/** @param fileName as PDF.js names it, for example `UniGB-UCS2-H.bcmap` @throws Error for an unknown name */
export async function cMap(fileName: string): Promise<Uint8Array> {
  const url = byName.get(fileName);
  if (url === undefined) throw new Error(`There is no character map ${fileName}`);
  const response = await fetch(url);
  if (!response.ok) throw new Error(`The character map ${fileName} could not be read: ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}
