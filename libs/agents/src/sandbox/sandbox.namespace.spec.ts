// The level `namespace`, by the contract of all; and what it alone has.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { chownSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { requirement } from '../../../../test/support/require.js';
import { calmContract } from './calm.contract.js';
import { Cgroups } from './cgroups.js';
import { escapeContract } from './escape.contract.js';
import { Ledger } from './ledger.js';
import { limitsContract } from './limits.contract.js';
import { NamespaceSandbox } from './namespace.js';
import { sandboxContract } from './sandbox.contract.js';
import { stillnessContract } from './stillness.contract.js';
import { systemCallFilter } from './system-calls.js';
import { lookAt, Trial } from './trial.contract.js';

const { ok, reason, cure, enforceable } = await lookAt('namespace');

requirement(
  'bubblewrap',
  ok,
  `${reason ?? ''} ${cure ?? ''}`,
)('the level `namespace` works on this machine', () => undefined);

const suite = ok ? describe : describe.skip;
suite('namespace: contract', () => sandboxContract('namespace', { walls: true }));
suite('namespace: stillness', () => stillnessContract('namespace'));
suite('namespace: calm', () => calmContract('namespace'));
suite('namespace: limits', () => limitsContract('namespace', enforceable.length === 4));
suite('namespace: escape', () => escapeContract('namespace'));

suite('namespace: system calls', () => {
  let trial: Trial;

  beforeEach(async () => {
    trial = await Trial.open('namespace');
  });
  afterEach(() => trial.close());

  const filtered = requirement('a known architecture', systemCallFilter() !== null, 'x64 or arm64');
  const perl = requirement('perl', existsSync('/usr/bin/perl'), '`apt-get install perl-base`');

  filtered('are filtered in every process inside, and the result says so', async () => {
    const running = await trial.launch('grep -h ^Seccomp: /proc/[0-9]*/status | sort -u');
    expect(running.enforced).toContain('system-calls');
    expect(String(await running.stdout.toArray())).toContain('Seccomp:\t2');
  });

  perl('reach neither the machine below this one nor the keyrings of the host’s user', async () => {
    const probe = `for my $family (1, 2, 10, 16, 40, 38, 17) { print socket(my $s, $family, $family == 16 ? 3 : 1, 0) ? "yes " : $!{EAFNOSUPPORT} ? "no " : "other " }
      my $keyctl = (POSIX::uname())[4] eq 'x86_64' ? 250 : 219;
      print syscall($keyctl, 0, -4, 0) >= 0 ? "keyring" : $!{EPERM} ? "no keyring" : $!;`;
    const { out } = await trial.run(`perl -MPOSIX -e '${probe.replaceAll("'", '"')}'`);
    expect(out).toBe('yes yes yes yes no no no no keyring');
  });
});

suite('namespace: an older bubblewrap', () => {
  test('that cannot forbid further user namespaces works too: the filter of system calls forbids them', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'writ-older-'));
    const older = join(folder, 'bwrap');
    const refusal = 'case "$*" in *--disable-userns*) echo "bwrap: Unknown option --disable-userns" >&2; exit 1;; esac';
    writeFileSync(older, `#!/bin/sh\n${refusal}\nexec /usr/bin/bwrap "$@"\n`, { mode: 0o755 });
    const cgroups = new Cgroups({ version: 1, bases: {} }, 'spoke');
    const sandbox = new NamespaceSandbox(new Ledger(join(folder, 'records')), cgroups, join(folder, 'root'), older);
    expect(await sandbox.probe()).toMatchObject({ ok: true });
    const agentId = randomUUID();
    const argv = ['sh', '-c', 'unshare --user --map-root-user echo nested; node -e "console.log(1 + 1)"'] as const;
    const spec = { agentId, argv: [...argv] as [string, ...string[]], env: {}, cwd: '/', mounts: [], limits: {} };
    const running = await sandbox.launch(spec, new AbortController().signal);
    expect([await text(running.stdout), await text(running.stderr)]).toEqual([
      '2\n',
      'unshare: unshare failed: Operation not permitted\n',
    ]);
    await running.end;
    await sandbox.remove(agentId);
    rmSync(folder, { recursive: true });
  });
});

const project = fileURLToPath(new URL('../../../../', import.meta.url));
const nobody = { uid: 65534, gid: 65534 };

function nobodyReads(file: string): boolean {
  try {
    execFileSync('test', ['-r', file], nobody);
    return true;
  } catch {
    return false;
  }
}

const isRoot = process.getuid?.() === 0;
const built = join(project, 'dist/libs/agents/src/index.js');
const asNobody = requirement('an installation that everybody may read', nobodyReads(built), 'keep it outside of /root');

// Run by an ordinary user, all of the above has shown it already.
(isRoot ? suite : describe.skip)('namespace: an ordinary user', () => {
  asNobody('needs no rights of root', () => {
    const folder = mkdtempSync(join(tmpdir(), 'writ-nobody-'));
    try {
      chownSync(folder, nobody.uid, nobody.gid);
      const program = `
        import { openSandboxes } from '#agents';
        import { text } from 'node:stream/consumers';
        const sandbox = (await openSandboxes({ stateDir: process.argv[1] })).pick('namespace');
        const agentId = '01234567-89ab-4cde-8f01-23456789abcd';
        const spec = { agentId, argv: ['sh', '-c', 'id -u; setsid sleep 300 & echo x > y && cat y'], env: {}, cwd: '/tmp', mounts: [], limits: {} };
        const running = await sandbox.launch(spec, new AbortController().signal);
        const out = await text(running.stdout);
        console.log(JSON.stringify({ out, ...(await running.end), left: await sandbox.stop(agentId, 0) }));`;
      mkdirSync(join(folder, 'state'));
      chownSync(join(folder, 'state'), nobody.uid, nobody.gid);
      const args = ['--input-type=module', '-e', program, join(folder, 'state')];
      const said = execFileSync(process.execPath, args, { cwd: project, ...nobody, env: {}, encoding: 'utf8' });
      expect(JSON.parse(said)).toEqual({ out: '1000\nx\n', code: 0, signal: null, left: 0 });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
