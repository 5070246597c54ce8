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

  test('flags win over the environment', () => {
    const { port, stateDir } = readConfig({ WRIT_PORT: '1', WRIT_STATE_DIR: '/a' }, ['--port', '2', '--state', '/b']);
    expect([port, stateDir]).toEqual([2, '/b']);
  });

  test('cannot be changed afterwards', () => {
    expect(Object.isFrozen(readConfig({}, []).networks)).toBe(true);
  });
});
