// The OpenAPI documents of a hub and a spoke as they serve them.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { caller } from '../support/call.js';
import { Instance, type Role } from '../support/instance.js';
import type { ApiDocument } from './pages.js';

/** Starts one, asks it, and leaves nothing behind. */
export async function documentOf(role: Role): Promise<ApiDocument> {
  const folder = mkdtempSync(join(tmpdir(), 'writ-reference-'));
  try {
    const instance = await Instance.start({ role, name: role, stateDir: folder });
    const answer = await caller(instance.url)('GET', '/openapi.json').finally(() => instance.stop());
    return answer.json() as ApiDocument;
  } finally {
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}
