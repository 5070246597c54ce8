// The doors of the federation on a hub: where spokes pair, and its public keys. Nobody needs an API key here; signatures decide.
import type { FastifyInstance } from 'fastify';
import type { InstanceKey } from '#api';
import type { Identity, PairingDesk } from '#federation';
import { pairingPath } from '#federation';

/** A pairing request is a few kilobytes. */
const pairingBytesMax = 128 * 1024;

/** Where the public keys are. */
const jwksPath = '/.well-known/writ/jwks.json';

const open = { config: { public: true }, bodyLimit: pairingBytesMax };

/** The operational key, which is in that set. `url` is where this hub is reached. */
export function publishedKey({ signing }: Identity, url: string): InstanceKey {
  return { alg: signing.alg, kid: signing.kid, jku: `${url}${jwksPath}`, sign: (input) => signing.sign(input) };
}

export function openDoors(http: FastifyInstance, desk: PairingDesk, identity: Identity): void {
  http.get(jwksPath, open, () => identity.jwks());
  void http.register((scope, _options, done) => {
    scope.addContentTypeParser('application/jose', { parseAs: 'string' }, (_request, body, parsed) =>
      parsed(null, body),
    );
    scope.post(pairingPath, open, async (request, reply) => {
      const answer = await desk.answer(String(request.body));
      // The uniform refusal: whatever was wrong, the same bytes.
      return answer === null ? reply.code(400).send() : reply.type('application/jose').send(answer);
    });
    done();
  });
}
