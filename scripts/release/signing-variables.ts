/** Variables of electron-builder with certificates, passwords and keys. */
const SIGNING = /^(?:WIN_)?CSC_|^APPLE_/;

/**
 * Deletes empty signing variables, which a workflow makes of missing secrets. electron-builder takes an empty one for a
 * certificate that cannot be read.
 */
export function deleteEmpty(env: NodeJS.ProcessEnv): void {
  for (const name of Object.keys(env)) if (SIGNING.test(name) && env[name] === '') Reflect.deleteProperty(env, name);
}
