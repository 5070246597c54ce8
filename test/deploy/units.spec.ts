// The units for systemd: ones that it takes, that give a spoke what its sandbox needs and a hub no more than it needs.
import { afterAll, describe, expect, test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from '../support/instance.js';
import { requirement } from '../support/require.js';

const roles = ['hub', 'spoke'] as const;
const units = [...roles, 'compose'];
const unitOf = (role: string) => readFileSync(join(root, `deploy/systemd/writ-${role}.service`), 'utf8');

const folder = mkdtempSync(join(tmpdir(), 'writ-units-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What each line says, by its name; comments left out. */
function settings(role: string): ReadonlyMap<string, string> {
  const lines = unitOf(role).matchAll(/^([A-Za-z]+)=(.*)$/gm);
  return new Map([...lines].map(([, name = '', value = '']) => [name, value]));
}

function analyze(...args: string[]) {
  const { status, stdout, stderr } = spawnSync('systemd-analyze', args, { encoding: 'utf8' });
  return { status, stdout, stderr };
}

const withSystemd = requirement('systemd-analyze', analyze('--version').status === 0, '`apt-get install systemd`');

describe('the units', () => {
  withSystemd('are ones that systemd takes', () => {
    writeFileSync(join(folder, 'docker.service'), `[Service]\nExecStart=${process.execPath}\n`);
    for (const unit of units) {
      const file = join(folder, `writ-${unit}.service`);
      writeFileSync(file, unitOf(unit).replace(/^(ExecStart=)\S+/m, `$1${process.execPath}`));
      expect([unit, analyze('verify', file)]).toEqual([unit, { status: 0, stdout: '', stderr: '' }]);
    }
  });

  withSystemd(
    'leave little open: exposure of the hub under 2 of 10, of the spoke, which makes namespaces, under 5',
    () => {
      const exposure = (role: string) => {
        const { stdout } = analyze('security', '--offline=true', '--no-pager', join(folder, `writ-${role}.service`));
        return Number(/Overall exposure level for \S+: ([\d.]+)/.exec(stdout)?.[1]);
      };
      expect(exposure('hub')).toBeLessThan(2);
      expect(exposure('spoke')).toBeLessThan(5);
    },
  );

  test('end a spoke by its own hand, longer than its agents’ grace, and give it cgroups', () => {
    const spoke = settings('spoke');
    expect(Object.fromEntries(spoke)).toMatchObject({ KillMode: 'mixed', Delegate: 'yes', Restart: 'on-failure' });
    expect(Number(spoke.get('TimeoutStopSec'))).toBeGreaterThanOrEqual(40);
  });

  test('cover nothing of /proc where a spoke has to mount one of its own', () => {
    const covers = ['ProtectProc', 'ProcSubset', 'ProtectKernelTunables', 'ProtectKernelLogs', 'ProtectControlGroups'];
    expect([...covers, 'ProtectHostname'].filter((name) => settings('spoke').has(name))).toEqual([]);
  });

  test('hold no secret, and name a file for them', () => {
    for (const role of roles) {
      expect(unitOf(role)).toContain(`EnvironmentFile=-/etc/writ/${role}.env`);
      expect(settings(role).has('Environment')).toBe(false);
    }
  });
});
