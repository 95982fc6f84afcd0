/**
 * A clean Debian, or Ubuntu if this is one, on this machine's kernel. Its files are those of a base that is made once, with a writable layer per test.
 * Commands run after pivot_root instead of chroot, because the kernel forbids user namespaces, which the sandbox needs, in
 * a chroot.
 */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { appendFile, cp, mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { capture, type Finished } from '../../scripts/lib/run.ts';
import { userCache } from '../../scripts/lib/user-cache.ts';

/** What a desktop has and a minimal system lacks. */
const DESKTOP_PACKAGES = ['ca-certificates', 'dbus', 'desktop-file-utils', 'fuse3', 'libglib2.0-bin', 'procps'];
const RPM_PACKAGES = ['rpm', 'shared-mime-info', 'xdg-utils'];
/** Increment when the steps below change the result. */
const RECIPE = '1';

/** The person who uses the app. */
export const USER = { name: 'ada', id: 1000, home: '/home/ada' };

/** This machine's release, which its mirror has. */
const release = /^VERSION_CODENAME=(\S+)$/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? 'stable';
const basePath = () => userCache('clean-root', `${release}-${RECIPE}`);

/** @param deb its dependencies are part of the base, so that installing it needs no network */
export async function prepareBase(deb: string, say: (line: string) => void): Promise<void> {
  const base = basePath();
  if (existsSync(base)) return;
  say(`making a clean ${release} in ${base} (once, some minutes)`);
  const making = `${base}.making`;
  await rm(making, { recursive: true, force: true });
  await mkdir(making, { recursive: true });
  const { site, components } = await mirror();
  await must('debootstrap', ['--variant=minbase', components, release, making, site]);
  await cp('/etc/resolv.conf', join(making, 'etc/resolv.conf'));
  // Services must not start in it.
  await writeFile(join(making, 'usr/sbin/policy-rc.d'), '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  await mkdir(join(making, 'old-root'));
  await mkdir(join(making, 'tmp/.X11-unix'));
  await appendFile(join(making, 'etc/passwd'), `${USER.name}:x:${USER.id}:${USER.id}::${USER.home}:/bin/sh\n`);
  await appendFile(join(making, 'etc/group'), `${USER.name}:x:${USER.id}:\n`);
  await must('install', ['-d', '-o', String(USER.id), '-g', String(USER.id), join(making, USER.home)]);
  const depends = (await must('dpkg-deb', ['--field', deb, 'Depends'])).trim();
  const root = new CleanRoot(making, async () => undefined);
  const apt = ['env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', '-y', '--no-install-recommends'];
  await root.must([...apt, 'install', ...DESKTOP_PACKAGES, ...RPM_PACKAGES]);
  await root.must([...apt, 'satisfy', depends]);
  await rename(making, base);
}

/** Where apt gets this release from. */
async function mirror(): Promise<{ site: string; components: string }> {
  const targets = await must('apt-get', ['indextargets', '--format', '$(SITE) $(RELEASE) $(COMPONENT)']);
  const rows = targets
    .split('\n')
    .map((line) => line.split(' '))
    .filter(([, name]) => name === release);
  const site = rows[0]?.[0];
  if (site === undefined) throw new Error(`apt knows no mirror of ${release}.`);
  const components = [...new Set(rows.filter(([one]) => one === site).map(([, , component]) => component))];
  return { site, components: `--components=${components.join(',')}` };
}

/** A copy of the base, to be changed and thrown away. */
export async function cleanRoot(): Promise<CleanRoot> {
  const work = await mkdtemp(join(tmpdir(), 'tokenscope-root-'));
  const [upper, inner, root] = ['upper', 'work', 'root'].map((name) => join(work, name)) as [string, string, string];
  for (const folder of [upper, inner, root]) await mkdir(folder);
  const options = `lowerdir=${basePath()},upperdir=${upper},workdir=${inner}`;
  await must('mount', ['-t', 'overlay', 'overlay', '-o', options, root]);
  return new CleanRoot(root, async () => {
    await must('umount', ['-l', root]);
    await rm(work, { recursive: true, force: true });
  });
}

interface RunOptions {
  /** As the person, not as root. */
  asUser?: boolean;
  env?: Record<string, string>;
}

export class CleanRoot {
  readonly path: string;
  /** Unmounts and deletes it. */
  readonly dispose: () => Promise<void>;

  constructor(path: string, dispose: () => Promise<void>) {
    this.path = path;
    this.dispose = dispose;
  }

  async run(command: readonly string[], options: RunOptions = {}): Promise<Finished> {
    return await capture('unshare', this.#arguments(command, options), { env: environment(options) });
  }

  /** @returns standard output. @throws Error with the command's output if it fails */
  async must(command: readonly string[], options: RunOptions = {}): Promise<string> {
    const { code, stdout, stderr } = await this.run(command, options);
    if (code !== 0) throw new Error(`${command.join(' ')}: exit code ${code}\n${stdout}${stderr}`);
    return stdout;
  }

  start(command: readonly string[], options: RunOptions = {}): ChildProcess {
    return spawn('unshare', this.#arguments(command, options), {
      env: environment(options),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  }

  /** Copies a file into it. */
  async add(from: string, to: string): Promise<void> {
    await cp(from, join(this.path, to));
    if (to.startsWith(USER.home)) await must('chown', [`${USER.id}:${USER.id}`, join(this.path, to)]);
  }

  /** All paths but those of other file systems. */
  async paths(): Promise<string[]> {
    const found = await must('find', [this.path, '-xdev', '-printf', '%P\\n']);
    return found
      .split('\n')
      .filter((path) => path !== '')
      .sort();
  }

  #arguments(command: readonly string[], { asUser }: RunOptions): string[] {
    const identity = asUser ? `setpriv --reuid=${USER.id} --regid=${USER.id} --clear-groups` : '';
    const enter = [
      'set -e',
      // pivot_root needs a mount point.
      'mount --bind "$0" "$0"',
      'cd "$0"',
      'mount -t proc proc proc',
      'mount --rbind /dev dev',
      // Everybody may use it on a desktop.
      'if [ -c dev/fuse ]; then [ -c run/fuse ] || mknod -m 666 run/fuse c 10 229; mount --bind run/fuse dev/fuse; fi',
      'mount --rbind /sys sys',
      'mount --bind /tmp/.X11-unix tmp/.X11-unix',
      'pivot_root . old-root',
      'cd /',
      'umount -l /old-root',
      ...(asUser ? [`cd ${USER.home}`] : []),
      `exec ${identity} "$@"`,
    ].join('\n');
    return ['--mount', '--propagation', 'private', 'sh', '-c', enter, this.path, ...command];
  }
}

/** Nothing of this machine's environment but the display. */
function environment({ asUser, env }: RunOptions): Record<string, string> {
  return {
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    LANG: 'C.UTF-8',
    HOME: asUser ? USER.home : '/root',
    ...(process.env.DISPLAY === undefined ? {} : { DISPLAY: process.env.DISPLAY }),
    ...env,
  };
}

/** Whether FUSE works here, which AppImages mount themselves with. */
export function hasFuse(): boolean {
  return existsSync('/dev/fuse') && spawnSync('sh', ['-c', 'exec 3<>/dev/fuse']).status === 0;
}

async function must(command: string, args: string[]): Promise<string> {
  const { code, stdout, stderr } = await capture(command, args);
  if (code !== 0) throw new Error(`${command} ${args.join(' ')}: exit code ${code}\n${stdout}${stderr}`);
  return stdout;
}
