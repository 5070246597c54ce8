// The outer end of the tool host against tool hosts that lie: shell scripts in its place, started as real processes.
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { AgentMachine } from '../../../../../test/support/agent-machine.js';
import { nodeInside } from '../inside.js';
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
    link.close();
    await machine.close();
    await rm(folder, { recursive: true, force: true });
  });

  /** A host that answers the list, and then writes `answer` to every call. */
  async function open(answer: string, names = ['bash']) {
    const file = join(folder, 'host');
    const body = `read -r line; printf '%s\\n' '${offer}'\nwhile read -r line; do ${answer}; done`;
    await writeFile(file, `#!/bin/bash\n${body}\n`);
    await chmod(file, 0o755);
    machine = new AgentMachine({ work: folder, mounts: [{ from: file, to: nodeInside }] });
    link = new ToolLink(machine, names);
    const [tool] = await link.open();
    return () => Promise.resolve(tool!.run({ command: 'x' }));
  }

  test.each([
    ['no JSON', 'echo garbage'],
    ['another shape', `echo '{"id":2,"ok":"yes"}'`],
    ['unknown members', `echo '{"id":2,"ok":true,"content":"x","more":1}'`],
    ['a line above the bound', 'head -c 9000000 /dev/zero | tr "\\0" x'],
    ['nothing, and an end', 'exit 0'],
  ])('%s fails the call and does not hang it', async (_, answer) => {
    const call = await open(answer);
    await expect(call()).rejects.toThrow('The tool host ended in the middle of the call.');
  });

  test('an answer to a call that nobody made is nothing to anybody', async () => {
    const call = await open(
      `echo '{"id":99,"ok":true,"content":"forged"}'; echo '{"id":2,"ok":true,"content":"real"}'`,
    );
    expect(await call()).toBe('real');
  });

  test('blocks other than text do not get through: no image by URL in the name of the spoke', async () => {
    const blocks = '[{"type":"image","source":{"type":"url","url":"http://10.0.0.1/"}},{"type":"text","text":"said"}]';
    const call = await open(`echo '{"id":2,"ok":true,"content":${blocks}}'`);
    expect(await call()).toBe('\nsaid');
  });

  test('a long answer is cut', async () => {
    const call = await open(`printf '{"id":2,"ok":true,"content":"%0500000d"}\\n' 7`);
    const told = (await call()) as string;
    expect(told.length).toBeLessThan(410_000);
    expect(told.endsWith('[cut]')).toBe(true);
  });

  test('a host that does not offer what the profile wants is refused', async () => {
    await expect(open('true', ['bash', 'edit'])).rejects.toThrow(ToolHostFailed);
  });

  test('the signal ends an open call at once', async () => {
    const call = await open('true');
    const open_ = call();
    machine.abort();
    await expect(open_).rejects.toThrow('Stopped.');
  });
});
