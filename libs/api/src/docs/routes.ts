// Where the description is served: as a document for programs, as a page for people. Both are public and made once.
import type { INestApplication } from '@nestjs/common';
import type { FastifyInstance } from 'fastify';
import { describeApi } from './openapi.js';
import type { ApiTitle } from './openapi.js';
import { docsPage, docsPolicy } from './page.js';

const open = { config: { public: true } };

export function serveDocs(app: INestApplication, http: FastifyInstance, title: ApiTitle): void {
  let made: { json: string; page: string } | undefined;
  const docs = () => {
    if (made) return made;
    const document = describeApi(app, title);
    return (made = { json: JSON.stringify(document), page: docsPage(document) });
  };
  http.get('/openapi.json', open, (_request, reply) => reply.type('application/json').send(docs().json));
  http.get('/docs', open, (_request, reply) => {
    return reply.header('content-security-policy', docsPolicy).type('text/html; charset=utf-8').send(docs().page);
  });
}
