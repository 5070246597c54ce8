// Writes docs/reference from the sources: `npm run build && node tools/reference.mjs`.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { documentOf } from '../dist/test/reference/documents.js';
import { referencePages } from '../dist/test/reference/pages.js';

const folder = join(import.meta.dirname, '../docs/reference');
mkdirSync(folder, { recursive: true });
const [hub, spoke] = [await documentOf('hub'), await documentOf('spoke')];
for (const [name, text] of Object.entries(referencePages(hub, spoke))) writeFileSync(join(folder, name), text);
