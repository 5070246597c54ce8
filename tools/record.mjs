// Records what this version says on the wire, for later versions to be tested against: `npm run build && node tools/record.mjs NAME`.
// A real hub and a real spoke talk through a tap; beside their conversation stand the shapes that this version takes.
import { Buffer } from 'node:buffer';
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import * as protocol from '#protocol';
import { Federation } from '../dist/test/support/federation.js';
import { Tap } from '../dist/test/support/tap.js';

const [name = ''] = process.argv.slice(2);
if (!/^[0-9a-z][0-9a-z.-]*$/.test(name)) throw new Error('name the recording after its version');
const folder = join(import.meta.dirname, '../test/fixtures/recordings', name);

/** Members that are closed are closed in the schema too; what a number or a text may be beyond that stays with the vectors. */
const shape = (schema, io) => z.toJSONSchema(schema, { io, unrepresentable: 'any' });
const { agentEvent, helloClaims, commandClaims, resultClaims, eventClaims, ackClaims, operation, operationNames } =
  protocol;

function shapes() {
  const messages = {
    hello: helloClaims,
    command: commandClaims,
    result: resultClaims,
    events: eventClaims,
    ack: ackClaims,
  };
  const events = agentEvent.options.map((option) => [option.shape.type.value, shape(option, 'output')]);
  const operations = operationNames.map((op) => {
    const { kind, args, body } = operation(op);
    return [op, { kind, args: shape(args, 'input'), body: shape(body, 'output') }];
  });
  return {
    messages: Object.fromEntries(Object.entries(messages).map(([key, schema]) => [key, shape(schema, 'output')])),
    operations: Object.fromEntries(operations),
    events: Object.fromEntries(events),
  };
}

/** What stands in a message, without a signature: nobody can say it again as it was. */
function read({ direction, text }) {
  const [header, payload] = text.split('.');
  const { typ } = JSON.parse(Buffer.from(header, 'base64url'));
  return { from: direction === 'to-hub' ? 'spoke' : 'hub', typ, claims: JSON.parse(Buffer.from(payload, 'base64url')) };
}

const isHeartbeat = ({ typ, claims }) => typ === 'writ-evt+jws' && claims.events.length === 0;

/** Every kind of message that the two have for one another over an agent's life. */
async function conversation() {
  await using tap = Object.assign(new Tap(), { [Symbol.asyncDispose]: () => tap.close() });
  const stage = await Federation.open();
  try {
    const hub = await stage.hub('hub', { publicUrl: await tap.open() });
    tap.aim(hub.instance.url);
    const agents = { graceMs: 1_000, outputInlineBytesMax: 16 };
    const spoke = await stage.spoke('spoke', { agents });
    await stage.pair(hub, spoke);
    const { agentId } = await stage.spawn(hub, spoke.name, 'echo some words, and then some more; echo work > work.txt');
    await stage.ended(hub, agentId);
    await hub.client.agents.list({ live: true });
    await hub.client.agents.diff(agentId);
    await hub.client.agents.readOutput(agentId, '16');
    await hub.client.agents.kill(agentId, 'over', 20);
    await hub.client.agents.close(agentId, { reason: 'over' });
    await hub.client.kill.all({ scope: `spoke:${spoke.name}`, reason: 'enough' }, 20);
    await hub.client.kill.reset({ scope: `spoke:${spoke.name}`, reason: 'go on' });
    const text = JSON.stringify(tap.frames.map(read).filter((one) => !isHeartbeat(one)));
    return JSON.parse(text.replaceAll(stage.repository, 'https://example.com/team/app.git'));
  } finally {
    await stage.close();
  }
}

const lines = (list) => `[\n${list.map((one) => ` ${JSON.stringify(one)}`).join(',\n')}\n]\n`;
const write = (file, text) => writeFileSync(join(folder, file), text);
const messages = await conversation();
mkdirSync(folder, { recursive: true });
write('conversation.json', lines(messages));
write('shapes.json', `${JSON.stringify(shapes())}\n`);
console.log(`${messages.length} messages, ${execFileSync('du', ['-sh', folder], { encoding: 'utf8' }).trim()}`);
