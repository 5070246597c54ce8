// Where the web console is: `/console/`. Its files are public, for there is nothing of this instance in them; what they show is
// asked over REST, under the session of whoever looks.
import { WritError } from '#protocol';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { readSite, type Coding, type ConsoleFiles, type Site, type SiteFile } from './site.js';

const open = { config: { public: true } };
const root = '/console/';
const forEver = 'public, max-age=31536000, immutable';

/** Read with the first request: most instances are never looked at. */
export function openConsole(http: FastifyInstance, from: ConsoleFiles): void {
  let site: Site | undefined;
  http.get('/', open, (_request, reply) => reply.redirect(root));
  http.get('/console', open, (_request, reply) => reply.redirect(root));
  http.get(`${root}*`, open, (request, reply) => answer((site ??= readBuilt(from)), request, reply));
}

function readBuilt(from: ConsoleFiles): Site {
  try {
    return readSite(from);
  } catch (cause) {
    throw new WritError('not_found', 'This installation has no console: `npm run build` makes it.', { cause });
  }
}

async function answer(site: Site, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const path = request.url.slice(root.length).split('?', 1)[0] ?? '';
  if (!path.startsWith('a/')) {
    reply.header('content-security-policy', site.page.policy).header('cache-control', 'no-cache');
    return send(site.page.file, request, reply);
  }
  const file = path.startsWith(site.base) ? site.files.get(path.slice(site.base.length)) : undefined;
  if (!file) throw new WritError('not_found', 'The console has no such file; after an upgrade, reload the page.');
  return send(file, request, reply.header('cache-control', forEver));
}

async function send(file: SiteFile, { headers }: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const accepted = headers['accept-encoding'] ?? '';
  const coding = (['br', 'gzip'] as const).find((one): one is Coding => accepted.includes(one));
  reply.type(file.type).header('vary', 'accept-encoding');
  if (!coding) return reply.send(file.content);
  return reply.header('content-encoding', coding).send(await file.as(coding));
}
