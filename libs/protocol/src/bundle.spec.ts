import { describe, expect, test } from '@jest/globals';
import { agentRef, bundleHeadBytesMax, checkBundle, operation } from './index.js';

const agentId = '00000000-0000-8000-8000-00000000000a';
const [commit, base, other] = ['c'.repeat(40), 'b'.repeat(40), 'd'.repeat(40)];
const facts = { commit, base, bytes: 1_000, sha256: 'A'.repeat(43) };
const bundle = (head: string, pack = '\nPACK\0\0\0\u0002') => Buffer.from(`# v2 git bundle\n${head}${pack}`, 'latin1');
const ref = `${commit} ${agentRef(agentId)}\n`;
const judged = (bytes: Buffer) => () => checkBundle(bytes, agentId, facts);

describe('the head of a bundle', () => {
  test.each([
    ['as it should be', `-${base} first\n${ref}`],
    ['without a subject', `-${base}\n${ref}`],
    ['with another prerequisite', `-${other} older\n-${base} first\n${ref}`],
    ['with a subject that looks like the end', `-${base} PACK\n${ref}`],
  ])('is taken %s', (_name, head) => expect(judged(bundle(head))).not.toThrow());

  test.each([
    ['another version', Buffer.from(`# v3 git bundle\n@object-format=sha1\n-${base}\n${ref}\nPACK`)],
    ['no bundle', Buffer.from('PACK\0\0\0\u0002')],
    ['nothing', Buffer.of()],
    ['no end of the head', bundle(`-${base} first\n${ref}`, '')],
    ['an end beyond the bound', bundle(`-${base} ${'x'.repeat(bundleHeadBytesMax)}\n${ref}`)],
    ['another commit', bundle(`-${base}\n${other} ${agentRef(agentId)}\n`)],
    ['another branch', bundle(`-${base}\n${commit} refs/heads/main\n`)],
    ['the branch of another agent', bundle(`-${base}\n${commit} ${agentRef(agentId.replace(/a$/, 'b'))}\n`)],
    ['a branch that climbs', bundle(`-${base}\n${commit} refs/heads/writ/${agentId}/../../../../hooks/x\n`)],
    ['one more ref', bundle(`-${base}\n${ref}${commit} refs/heads/main\n`)],
    ['no ref', bundle(`-${base}\n`)],
    ['another base', bundle(`-${other}\n${ref}`)],
    ['no base', bundle(ref)],
    ['a base that is no commit', bundle(`-${base}x\n${ref}`)],
  ])('is refused with %s', (_name, bytes) =>
    expect(judged(bytes)).toThrow(expect.objectContaining({ code: 'artifact_invalid' })),
  );
});

test('a piece is bounded, and says of the whole what every other piece says', () => {
  const { args, body } = operation('agent.artifact')!;
  const asked = { agentId, kind: 'bundle', offset: 0 };
  expect(args.parse(asked)).toEqual({ ...asked, bytesMax: 262_144 });
  expect(args.safeParse({ ...asked, bytesMax: 262_145 }).success).toBe(false);
  expect(args.safeParse({ ...asked, kind: 'diff' }).success).toBe(false);
  const piece = { kind: 'bundle', ...facts, offset: 0, data: 'AAAA' };
  expect(body.parse(piece)).toEqual(piece);
  for (const lie of [{ data: 'A+/=' }, { data: 'A'.repeat(349_528) }, { commit: 'HEAD' }, { bytes: 0 }, { ref: 'x' }])
    expect(body.safeParse({ ...piece, ...lie }).success).toBe(false);
});
