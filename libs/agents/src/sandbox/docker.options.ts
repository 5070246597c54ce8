// Sandbox room: the settings of the level `docker`.
import { z } from 'zod';

const digest = 'sha256:[0-9a-f]{64}';
const pinned = new RegExp(`^(${digest}|[a-z0-9][A-Za-z0-9._/:-]{0,255}@${digest})$`);
const notPinned =
  'A tag can name another image tomorrow: give the id of a local image (`sha256:…`) or a name with its digest (`name@sha256:…`).';

export const dockerOptions = z.strictObject({
  /** The image of every agent's containers: the id of a local image, or a name with its digest. Without it there is no level `docker`. It is never pulled. */
  image: z.string().regex(pinned, notPinned).optional(),
  /** Where the engine listens. Whoever may use it is as good as root on its machine. */
  socketPath: z.string().startsWith('/').max(107).default('/var/run/docker.sock'),
  /** How long one call to the engine may take. Making a container counts as one call. */
  callMs: z.int().min(100).max(600_000).default(20_000),
});
export type DockerOptions = z.output<typeof dockerOptions>;
