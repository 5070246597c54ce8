// Bundles that a mock spoke serves from the text of docs/protocol.md, in pieces; and every way to lie about one.
import { base64url, sha256, type Json } from './wire.js';
import type { Answering } from './spoke.js';

/** The agent whose branch it is. */
export const branch = '00000000-0000-8000-8000-0000000000b1';
export const commit = 'c'.repeat(40);
const [base, other] = ['b'.repeat(40), 'd'.repeat(40)];
const mine = `refs/heads/writ/${branch}`;

/** Two pieces and a little. */
function bundle(refs = `${commit} ${mine}`): Buffer {
  return Buffer.concat([Buffer.from(`# v2 git bundle\n-${base} first\n${refs}\n\nPACK`), Buffer.alloc(600_000, 7)]);
}
export const honest = bundle();

interface Ask {
  readonly offset: number;
  readonly bytesMax: number;
}

function piece(bytes: Buffer, { offset, bytesMax }: Ask): Json {
  const facts = { kind: 'bundle', commit, base, bytes: bytes.length, sha256: base64url(sha256(bytes)) };
  return { ...facts, offset, data: base64url(bytes.subarray(offset, offset + bytesMax)) };
}

/** Answers with pieces of these bytes, changed by the lie. */
export function serving(bytes: Buffer, lie: (ask: Ask) => Json = () => ({})): Answering {
  const body = (ask: Ask) => ({ ...piece(bytes, ask), ...lie(ask) });
  return ({ op, args }) => (op === 'agent.artifact' ? { st: 'ok', body: body(args as Ask) } : undefined);
}

const later =
  (change: (ask: Ask) => Json) =>
  (ask: Ask): Json =>
    ask.offset > 0 ? change(ask) : {};
const otherBytes = ({ offset }: Ask) => Buffer.alloc(Math.min(262_144, honest.length - offset), 8);
let told = 0;

/** What it is, the code that the hub refuses it with, and the spoke's answers. */
export const lies: readonly [string, string, Answering][] = [
  ['another hash', 'artifact_invalid', serving(honest, () => ({ sha256: base64url(sha256('x')) }))],
  [
    'other bytes',
    'artifact_invalid',
    serving(
      honest,
      later((ask) => ({ data: base64url(otherBytes(ask)) })),
    ),
  ],
  ['another commit than its signed end', 'artifact_invalid', serving(honest, () => ({ commit: other }))],
  ['a ref at another commit', 'artifact_invalid', serving(bundle(`${other} ${mine}`))],
  ['a ref of another agent', 'artifact_invalid', serving(bundle(`${commit} ${mine.replace(/1$/, '2')}`))],
  ['a ref that climbs', 'artifact_invalid', serving(bundle(`${commit} ${mine}/../../../hooks/post-update`))],
  ['a second ref', 'artifact_invalid', serving(bundle(`${commit} ${mine}\n${commit} HEAD`))],
  ['no bundle at all', 'artifact_invalid', serving(Buffer.alloc(300_000, 65))],
  [
    'pieces that never make a whole',
    'artifact_invalid',
    serving(
      honest,
      later(() => ({ data: '' })),
    ),
  ],
  [
    'one byte at a time',
    'artifact_invalid',
    serving(honest, ({ offset }) => ({ data: base64url(honest.subarray(offset, offset + 1)) })),
  ],
  [
    'a piece that was not asked for',
    'artifact_invalid',
    serving(
      honest,
      later(() => ({ offset: 0 })),
    ),
  ],
  [
    'another bundle with each piece',
    'artifact_invalid',
    serving(honest, () => ({ sha256: base64url(sha256(`${(told += 1)}`)) })),
  ],
  ['more than a piece', 'schema', serving(honest, () => ({ data: 'A'.repeat(400_000) }))],
  ['no base64url', 'schema', serving(honest, () => ({ data: '====' }))],
  ['a diff', 'schema', () => ({ st: 'ok', body: { kind: 'diff', text: '', truncated: false } })],
  ['more than a hub takes', 'too_large', serving(honest, () => ({ bytes: 2 ** 40 }))],
];
