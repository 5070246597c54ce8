// Puts a backup back, as a process of its own: `node restore.main.js <file> <folder for a hub> <folder for a spoke>`.
// Says on a line what it restored and where; else why not, and exits with 1.
import { readBackup, restoreBackup } from './backup.js';
import { StoreError } from './error.js';

const [file = '', hubFolder = '', spokeFolder = ''] = process.argv.slice(2);

try {
  const folder = readBackup(file).role === 'hub' ? hubFolder : spokeFolder;
  process.stdout.write(`${JSON.stringify({ ...restoreBackup(file, folder), folder })}\n`);
} catch (error) {
  process.stderr.write(`${error instanceof StoreError ? error.detail : String(error)}\n`);
  process.exitCode = 1;
}
