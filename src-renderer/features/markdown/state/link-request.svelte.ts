/** The address that a person wants to open, until they have been asked; null without one. */
const request = $state<{ url: string | null }>({ url: null });

export const linkRequest: { readonly url: string | null } = request;

export function openLink(url: string): void {
  request.url = url;
}

export function closeLink(): void {
  request.url = null;
}
