// The console as it is served: its modules, those of the packages it stands on, its style and its one page, all from memory.
// Everything but the page lies under a hash of it all and never changes there.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { extname, join } from 'node:path';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import { pageOf, type Page } from './page.js';

export interface ConsoleFiles {
  /** The compiled modules; `main.js` is the first. */
  readonly scripts: string;
  /** Styles and pictures. */
  readonly assets: string;
}

export type Coding = 'br' | 'gzip';

/** Names that the modules import, and the file of each package that has it. */
const packages = {
  preact: 'preact',
  'preact/hooks': 'preact/hooks',
  'preact/jsx-runtime': 'preact/jsx-runtime',
  uplot: 'uplot/dist/uPlot.esm.js',
} as const;

const types: Readonly<Record<string, string>> = {
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};

const squeeze = { br: promisify(brotliCompress), gzip: promisify(gzip) };
const brotliQuality = 9;

export class SiteFile {
  private readonly packed = new Map<Coding, Promise<Buffer>>();

  constructor(
    readonly content: Buffer,
    readonly type: string,
  ) {}

  /** Made once. */
  as(coding: Coding): Promise<Buffer> {
    const made = this.packed.get(coding) ?? this.pack(coding);
    this.packed.set(coding, made);
    return made;
  }

  private pack(coding: Coding): Promise<Buffer> {
    if (coding === 'gzip') return squeeze.gzip(this.content);
    return squeeze.br(this.content, { params: { [constants.BROTLI_PARAM_QUALITY]: brotliQuality } });
  }
}

export interface Site {
  /** Below `/console/`. */
  readonly base: string;
  /** By their path below the base. */
  readonly files: ReadonlyMap<string, SiteFile>;
  readonly page: Page & { readonly file: SiteFile };
}

/** @throws Error when a folder is not there */
export function readSite(from: ConsoleFiles): Site {
  const files = new Map([...scripts(from.scripts), ...assets(from.assets), ...vendored()]);
  const hash = createHash('sha256');
  for (const [path, { content }] of files) hash.update(`${path}\0${content.length}\0`).update(content);
  const base = `a/${hash.digest('base64url').slice(0, 16)}/`;
  const imports = Object.keys(packages).map((name) => [name, vendorPath(name)] as const);
  const page = pageOf({ base: `/console/${base}`, paths: [...files.keys()], imports });
  return { base, files, page: { ...page, file: new SiteFile(Buffer.from(page.html), 'text/html; charset=utf-8') } };
}

type Named = [path: string, file: SiteFile];

function scripts(folder: string): Named[] {
  return filesIn(folder, /(?<!\.spec)\.js$/).map(([path, file]) => [`app/${path}`, file]);
}

/** The styles are one file, in the order of the numbers that their names begin with: nothing is painted before the last of them is there. */
function assets(folder: string): Named[] {
  const styles = filesIn(folder, /\.css$/).toSorted(([one], [other]) => Number.parseInt(one) - Number.parseInt(other));
  const all = Buffer.concat(styles.map(([, { content }]) => content));
  const pictures = filesIn(folder, /\.svg$/).map(([path, file]): Named => [`assets/${path}`, file]);
  return [['assets/console.css', new SiteFile(all, types['.css'] ?? '')], ...pictures];
}

function filesIn(folder: string, kind: RegExp): Named[] {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => kind.test(name));
  return names.sort().map((name) => [name.replaceAll('\\', '/'), read(join(folder, name))]);
}

function vendored(): Named[] {
  const { resolve } = createRequire(import.meta.url);
  return Object.entries(packages).map(([name, file]) => [vendorPath(name), read(resolve(file), '.js')]);
}

const vendorPath = (name: string) => `vendor/${name.replace('/', '-')}.js`;

/** Source maps are not served, so nothing may point to them. */
function read(path: string, extension = extname(path)): SiteFile {
  const type = types[extension] ?? 'application/octet-stream';
  const text = readFileSync(path, 'utf8').replace(/\n\/\/# sourceMappingURL=.*\s*$/, '\n');
  return new SiteFile(Buffer.from(text), type);
}
