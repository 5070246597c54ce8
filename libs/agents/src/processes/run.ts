// Processes room: a program that only does something and says nothing but complaints.
import { startProcess } from './current.js';

/** @throws Error with the first of its complaints when it did not end well. */
export async function runProcess(argv: readonly [string, ...string[]]): Promise<void> {
  const { pipes, closed } = await startProcess({
    argv,
    env: { PATH: '/usr/bin:/bin', LC_ALL: 'C' },
    cwd: '/',
    pipes: 3,
  });
  const [stdin, stdout, stderr] = pipes;
  let complaint = '';
  stdin?.end();
  stdout?.resume();
  stderr?.on('data', (piece: Buffer) => (complaint ||= piece.toString('utf8')));
  const { code, signal } = await closed;
  if (code !== 0)
    throw new Error(`${argv[0]}: ${complaint.trim() || (signal ?? `it ended with code ${code ?? 'none'}`)}`);
}
