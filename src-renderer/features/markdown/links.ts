const MAX_ADDRESS = 2000;

/**
 * The address that a link in a reply opens, in full and without invisible characters; null if it may not be opened. A
 * user name in an address would disguise its host.
 */
export function allowedUrl(url: string): string | null {
  if (!URL.canParse(url)) return null;
  const { protocol, username, password, href } = new URL(url);
  const isAllowed = protocol === 'https:' && href.length <= MAX_ADDRESS;
  return isAllowed && username === '' && password === '' ? href : null;
}
