import { expect, it } from 'vitest';
import { artifactName, chosenTargets } from './targets.ts';

it('builds everything for a system', () => {
  expect(chosenTargets('linux', undefined)).toEqual(['AppImage', 'deb', 'rpm', 'tar.gz']);
  expect(chosenTargets('win32', undefined)).toEqual(['nsis', 'zip']);
});

it('builds what is chosen, in any case', () => {
  expect(chosenTargets('linux', 'deb, appimage')).toEqual(['AppImage', 'deb']);
});

it('lists the targets if one is unknown', () => {
  expect(() => chosenTargets('linux', 'deb,msi')).toThrow('msi: choose from AppImage, deb, rpm, tar.gz.');
  expect(() => chosenTargets('aix', undefined)).toThrow('There are no installers for aix.');
});

it('names files alike on all systems', () => {
  expect(artifactName('darwin', 'universal')).toBe('${name}-${version}-mac-universal.${ext}');
});
