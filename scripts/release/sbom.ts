/** The software bill of materials of the app, in CycloneDX's format. */
import { Enums, Models, Serialize, SPDX, Spec } from '@cyclonedx/cyclonedx-library';
import type { BundledPackage } from './bundled-packages.ts';

export const SBOM_FILE = 'sbom.cdx.json';

interface SbomOptions {
  app: { name: string; version: string; license: string };
  electronVersion: string;
  packages: readonly BundledPackage[];
  at: Date;
}

/** @returns JSON */
export function sbom({ app, electronVersion, packages, at }: SbomOptions): string {
  const main = component(Enums.ComponentType.Application, app);
  const runtime = component(Enums.ComponentType.Framework, {
    name: 'electron',
    version: electronVersion,
    license: 'MIT',
  });
  runtime.description = 'Runtime of the app, with Chromium and Node.js';
  const bom = new Models.Bom({ metadata: new Models.Metadata({ component: main, timestamp: at }) });
  for (const one of [runtime, ...packages.map((found) => component(Enums.ComponentType.Library, found))]) {
    bom.components.add(one);
    // The bundler joins the packages, so which of them asked for another is lost.
    main.dependencies.add(one.bomRef);
  }
  const serializer = new Serialize.JsonSerializer(new Serialize.JSON.Normalize.Factory(Spec.Spec1dot6));
  return `${serializer.serialize(bom, { sortLists: true, space: 2 })}\n`;
}

function component(
  type: Enums.ComponentType,
  { name, version, license }: { name: string; version: string; license: string },
): Models.Component {
  const parts = name.split('/');
  const group = parts.length > 1 ? parts[0] : undefined;
  const made = new Models.Component(type, parts.at(-1)!, {
    version,
    ...(group === undefined ? {} : { group }),
    bomRef: `${name}@${version}`,
    purl: `pkg:npm/${name.replace(/^@/, '%40')}@${version}`,
  });
  made.licenses.add(
    SPDX.isSupportedSpdxId(license) ? new Models.SpdxLicense(license) : new Models.NamedLicense(license),
  );
  return made;
}
