// Makes the sandbox image without a registry: a root file system of this machine's own programs and their libraries, imported into
// the engine. Prints the id of the image, which is what `sandbox.docker.image` wants. Plain JavaScript: it runs before any build.
//   node tools/sandbox-image.mjs [--socket /var/run/docker.sock]
import { execFileSync, spawn } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import Docker from 'dockerode';

const user = 1000;

/** Without these the image is not made. */
const needed = 'sh bash env git ls cat kill sleep'.split(' ');
const wanted = `rg awk sed grep find xargs diff cmp tar gzip patch less perl file which
  unshare setpriv mount umount setsid nohup hostname ps getopt
  base64 basename chmod chown chroot cp cut date dd df dirname du echo expr false
  head id install join ln md5sum mkdir mkfifo mknod mktemp mv nice nl nproc
  od paste printenv printf pwd readlink realpath rm rmdir seq sha256sum shuf sort
  split stat stty sync tac tail tee test timeout touch tr true truncate tty
  uname uniq wc whoami yes [`.split(/\s+/);
const data = [
  '/usr/share/git-core/templates',
  '/usr/lib/locale/C.utf8',
  '/etc/ld.so.conf',
  '/etc/ld.so.conf.d',
  '/etc/ld.so.cache',
];
const etc = {
  passwd: `agent:x:${user}:${user}:agent:/home/agent:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/bin/false\n`,
  group: `agent:x:${user}:\nnogroup:x:65534:\n`,
  'nsswitch.conf': 'passwd: files\ngroup: files\nhosts: files\n',
};
const path = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

function find(program) {
  return path
    .split(':')
    .map((folder) => join(folder, program))
    .find((file) => existsSync(file));
}

/** `/bin` is `/usr/bin` inside, whatever it is here. */
function inside(file) {
  return file.replace(/^\/(bin|sbin|lib\w*)\//, '/usr/$1/');
}

class Root {
  folder = mkdtempSync(join(tmpdir(), 'writ-image-'));

  copy(from, to = inside(from)) {
    const target = join(this.folder, to);
    if (existsSync(target)) return;
    mkdirSync(dirname(target), { recursive: true });
    cpSync(realpathSync(from), target, { recursive: true, dereference: true });
  }

  link(to, at) {
    const place = join(this.folder, at);
    mkdirSync(dirname(place), { recursive: true });
    if (!existsSync(place)) symlinkSync(to, place);
  }

  /** With the libraries that the dynamic linker would load; a script or a static program has none. */
  program(from, to) {
    this.copy(from, to);
    for (const library of libraries(from)) this.copy(library);
  }

  remove() {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function libraries(file) {
  try {
    const said = execFileSync('ldd', [realpathSync(file)], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    return [...said.matchAll(/(?:^\s*|=> )(\/\S+) \(/gm)].map(([, library]) => library);
  } catch {
    return [];
  }
}

function lay(root) {
  for (const name of ['bin', 'sbin', 'lib', 'lib64']) {
    mkdirSync(join(root.folder, 'usr', name), { recursive: true });
    root.link(`usr/${name}`, `/${name}`);
  }
  for (const name of [...needed, ...wanted]) {
    const file = find(name);
    if (file) root.program(file, `/usr/bin/${name}`);
    else if (needed.includes(name)) throw new Error(`this machine has no \`${name}\`: install it and try again`);
  }
  layGit(root);
  root.program(nodeBroughtAlong(), '/usr/local/bin/node');
  for (const file of data) if (existsSync(file)) root.copy(file, file.startsWith('/etc') ? file : inside(file));
  layPerl(root);
  mkdirSync(join(root.folder, 'etc'), { recursive: true });
  for (const [name, text] of Object.entries(etc)) writeFileSync(join(root.folder, 'etc', name), text);
}

/** What git runs from its own folder; most of it is git itself under another name. */
function layGit(root) {
  const folder = execFileSync('git', ['--exec-path'], { encoding: 'utf8' }).trim();
  const git = statSync(find('git'));
  for (const name of readdirSync(folder)) {
    const file = join(folder, name);
    const stat = statSync(file);
    const isGit = stat.size === git.size && name !== 'git';
    if (isGit || name === 'git') root.link('/usr/bin/git', join(folder, name));
    else if (stat.isFile() && !/remote-|http|imap|daemon|send-email|svn|cvs|p4|shell/.test(name)) root.program(file);
  }
}

/** Perl without its own modules says nothing useful; only the base ones come along. */
function layPerl(root) {
  const base = ['/usr/lib', '/usr/share'].flatMap((folder) => {
    const names = existsSync(folder) ? readdirSync(folder) : [];
    return names.filter((name) => name === 'perl-base').map((name) => join(folder, name));
  });
  const arch = existsSync('/usr/lib') ? readdirSync('/usr/lib').filter((name) => name.endsWith('-linux-gnu')) : [];
  const nested = arch.map((name) => join('/usr/lib', name, 'perl-base')).filter((folder) => existsSync(folder));
  for (const folder of [...base, ...nested]) root.copy(folder);
}

function nodeBroughtAlong() {
  const modules = join(dirname(fileURLToPath(import.meta.url)), '..', 'node_modules');
  const file = join(modules, `node-linux-${process.arch}`, 'bin', 'node');
  return existsSync(file) ? file : process.execPath;
}

/** Owned by root, dated the same, in one order: the same programs give the same layer. */
function pack(folder) {
  const args = ['--sort=name', '--owner=0', '--group=0', '--numeric-owner', '--mtime=@0', '--mode=u+rw,go=u-w'];
  return spawn('tar', ['-C', folder, ...args, '-cf', '-', '.'], { stdio: ['ignore', 'pipe', 'inherit'] });
}

async function load(docker, folder) {
  const changes = [`USER ${user}:${user}`, 'ENV PATH=/usr/local/bin:/usr/bin:/bin', 'LABEL org.writ.image=sandbox'];
  const answer = await docker.importImage(pack(folder).stdout, { changes });
  let said = '';
  for await (const piece of answer) said += piece;
  const id = /sha256:[0-9a-f]{64}/.exec(said)?.[0];
  if (!id) throw new Error(`the engine took no image: ${said}`);
  return id;
}

const { values } = parseArgs({ options: { socket: { type: 'string', default: '/var/run/docker.sock' } } });
const root = new Root();
try {
  lay(root);
  console.log(await load(new Docker({ socketPath: values.socket }), root.folder));
} catch (error) {
  console.error(`${basename(process.argv[1])}: ${error.message}`);
  process.exitCode = 1;
} finally {
  root.remove();
}
