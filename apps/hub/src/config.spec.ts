import { describe, expect, test } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { authoritiesIn } from '#protocol';
import { selfSigned } from '../../../test/support/tls-door.js';
import { readConfig } from './config.js';

const faultsOf = (env: Record<string, string>, argv: string[] = []): string[] => {
  try {
    readConfig(env, argv);
    return [];
  } catch (error) {
    return (error as { detail: string }).detail.split('\n');
  }
};

describe('the hub’s configuration', () => {
  test('wants nothing: loopback, a folder of the user, no shared store', () => {
    expect(readConfig({}, [])).toMatchObject({ host: '127.0.0.1', port: 7_700, name: 'hub', logLevel: 'info' });
    expect(readConfig({}, []).store).toBeUndefined();
  });

  test('names every fault at once', () => {
    const faults = faultsOf({ WRIT_PORT: '70000', WRIT_LOG_LEVEL: 'loud', WRIT_STORE: 'http://x', WRIT_NAME: '../x' });
    expect(faults.map((fault) => fault.split(':')[0]).sort()).toEqual(['logLevel', 'name', 'port', 'store']);
  });

  test('refuses settings that there are not, in the environment and among the flags', () => {
    expect(faultsOf({ WRIT_PROT: '1' })).toEqual(['WRIT_PROT: there is no such setting']);
    expect(faultsOf({}, ['--prot', '1'])[0]).toMatch(/^arguments: /);
  });

  test('refuses authorities that are of no use, by what is wrong with them', () => {
    const folder = mkdtempSync(join(tmpdir(), 'writ-authorities-'));
    const { key, cert } = selfSigned();
    const written = (text: string): string => {
      writeFileSync(join(folder, 'ca.pem'), text);
      return join(folder, 'ca.pem');
    };
    const fault = (file: string) => faultsOf({ WRIT_CA: file });
    expect(fault(join(folder, 'nowhere.pem'))).toEqual(['ca: cannot be read']);
    expect(fault(written('{}'))).toEqual(['ca: there is no certificate in PEM in it']);
    expect(fault(written(cert + key))).toEqual([expect.stringContaining('private key')]);
    expect(fault(written(`${cert}\n${cert.replace(/MII/, 'MIX')}`))).toEqual(['ca: certificate 2 cannot be read']);
    expect(() => authoritiesIn(cert, Date.now() + 10 * 86_400_000)).toThrow('all of its certificates have run out');
    expect(fault(written(`An authority of our own\n${cert}${cert}`))).toEqual([]);
    rmSync(folder, { recursive: true });
  });

  test('refuses webhooks that could not be sent, or signed, beside every other fault; and shows no secret', () => {
    const folder = mkdtempSync(join(tmpdir(), 'writ-webhooks-'));
    const written = (name: string, text: string, mode = 0o600): string => {
      writeFileSync(join(folder, name), text, { mode });
      return join(folder, name);
    };
    const secret = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
    const secretFile = written('good', `${secret}\n`);
    const good = { name: 'a', url: 'https://example.org/hook', secretFile };
    const faults = (...webhooks: object[]) => faultsOf({ WRIT_WEBHOOKS: JSON.stringify(webhooks), WRIT_PORT: '-1' });
    const fault = (more: object) => faults({ ...good, ...more }).find((line) => !line.startsWith('port:'));
    expect(faults(good)).toEqual([expect.stringMatching(/^port: /)]);
    expect(fault({ url: 'ftp://example.org' })).toMatch(/^webhooks\.0\.url: must be an https/);
    expect(fault({ url: 'http://example.org' })).toMatch(/^webhooks\.0\.url: .*https/);
    for (const host of ['127.0.0.1', '10.1.2.3', '[::1]', '169.254.169.254', '2130706433'])
      expect(fault({ url: `https://${host}/` })).toMatch(/^webhooks\.0\.url: .*not an allowed address/);
    expect(fault({ url: 'https://10.1.2.3/', networks: ['10.0.0.0/8'] })).toBeUndefined();
    expect(fault({ secretFile: written('open', secret, 0o644) })).toMatch(/^webhooks\.0\.secretFile: .*chmod 600/);
    const weak = fault({ secretFile: written('weak', 'whsec_c2hvcnQ=') });
    expect(weak).toMatch(/^webhooks\.0\.secretFile: .*24 to 64 bytes/);
    expect(weak).not.toContain('c2hvcnQ');
    expect(fault({ secretFile: undefined })).toContain('needs either secretFile or secretEnv');
    expect(fault({ secretFile: undefined, secretEnv: 'NOWHERE_SET' })).toContain('NOWHERE_SET is not set');
    expect(fault({ types: ['agent.*', 'agnet.*'] })).toMatch(/^webhooks\.0\.types\.1: /);
    expect(faults(good, good)).toContainEqual('webhooks: two have the same name');
    rmSync(folder, { recursive: true });
  });

  test('flags win over the environment', () => {
    const { port, stateDir } = readConfig({ WRIT_PORT: '1', WRIT_STATE_DIR: '/a' }, ['--port', '2', '--state', '/b']);
    expect([port, stateDir]).toEqual([2, '/b']);
  });

  test('cannot be changed afterwards', () => {
    expect(Object.isFrozen(readConfig({}, []).networks)).toBe(true);
  });
});
