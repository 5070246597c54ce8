// The door of the federation on a spoke that hubs dial directly. A spoke that dials out has none.
import type { FastifyInstance } from 'fastify';
import { messagesPath, postHandler, type Route } from '#federation';

export function openDoor(http: FastifyInstance, route: Route): void {
  const take = postHandler(route);
  void http.register((scope, _options, done) => {
    scope.removeAllContentTypeParsers();
    // The body is the message: it is read as it comes, and nothing of HTTP has a say.
    scope.addContentTypeParser('*', (_request, _body, parsed) => parsed(null));
    scope.post(messagesPath, { config: { public: true, unlimited: true } }, (request, reply) => {
      reply.hijack();
      take(request.raw, reply.raw);
    });
    done();
  });
}
