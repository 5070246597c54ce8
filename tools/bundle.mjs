// What starts often, in few files: the command line, the hub and the spoke with the packages that they use. Half of a start was finding
// and reading two thousand small ones. Made of what the compiler wrote, which stays: child programs start from there.
import { build } from 'esbuild';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const outdir = join(root, 'dist/bundle');
const entryOf = (app) => [app, join(root, 'dist/apps', app, 'src/main.js')];

/** These stay where they are installed. */
const external = [
  // Has to have run before all that is decorated, whatever file that is in.
  'reflect-metadata',
  // Finds its worker beside its own file.
  'pino',
  // Brings what is compiled for one machine; loaded where there is an engine.
  'dockerode',
  // Nest and ws look for these and do without.
  ...['@nestjs/platform-express', '@nestjs/websockets', '@fastify/multipart', '@fastify/static', '@fastify/view'],
  ...['@grpc/*', 'amqp*', 'class-*', 'kafkajs', 'mqtt', 'nats', 'bufferutil', 'utf-8-validate'],
];

/** Wherever its text has gone, a file finds what lies beside it. */
const ownPlace = {
  name: 'own-place',
  setup({ onLoad }) {
    onLoad({ filter: /\.m?js$/ }, async ({ path }) => {
      const text = await readFile(path, 'utf8');
      if (!text.includes('import.meta.url')) return undefined;
      const place = `new URL(${JSON.stringify(relative(outdir, path))}, import.meta.url).href`;
      return { contents: text.replaceAll('import.meta.url', place), loader: 'js' };
    });
  },
};

/** Of a CommonJS package that is loaded when it is needed a bundle would hand out no names: it is loaded from where it is installed. */
const whenNeeded = {
  name: 'when-needed',
  setup({ onResolve }) {
    onResolve({ filter: /^(undici|dockerode|@opentelemetry\/.*)$/ }, ({ kind }) =>
      kind === 'dynamic-import' ? { external: true } : undefined,
    );
  },
};

/** One that is missing above is found here, not by who needs it. */
function refuseNameless({ inputs, outputs }) {
  const ours = Object.entries(inputs).filter(([path]) => path.startsWith('dist/'));
  const lazy = ours.flatMap(([, { imports }]) => imports.filter(({ kind }) => kind === 'dynamic-import'));
  const wanted = new Set(lazy.map(({ path }) => path));
  const nameless = Object.values(outputs).filter(
    ({ entryPoint, exports }) => wanted.has(entryPoint) && exports.length === 1 && exports[0] === 'default',
  );
  if (nameless.length === 0) return;
  throw new Error(`name it in tools/bundle.mjs: ${nameless.map(({ entryPoint }) => entryPoint).join(', ')}`);
}

/** What packages of the older kind ask for. */
const banner = "import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);";

/** Whose text is in the files, under which licence. */
async function notices(inputs) {
  const packages = new Set(inputs.flatMap((path) => path.match(/^.*node_modules\/(?:@[^/]+\/)?[^/]+/) ?? []));
  const found = [...packages].sort().map(async (folder) => {
    const { name, version, license } = JSON.parse(await readFile(join(root, folder, 'package.json'), 'utf8'));
    const file = (await readdir(join(root, folder))).find((one) => /^licen[cs]e/i.test(one));
    const text = file === undefined ? '' : await readFile(join(root, folder, file), 'utf8');
    return `${name} ${version} (${license})\n\n${text.trim()}\n`;
  });
  return (await Promise.all(found)).join(`\n${'-'.repeat(80)}\n\n`);
}

await rm(outdir, { recursive: true, force: true });
const { metafile } = await build({
  ...{
    entryPoints: Object.fromEntries(['cli', 'hub', 'spoke'].map(entryOf)),
    outdir,
    external,
    banner: { js: banner },
  },
  ...{ bundle: true, splitting: true, format: 'esm', platform: 'node', target: 'node24' },
  ...{ keepNames: true, minifyWhitespace: true, minifySyntax: true, legalComments: 'none' },
  ...{ metafile: true, logLevel: 'warning', absWorkingDir: root },
  plugins: [ownPlace, whenNeeded],
});
refuseNameless(metafile);
await writeFile(join(outdir, 'LICENSES'), await notices(Object.keys(metafile.inputs)));
