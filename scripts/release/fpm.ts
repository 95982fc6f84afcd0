/** Takes the place of fpm, which electron-builder downloads, for debs and rpms (CUSTOM_FPM_PATH). */
import { buildPackage } from './build-package.ts';
import { readFpmArguments } from './package-spec.ts';

try {
  await buildPackage(readFpmArguments(process.argv.slice(2)));
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exitCode = 1;
}
