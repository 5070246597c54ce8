// Configuration: one frozen object, or every fault at once.
import { afterAll, describe, expect, test } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WritError } from '#protocol';
import { z } from 'zod';
import { loadConfig } from './config.js';

const schema = z.strictObject({
  port: z.int().min(0).max(65_535).default(7300),
  name: z.string().min(1).default('spoke'),
  modelKey: z.string().optional(),
  stateDir: z.string().optional(),
  agents: z.strictObject({ liveMax: z.int().min(1).default(20), types: z.array(z.string()).default([]) }).prefault({}),
});

const folder = mkdtempSync(join(tmpdir(), 'writ-config-'));
afterAll(() => rmSync(folder, { recursive: true }));

function file(content: unknown): string {
  const path = join(folder, `${crypto.randomUUID()}.json`);
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
}

function faultsOf(source: Parameters<typeof loadConfig>[0]): string[] {
  try {
    loadConfig(source);
  } catch (error) {
    if (error instanceof WritError && error.code === 'config_invalid') return error.detail.split('\n');
    throw error;
  }
  return [];
}

describe('configuration', () => {
  test('defaults, then the file, then the environment, then flags; frozen all through', () => {
    const config = loadConfig({
      schema,
      env: {
        WRIT_AGENTS__LIVE_MAX: '7',
        WRIT_AGENTS__TYPES: '["worker"]',
        WRIT_NAME: '42',
        PATH: '/bin',
        WRIT_URL: 'http://x',
      },
      file: file({ name: 'from-file', agents: { liveMax: 3 }, port: 1 }),
      argv: ['--port', '2', '--state', '/var/lib/writ'],
    });
    expect(config).toEqual({
      port: 2,
      stateDir: '/var/lib/writ',
      name: '42',
      agents: { liveMax: 7, types: ['worker'] },
    });
    expect(Object.isFrozen(config.agents.types)).toBe(true);
  });

  test('every fault is listed at once', () => {
    const faults = faultsOf({
      schema,
      env: {
        WRIT_PORT: 'http',
        WRIT_NOPE: '1',
        WRIT_AGENTS__NOPE: '1',
        WRIT_CONFIG: file({ name: '', agnets: {}, agents: { liveMax: 0 } }),
      },
    });
    const fields = faults.map((fault) => fault.split(':')[0]);
    expect(fields.sort()).toEqual(['WRIT_AGENTS__NOPE', 'WRIT_NOPE', 'agents.liveMax', 'agnets', 'name', 'port']);
  });

  test('[O-8] a placeholder is no secret', () => {
    for (const modelKey of ['changeme', 'CHANGE_ME_PLEASE', '<your key>', 'your-api-key', 'xxxx'])
      expect(faultsOf({ schema, env: { WRIT_MODEL_KEY: modelKey } })).toEqual([
        'modelKey: is a placeholder; put in a real secret',
      ]);
    expect(faultsOf({ schema, env: { WRIT_MODEL_KEY: 'sk-real-0123456789' } })).toEqual([]);
  });

  test('a file that is named has to be there, and has to be one JSON object', () => {
    expect(faultsOf({ schema, env: {}, file: join(folder, 'absent.json') })[0]).toMatch(/absent.json: cannot be read/);
    expect(faultsOf({ schema, env: {}, file: file('{') })[0]).toMatch(/is not JSON/);
    expect(faultsOf({ schema, env: {}, file: file([]) })[0]).toMatch(/must hold one JSON object/);
  });

  test('arguments that it does not know are faults', () => {
    expect(faultsOf({ schema, env: {}, argv: ['--prot', '1'] })[0]).toMatch(/^arguments: /);
    expect(faultsOf({ schema, env: {}, argv: ['--port', 'http'] })[0]).toMatch(/^port: /);
  });

  test('names from the prototype are no settings', () => {
    expect(faultsOf({ schema, env: { WRIT_CONSTRUCTOR: '1', WRIT___PROTO____X: '1' } })).toHaveLength(2);
    expect(faultsOf({ schema, env: {}, file: file('{"__proto__":{"port":1}}') })).toHaveLength(1);
  });
});
