// secretlint in its thread, on texts as agents may write them.
import { afterEach, describe, expect, test } from '@jest/globals';
import { secretKey as key, secretToken as token } from '../../../../../test/support/wares.js';
import { SecretlintScanner } from './secretlint.scanner.js';

describe('the scanner', () => {
  let scanner: SecretlintScanner;
  const of = (timeMs = 20_000) => (scanner = new SecretlintScanner(timeMs));
  afterEach(() => scanner.close());

  test('says which rule, which text, where, and whether two are the same', async () => {
    const texts = ['nothing', `one\nconst t = '${token}';\n`, `again ${token}`].map((text) => ({ name: 'a.ts', text }));
    const leaks = await of().scan(texts);
    expect(leaks).toMatchObject([
      { rule: 'github', index: 1, line: 2 },
      { rule: 'github', index: 2, line: 1 },
    ]);
    for (const { index, start, end } of leaks) expect(texts[index]?.text.slice(start, end)).toBe(token);
    expect(leaks[0]?.hash).toBe(leaks[1]?.hash);
  });

  test('does not obey comments that switch it off', async () => {
    const text = `// secretlint-disable\n${token} // secretlint-disable-line\n/* secretlint-disable-next-line */\n${token}`;
    expect(await of().scan([{ name: 'a.ts', text }])).toHaveLength(2);
  });

  test.each([
    ['a private key over lines', 'privatekey', `x\n${key}\n`],
    ['a token of npm, in any file', 'npm', `//registry.example.org/:_authToken=${'a1b2c3d4-'.repeat(4)}`],
    ['a key of a service account, in any file', 'gcp', JSON.stringify({ private_key_id: '1', private_key: key })],
    ['a password of a database', 'database-connection-string', 'postgres://robot:s3cr3tw0rd@db.example.com/app'],
    ['a secret after a byte order mark', 'github', `\ufeff${token}`],
  ])('finds %s', async (_what, rule, text) => {
    const leaks = await of().scan([{ name: 'notes.txt', text }]);
    expect(leaks.map((leak) => leak.rule)).toContain(rule);
  });

  test('opens no file, whatever a text is called', async () => {
    for (const name of ['/etc/passwd', 'key.p12', '../../key.json'])
      expect(await of().scan([{ name, text: 'nothing' }])).toEqual([]);
  });

  test('[O-9] that takes too long says so and nothing else, and the next question gets a new thread', async () => {
    const texts = Array.from({ length: 200 }, () => ({ name: 'a', text: 'const x = 1;\n'.repeat(20_000) }));
    await expect(of(1).scan(texts)).rejects.toThrow(/did not end within 1 ms/);
    const patient = of(20_000);
    expect(await patient.scan([{ name: 'a', text: token }])).toHaveLength(1);
  });

  test('[O-9] whose thread dies says so, also to those who wait, and works again', async () => {
    const one = of();
    await one.scan([{ name: 'a', text: '' }]);
    const hopeless = [{ name: 'a', text: { length: 1 } as unknown as string }];
    await expect(one.scan(hopeless)).rejects.toThrow();
    expect(await one.scan([{ name: 'a', text: token }])).toHaveLength(1);
    await one.close();
    await expect(one.scan([{ name: 'a', text: token }])).rejects.toThrow(/closed/);
  });
});
