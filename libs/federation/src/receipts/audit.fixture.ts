// The audit log of a real connection with something of everything in it, as both sides export it, and ways to tamper with it.
import { Readable } from 'node:stream';
import {
  auditRow,
  chainNext,
  surveyAudit,
  verifyAudit,
  type AuditReport,
  type AuditRow,
  type AuditSource,
} from '#protocol';
import { Federation, until } from '../session/federation.fixture.js';
import { Spoke, spawnArgs } from '../session/session.contract.js';
import { exportLines } from './export.js';

export type Side = 'hub' | 'spoke';

/** The export of one side, line by line without the line ends. */
export async function exported(both: Federation, by: Side): Promise<string[]> {
  const { hub, spoke, con } = both;
  const head = { con, by, hub: hub.identity.rootKey.jwk, spoke: spoke.identity.rootKey.jwk };
  const peer = by === 'hub' ? both.atHub : both.atSpoke;
  const lines: string[] = [];
  for await (const line of exportLines(both[by].receipts, head, peer.sealCheckpoint)) lines.push(line.trimEnd());
  return lines;
}

function sourceOf(lines: readonly string[]): AuditSource {
  return () => Readable.from(lines) as AsyncIterable<string>;
}

export async function verified(
  both: Federation,
  lines: readonly string[],
  witness?: readonly string[],
): Promise<AuditReport> {
  const source = sourceOf(lines);
  const other = witness && { witness: await surveyAudit(sourceOf(witness)) };
  const expected = { hub: both.hub.identity.id, spoke: both.spoke.identity.id, ...other };
  return verifyAudit(source, await surveyAudit(source), expected);
}

/** Spawns, a kill, a denied command, events, and keys exchanged in between. */
export async function work(both: Federation, name: string): Promise<void> {
  for (let n = 0; n < 4; n += 1) await both.atHub.request('agent.spawn', spawnArgs, { idk: `${name}-${n}` });
  await both.atHub.request('agents.kill', { reason: 'stop' }, { idk: `${name}-kill` });
  for (let n = 0; n < 4; n += 1) await both.spoke.journal.append(both.con, [JSON.stringify({ name, n })]);
  const head = async () => (await both.spoke.journal.position(both.con)).seq;
  const wanted = await head();
  await until('its events', async () => (await both.hub.inbox.accepted(both.con))?.seq === wanted);
}

/** Both sides sign, and each sees the other's countersignature. */
export async function sign(both: Federation): Promise<void> {
  for (const [side, peer] of [
    ['hub', both.atHub],
    ['spoke', both.atSpoke],
  ] as const) {
    await peer.signAudit('now');
    await until(
      `the countersignature for the ${side}`,
      async () => (await both[side].audit.open(both.con)) === undefined,
    );
  }
}

export async function worked(checkpoints = 2): Promise<Federation> {
  const both = await Federation.paired('pair');
  both.hub.audit.heardEveryMs = both.spoke.audit.heardEveryMs = 0;
  await both.start();
  both.atSpoke.serve(new Spoke(both.con).handle);
  for (let n = 0; n < checkpoints; n += 1) {
    await work(both, `work-${n}`);
    await sign(both);
    for (const side of [both.hub, both.spoke]) {
      side.identity.rotate(n % 2 === 0 ? 'ES256' : 'Ed25519');
      side.peers.stateKeys();
    }
  }
  await work(both, 'after');
  if (checkpoints > 0) await sign(both);
  await work(both, 'last');
  return both;
}

export const rowOf = (line: string): AuditRow => auditRow.parse(JSON.parse(line));

/** As somebody who knows how the chain is made writes it anew after a change. */
export function rechained(lines: readonly string[]): string[] {
  const [header = '', ...rest] = lines;
  const { base } = JSON.parse(header) as { base: { n: number; h: string } };
  let last = base;
  return [
    header,
    ...rest.map((line) => {
      const parsed = auditRow.safeParse(JSON.parse(line));
      if (!parsed.success) return line;
      const { text } = parsed.data;
      const h = chainNext(last.h, text);
      const row = { n: last.n + 1, prev: last.h, h, text };
      last = row;
      return JSON.stringify(row);
    }),
  ];
}
