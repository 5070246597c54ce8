// The outer end of the tool host against tool hosts that lie: scripts in its place, started as real processes.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { AgentMachine } from '../../../../../test/support/agent-machine.js';
import { toolHostInside } from './packages.js';
import { ToolHostFailed, ToolLink } from './tool-link.js';

const offer = '{"id":1,"ok":true,"tools":[{"name":"bash","description":"","input_schema":{"type":"object"}}]}';

describe('the link to a tool host that lies', () => {
  let folder: string;
  let machine: AgentMachine;
  let link: ToolLink;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'writ-link-'));
  });
  afterEach(async () => {
    void link.close();
    await machine.close();
    await rm(folder, { recursive: true, force: true });
  });

  /** A host that answers the list, and then runs `answer` (with `say`) at every call. */
  async function open(answer: string, names = ['bash']) {
    const file = join(folder, 'host.mjs');
    const say = `const say = (line) => process.stdout.write(line + '\\n');`;
    const listen = `createInterface({ input: process.stdin }).on('line', (line) => {
      if (JSON.parse(line).op === 'list') say('${offer}');
      else if (JSON.parse(line).op === 'call') { ${answer} }
    }).on('close', () => process.exit(0));`;
    await writeFile(file, `import { createInterface } from 'node:readline';\n${say}\n${listen}\n`);
    machine = new AgentMachine({ work: folder, mounts: [{ from: file, to: toolHostInside() }] });
    link = new ToolLink(machine, names);
    const [tool] = await link.open();
    return () => Promise.resolve(tool!.run({ command: 'x' }));
  }

  test.each([
    ['no JSON', `say('garbage')`],
    ['another shape', `say('{"id":2,"ok":"yes"}')`],
    ['unknown members', `say('{"id":2,"ok":true,"content":"x","more":1}')`],
    ['a line above the bound', `say('x'.repeat(9_000_000))`],
    ['nothing, and an end', 'process.exit(0)'],
  ])('%s fails the call and does not hang it', async (_, answer) => {
    const call = await open(answer);
    await expect(call()).rejects.toThrow('The tool host ended in the middle of the call.');
  });

  test('an answer to a call that nobody made is nothing to anybody', async () => {
    const call = await open(
      `say('{"id":99,"ok":true,"content":"forged"}'); say('{"id":2,"ok":true,"content":"real"}')`,
    );
    expect(await call()).toBe('real');
  });

  test('blocks other than text do not get through: no image by URL in the name of the spoke', async () => {
    const blocks = '[{"type":"image","source":{"type":"url","url":"http://10.0.0.1/"}},{"type":"text","text":"said"}]';
    const call = await open(`say('{"id":2,"ok":true,"content":${blocks}}')`);
    expect(await call()).toBe('\nsaid');
  });

  test('a long answer is cut', async () => {
    const call = await open(`say(JSON.stringify({ id: 2, ok: true, content: 'x'.repeat(500_000) }))`);
    const told = (await call()) as string;
    expect(told.length).toBeLessThan(410_000);
    expect(told.endsWith('[cut]')).toBe(true);
  });

  test('a host that does not offer what the profile wants is refused', async () => {
    await expect(open('', ['bash', 'edit'])).rejects.toThrow(ToolHostFailed);
  });

  test('the signal ends an open call at once', async () => {
    const call = await open('');
    const open_ = call();
    machine.abort();
    await expect(open_).rejects.toThrow('Stopped.');
  });
});
