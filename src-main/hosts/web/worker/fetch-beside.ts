/** Fetches `/PATH` from the folder of the Worker's script, because a web server may have the app in a folder. */
export const fetchBeside: typeof fetch = (path, init) =>
  fetch(typeof path === 'string' ? new URL(`.${path}`, location.href) : path, init);
