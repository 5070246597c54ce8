// Bad messages of every kind that docs/protocol.md names, for whoever brings a thousand of them a second to the doors of an
// instance: from strangers, from a peer that lies, and in the name of a peer that does not know of it.
import { randomBytes } from 'node:crypto';
import { messagesPath, type DirectHub } from './mock/direct.js';
import type { Lie } from './mock/party.js';
import { newKey, nonce, nowS, type Json } from './mock/wire.js';

/** What a bad message gets: the uniform refusal, the signed word of the protocol, or what was answered before. */
type Outcome = 'refused' | 'clock' | 'session' | 'replay' | 'schema' | 'results';

export interface BadMessage {
  readonly kind: string;
  readonly url: string;
  readonly body: string;
  readonly outcome: Outcome;
}

/** An honest connection of the spoke: what others can know of it. */
export interface Victim {
  readonly con: string;
  readonly hub: string;
  /** Of the key that its hub signs with. */
  readonly kid: string;
}

/** The longest life of a command: a slow machine takes its time. */
const lasting = () => nowS() + 300;

type Maker = readonly [kind: string, outcome: Outcome, body: () => string];

/** Messages that really were sent and answered: a question, and a kill. */
async function overheard(liar: DirectHub): Promise<Maker[]> {
  const agentId = '00000000-0000-8000-8000-000000000000';
  const query = liar.commands([{ op: 'agent.list', args: {} }], { claims: { exp: lasting() } });
  const kill = { op: 'agent.kill', idk: nonce(), args: { agentId, reason: 'never was' } };
  const killing = liar.commands([kill], { claims: { exp: lasting() } });
  const line = await liar.line();
  for (const raw of [query, killing]) line.say(raw);
  for (const raw of [query, killing]) await liar.resultOf(line, raw);
  return [
    ['a question once more', 'replay', () => query],
    ['a kill once more', 'results', () => killing],
  ];
}

/** `spawn` is what the spoke would begin if it believed one of them. */
async function toSpoke(liar: DirectHub, victim: Victim, spawn: () => Json): Promise<Maker[]> {
  const stranger = newKey();
  const command = (lie: Lie) => liar.commands([spawn()], lie);
  const old = liar.statement({ ver: 0 });
  const past = nowS() - 400;
  const theirs = { iss: victim.hub, con: victim.con };
  return [
    ['noise', 'refused', () => randomBytes(600).toString('base64url')],
    ['a key that nobody knows', 'refused', () => command({ key: stranger, claims: theirs })],
    ['another signature', 'refused', () => command({ key: { ...stranger, kid: liar.key.kid } })],
    ['in the name of another', 'refused', () => command({ key: { ...stranger, kid: victim.kid }, claims: theirs })],
    ['another audience', 'refused', () => command({ claims: { aud: victim.hub } })],
    ['another connection', 'refused', () => command({ claims: { con: victim.con } })],
    ['no JSON', 'refused', () => liar.message('writ-cmd+jws', {}, { payload: 'v=1' })],
    ['a statement that goes back', 'refused', () => old],
    ['stale', 'clock', () => command({ claims: { iat: past, exp: past + 60 } })],
    ['another session', 'session', () => command({ claims: { sn: nonce(), exp: lasting() } })],
    ['without its shape', 'schema', () => command({ claims: { more: true, exp: lasting() } })],
    ...(await overheard(liar)),
  ];
}

/** One in so many is longer than any message may be. */
const longEvery = 100;

/** So many, of every kind in turn, to the door of the spoke and to that of pairing at the hub. */
export async function badMessages(
  count: number,
  liar: DirectHub,
  victim: Victim,
  doors: { readonly spoke: string; readonly hub: string },
  spawn: () => Json,
): Promise<BadMessage[]> {
  const spoke = (await toSpoke(liar, victim, spawn)).map((maker) => [`${doors.spoke}${messagesPath}`, maker] as const);
  const pairing: Maker = ['a pairing of nobody', 'refused', () => liar.message('writ-pair-req+jws', {})];
  const makers = [...spoke, [`${doors.hub}/writ/v1/pair`, pairing] as const];
  const long = 'A'.repeat(1_048_577);
  return Array.from({ length: count }, (_none, n) => {
    if (n % longEvery === 0) return { kind: 'too long', url: spoke[0]![0], outcome: 'refused', body: long };
    const [url, [kind, outcome, body]] = makers[n % makers.length]!;
    return { kind, url, outcome, body: body() };
  });
}
