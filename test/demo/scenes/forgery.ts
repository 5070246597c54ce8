// Scene four: somebody on the wire forges a command and replays a real one. Neither does anything.
import { signJws, SigningKey } from '#protocol';
import { until } from '../../support/until.js';
import type { Narrator } from '../narrator.js';
import type { Stage } from '../stage.js';

function claimsOf(token: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as Record<string, unknown>;
}

function typeOf(token: string): unknown {
  return (JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString()) as { typ?: unknown }).typ;
}

/** The last spawn that went by to that connection. */
function recordedSpawn(stage: Stage, connection: string): string {
  const commands = stage.tap.frames.filter(
    ({ direction, text }) => direction === 'to-spoke' && typeOf(text) === 'writ-cmd+jws',
  );
  const isSpawn = (text: string) =>
    claimsOf(text).con === connection && JSON.stringify(claimsOf(text)).includes('"agent.spawn"');
  const spawn = commands.findLast(({ text }) => isSpawn(text));
  if (!spawn) throw new Error('no spawn went over the wire');
  return spawn.text;
}

async function agentsOnNorth(stage: Stage): Promise<number> {
  return (await stage.north.client.agents.list({ limit: 200 })).agents.length;
}

/** What was refused and how, for the last line. @throws Error when anything came of it */
export async function forgery(stage: Stage, tell: Narrator): Promise<string[]> {
  const before = await agentsOnNorth(stage);
  const { connectionId } = await stage.hub.client.spokes.get('north');
  const recorded = recordedSpawn(stage, connectionId);
  const refused = [await forged(stage, tell, recorded), await replayed(stage, tell, recorded)];
  if ((await agentsOnNorth(stage)) !== before) throw new Error('a refused command made an agent');
  tell.step(`north has ${before} agents, as before.`);
  return refused;
}

async function forged(stage: Stage, tell: Narrator, recorded: string): Promise<string> {
  const { con } = claimsOf(recorded) as { con: string };
  const before = stage.tap.closings.length;
  stage.tap.inject('to-spoke', signJws('writ-cmd+jws', claimsOf(recorded), SigningKey.generate()));
  const closing = () => stage.tap.closings.slice(before).find(({ connection }) => connection === con);
  const { code } = await until('north closes the link', closing);
  tell.step(`A command under a forged signature: no answer, the link is closed (${code}), and dialled anew.`);
  await until('north is back', () => stage.tap.carries(con) && isReady(stage), 20_000);
  return `forged: closed ${code}`;
}

async function isReady(stage: Stage): Promise<boolean> {
  return (await stage.hub.client.spokes.get('north')).connected;
}

async function replayed(stage: Stage, tell: Narrator, recorded: string): Promise<string> {
  const from = stage.tap.frames.length;
  stage.tap.inject('to-spoke', recorded);
  const { jti } = claimsOf(recorded);
  const answer = await until('north answers the replay', () => {
    const results = stage.tap.frames
      .slice(from)
      .filter(({ direction, text }) => direction === 'to-hub' && typeOf(text) === 'writ-res+jws');
    return results.map(({ text }) => claimsOf(text)).find(({ req }) => (req as { jti?: unknown }).jti === jti);
  });
  if (typeof answer.err !== 'string') throw new Error('the replay was not refused');
  tell.step(`The real spawn command, recorded and sent again: refused with a signed “${answer.err}”.`);
  return `replayed: ${answer.err}`;
}
