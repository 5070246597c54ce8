// Starts the understudy: `node main.js --script FILE [--port N]`. One JSON line on stdout says where it listens.
import { parseArgs } from 'node:util';
import { readScript } from './script.js';
import { Understudy } from './server.js';

const { values } = parseArgs({
  options: { script: { type: 'string' }, port: { type: 'string', default: '0' } },
});

try {
  const port = Number(values.port);
  if (values.script === undefined || !Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new Error('usage: understudy --script FILE [--port 0..65535]');
  }
  const understudy = new Understudy(await readScript(values.script));
  const url = await understudy.listen(port);
  process.stderr.write('This is the understudy: a stand-in that plays a script. No model is behind it.\n');
  process.stdout.write(`${JSON.stringify({ understudy: true, url, script: values.script, pid: process.pid })}\n`);
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void understudy.close());
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 2;
}
