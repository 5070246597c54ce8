// Sandbox room: tries for real whether a level works here.
import type { Command } from './gate.js';
import { GatedProcess } from './gate.js';
import { signalProcess } from './process.js';

const probeMsMax = 10_000;
const complaintBytesMax = 400;

/** Null when the command ran and ended well; else the first line of what it said. */
export async function tryOut(command: Command): Promise<string | null> {
  const gated = await GatedProcess.start(command, 'probe');
  const timer = setTimeout(() => signalProcess(gated.outer, 'SIGKILL'), probeMsMax);
  let said = '';
  gated.stdout.resume();
  gated.stderr.on('data', (piece) => (said = (said + String(piece)).slice(0, complaintBytesMax)));
  gated.open();
  if (command.announces) {
    await gated.announcement();
    gated.unblock();
  }
  const { code } = await gated.end;
  clearTimeout(timer);
  return code === 0 ? null : (said.trim().split('\n')[0] ?? '') || `it ended with code ${code ?? 'none'}`;
}
