// Sandbox room: what an agent sees of the machine beside its own mounts: programs and libraries, and an /etc that names nobody.
import { lstat, mkdir, readlink, realpath, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Mount } from './sandbox.js';

interface Link {
  readonly target: string;
  readonly at: string;
}

/** The read-only part of the file system inside. */
export interface SandboxRoot {
  readonly mounts: readonly Mount[];
  readonly links: readonly Link[];
}

const systemFolders = ['/usr', '/bin', '/sbin', '/lib', '/lib32', '/lib64', '/libx32'];
/** Read by the dynamic linker, by TLS and by locales: nothing about people, hosts or services. */
const systemFiles = [
  '/etc/ld.so.cache',
  '/etc/ld.so.conf',
  '/etc/ld.so.conf.d',
  '/etc/alternatives',
  '/etc/ssl/certs',
  '/etc/localtime',
  '/etc/mime.types',
];

/** Each of the private file systems in memory; what is in them counts against the agent's memory. */
export const scratchBytesMax = 512 * 2 ** 20;
export const agentUid = 1000;
export const agentHome = '/home/agent';
export const nodeFolder = '/opt/writ/bin';
export const defaultEnvironment = {
  PATH: `${nodeFolder}:/usr/local/bin:/usr/bin:/bin`,
  HOME: agentHome,
  LANG: 'C.UTF-8',
};

const etcFiles: Readonly<Record<string, string>> = {
  passwd: `agent:x:${agentUid}:${agentUid}:agent:${agentHome}:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/bin/false\n`,
  group: `agent:x:${agentUid}:\nnogroup:x:65534:\n`,
  hosts: '127.0.0.1 localhost\n::1 localhost\n',
  'nsswitch.conf': 'passwd: files\ngroup: files\nhosts: files\n',
};

/** Looked at once per spoke. `folder` gets the few files of /etc; the Node that runs us comes along as `node`. */
export async function layRoot(folder: string): Promise<SandboxRoot> {
  const etc = join(folder, 'etc');
  await mkdir(etc, { recursive: true, mode: 0o755 });
  for (const [name, text] of Object.entries(etcFiles)) await writeFile(join(etc, name), text, { mode: 0o644 });
  const found = await Promise.all([...systemFolders, ...systemFiles].map(look));
  const own = Object.keys(etcFiles).map((name) => ({ from: join(etc, name), to: `/etc/${name}` }));
  const node = { from: await ownNode(), to: join(nodeFolder, 'node') };
  return {
    mounts: [...found.flatMap(({ mount }) => mount ?? []), ...own, node],
    links: found.flatMap(({ link }) => link ?? []),
  };
}

let known: Promise<string> | undefined;

/** Where the Node that runs this really is. It does not move, and a process that gives up rights later could not look again. */
function ownNode(): Promise<string> {
  return (known ??= realpath(process.execPath));
}

/** A folder or file is mounted; a link (`/bin` → `usr/bin`) is laid again when it stays within what is mounted. */
async function look(path: string): Promise<{ readonly mount?: Mount; readonly link?: Link }> {
  const stat = await lstat(path).catch(() => null);
  if (!stat) return {};
  if (!stat.isSymbolicLink()) return { mount: { from: path, to: path } };
  if (dirname(path) === '/') return { link: { target: await readlink(path), at: path } };
  const real = await realpath(path).catch(() => null);
  return real === null ? {} : { mount: { from: real, to: path } };
}
