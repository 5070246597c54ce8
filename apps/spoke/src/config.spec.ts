import { describe, expect, test } from '@jest/globals';
import { readConfig } from './config.js';

const faultsOf = (env: Record<string, string>): string[] => {
  try {
    readConfig(env, []);
    return [];
  } catch (error) {
    return (error as { detail: string }).detail.split('\n');
  }
};

describe('the spoke’s configuration', () => {
  test('wants nothing, and then neither runs agents unsandboxed nor takes repositories from its own disk', () => {
    const { host, sandbox, repositories, publicUrl } = readConfig({}, []);
    expect({ host, publicUrl }).toEqual({ host: '127.0.0.1' });
    expect(sandbox).toMatchObject({ allowNone: false });
    expect(sandbox.docker.image).toBeUndefined();
    expect(repositories.allowFile).toBe(false);
  });

  test('reads settings within settings from the environment', () => {
    const config = readConfig({ WRIT_REPOSITORIES__ALLOW_FILE: 'true', WRIT_AGENTS__AGENTS_MAX: '3' }, []);
    expect(config.repositories.allowFile).toBe(true);
    expect(config.agents.agentsMax).toBe(3);
  });

  test('names every fault at once, settings that there are not among them', () => {
    const faults = faultsOf({ WRIT_HEARTBEAT_MS: '99999', WRIT_PUBLIC_URL: 'ftp://x', WRIT_AGENTS__SUPER: '1' });
    expect(faults.join('\n')).toMatch(/heartbeatMs/);
    expect(faults.join('\n')).toMatch(/publicUrl/);
    expect(faults.join('\n')).toMatch(/WRIT_AGENTS__SUPER: there is no such setting/);
    expect(faults).toHaveLength(3);
  });

  test('[O-8] refuses a key that was copied from an example', () => {
    expect(faultsOf({ WRIT_ADMIN_KEY: 'changeme' }).join('\n')).toMatch(/adminKey/);
  });
});
