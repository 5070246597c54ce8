// Where the description is served: as a document for programs, as a page for people. Both are public and made once.
import type { INestApplication } from '@nestjs/common';
import type { FastifyInstance } from 'fastify';
import { describeApi } from './openapi.js';
import type { ApiTitle } from './openapi.js';
import { docsPage, docsPolicy } from './page.js';

const open = { config: { public: true } };

interface Docs {
  readonly json: string;
  readonly page: string;
}

async function docsOf(app: INestApplication, title: ApiTitle): Promise<Docs> {
  const document = await describeApi(app, title);
  return { json: JSON.stringify(document), page: docsPage(document) };
}

export function serveDocs(app: INestApplication, http: FastifyInstance, title: ApiTitle): void {
  let made: Promise<Docs> | undefined;
  const docs = () => (made ??= docsOf(app, title));
  http.get('/openapi.json', open, async (_request, reply) => reply.type('application/json').send((await docs()).json));
  http.get('/docs', open, async (_request, reply) => {
    const { page } = await docs();
    return reply.header('content-security-policy', docsPolicy).type('text/html; charset=utf-8').send(page);
  });
}
